"""Single events: cut out of a stream wherever its pieces were cut, and written on one line."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from switchyard_proxy.dialects.events import COMMENT, Splitter, cut, document, frame, payload
from tests.proxy.dialects.hearing import cuts, heard, written

DOCUMENTS = st.fixed_dictionaries({"n": st.integers(), "text": st.text(max_size=6)})


@given(data=st.data(), said=st.lists(DOCUMENTS, max_size=4))
def test_a_stream_is_cut_into_its_events_and_no_byte_is_lost(data: st.DataObject, said: list[dict]) -> None:
    events = [data.draw(written(document)) for document in said]

    pieces = cut(b"".join(events))

    assert pieces == events
    assert [document(piece) for piece in pieces] == said


@given(data=st.data(), said=st.lists(DOCUMENTS, min_size=1, max_size=4))
def test_what_continues_an_event_is_told_from_what_begins_one(data: st.DataObject, said: list[dict]) -> None:
    stream = b"".join(data.draw(written(document)) for document in said)
    splitter, out = Splitter(), b""

    for piece in data.draw(cuts(stream)):
        rest_of_open, pieces = splitter.split(piece)
        out += rest_of_open
        for begun in pieces:
            assert out == b"" or heard(out + b"data: next\n\n")[-1].data == "next"
            out += begun

    assert out == stream


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r", b"\r\n\n"])
def test_knows_every_kind_of_line_end(end: bytes) -> None:
    assert cut(b"data: 1" + end + b"data: 2" + end) == [b"data: 1" + end, b"data: 2" + end]


def test_a_single_line_end_of_two_bytes_ends_no_event() -> None:
    assert cut(b"event: a\r\ndata: 1\r\n\r\n") == [b"event: a\r\ndata: 1\r\n\r\n"]


def test_only_data_lines_are_data() -> None:
    assert payload(b"event: a\ndataset: no\ndata: {\n: note\ndata\ndata:}\n\n") == b"{\n\n}"


@pytest.mark.parametrize(
    "event", [b"data: [DONE]\n\n", b"data: [1]\n\n", b": note\n\n", b"data: " + b"[" * 9999]
)
def test_what_is_no_object_is_no_document(event: bytes) -> None:
    assert document(event) == {}


def test_a_frame_has_no_byte_that_any_client_takes_for_a_line_end() -> None:
    said = frame({"text": "a\nb\u2028c\x85"}, "note")

    assert said.decode().splitlines() == ["event: note", said.decode().split("\n")[1], ""]
    assert document(said) == {"text": "a\nb\u2028c\x85"}


def test_a_comment_never_begins_with_ping() -> None:
    assert COMMENT.startswith(b": ")
    assert not COMMENT.startswith(b": ping")
