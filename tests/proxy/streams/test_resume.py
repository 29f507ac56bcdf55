"""The cursor of a reader, and events with numbers, as the decoder of openai-python reads them."""

import json

import hypothesis.strategies as st
import pytest
from hypothesis import given
from openai._streaming import SSEDecoder

from switchyard_proxy.asgi import Header
from switchyard_proxy.errors import Refused
from switchyard_proxy.streams.resume import KEEPALIVE, Wish, after_of, wished, written
from tests.proxy.streams.benches import request_of

ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])
CHUNKS = st.integers(0, 9).map(lambda n: b'data: {"n":%d}' % n)
EXTRAS = st.lists(
    st.sampled_from([b": note", b"id: 99", b"retry: 3000", b"event: chunk", b"id", b":", b"retry"]), max_size=3
)


@pytest.mark.parametrize(
    ("query", "headers", "after"),
    [
        (b"", [], 0),
        (b"starting_after=7", [], 7),
        (b"from=7", [], 6),
        (b"from=0", [], 0),
        (b"from=1", [], 0),
        (b"", [(b"last-event-id", b"7")], 7),
        (b"", [(b"last-event-id", b" 7 ")], 7),
        (b"starting_after=3&from=9", [], 3),
        (b"from=1", [(b"last-event-id", b"7")], 7),
        (b"starting_after=1", [(b"last-event-id", b"7")], 7),
        (b"starting_after=1", [(b"last-event-id", b"")], 1),
        (b"starting_after=1&starting_after=2", [], 2),
    ],
)
def test_the_header_wins_over_starting_after_and_that_over_from(
    query: bytes, headers: list[Header], after: int
) -> None:
    assert after_of(request_of(query, *headers)) == after


@pytest.mark.parametrize("wrong", [b"-1", b"1.5", b"abc", b"", b"9" * 40, b"%D9%A3"])
def test_a_cursor_that_is_no_number_is_refused(wrong: bytes) -> None:
    for request in (request_of(b"starting_after=" + wrong), request_of(b"from=" + wrong)):
        with pytest.raises(Refused):
            after_of(request)
    with pytest.raises(Refused):
        after_of(request_of(b"", (b"last-event-id", wrong or b"x")))


def test_resuming_is_for_those_who_ask_for_it() -> None:
    assert wished(request_of()) is None
    assert wished(request_of(b"", (b"x-resumable", b"0"))) is None
    assert wished(request_of(b"", (b"x-resumable", b"1"))) == Wish(None)
    assert wished(request_of(b"", (b"x-resumable", b"true"), (b"x-conversation-id", b"talk-1"))) == Wish(
        "talk-1"
    )
    assert wished(request_of(b"", (b"x-conversation-id", b"talk-1"))) == Wish("talk-1")


@pytest.mark.parametrize(
    "header",
    [(b"x-resumable", b"yes please"), (b"x-conversation-id", b"a b"), (b"x-conversation-id", b"x" * 201)],
)
def test_a_wish_that_cannot_be_read_is_refused(header: Header) -> None:
    with pytest.raises(Refused):
        wished(request_of(b"", header))


def test_an_event_is_written_with_its_number_before_it() -> None:
    assert written(5, b"data: {}\n\n") == b"id: 5\ndata: {}\n\n"
    assert written(5, b"event: x\ndata: {}\n\n") == b"id: 5\nevent: x\ndata: {}\n\n"


def test_what_dispatches_nothing_gets_neither_number_nor_blank_line() -> None:
    assert written(5, b": keep-alive\n\n") == b": keep-alive\n"
    assert written(5, b"\n\n") == b""
    assert written(5, b"retry: 3000\n\n") == b""


@st.composite
def streams(draw: st.DrawFn) -> list[bytes]:
    found = []
    for _ in range(draw(st.integers(0, 6))):
        end = draw(ENDS)
        lines = draw(EXTRAS) + draw(st.lists(CHUNKS, max_size=1)) + draw(EXTRAS)
        found.append(draw(st.sampled_from([b"", b"\n"])) + b"".join(line + end for line in lines) + end)
    return found


def decoded(text: bytes, cut: int) -> list[dict[str, int]]:
    """As openai-python reads a stream: every event that its decoder dispatches must be JSON."""
    pieces = [text[at : at + cut] for at in range(0, len(text), cut)]
    return [json.loads(event.data) for event in SSEDecoder().iter_bytes(iter(pieces))]


@given(events=streams(), cut=st.integers(1, 30))
def test_u4_with_ids_and_keepalives_at_every_boundary_openai_python_reads_every_event(
    events: list[bytes], cut: int
) -> None:
    text = KEEPALIVE + b"".join(written(n, event) + KEEPALIVE for n, event in enumerate(events, 1))

    found = decoded(text, cut)

    said = [
        line for event in events for line in event.replace(b"\r", b"\n").split(b"\n") if line[:4] == b"data"
    ]
    assert found == [json.loads(line[6:]) for line in said]
    assert b"retry" not in text


def test_u4_a_keepalive_with_a_blank_line_would_crash_it() -> None:
    with pytest.raises(json.JSONDecodeError):
        decoded(written(1, b"data: {}\n\n") + b": keepalive\n\n", 1000)
