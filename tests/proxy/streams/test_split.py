"""Single events, wherever the reply was cut into pieces."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from switchyard_proxy.streams.split import Splitter

TEXT = st.text("ab:\r\n", max_size=60).map(str.encode)


def pieces_of(text: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted(min(cut, len(text)) for cut in cuts)
    return [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]


@given(text=TEXT, cuts=st.lists(st.integers(0, 60), max_size=8))
def test_no_byte_is_lost_or_added_at_any_cut(text: bytes, cuts: list[int]) -> None:
    splitter = Splitter()

    events = [event for piece in pieces_of(text, cuts) for event in splitter.events(piece)]

    assert b"".join([*events, *splitter.rest()]) == text
    assert splitter.held == 0


@given(cuts=st.lists(st.integers(0, 60), max_size=8), end=st.sampled_from([b"\n", b"\r\n"]))
def test_each_event_comes_alone_at_any_cut(cuts: list[int], end: bytes) -> None:
    said = [b"data: one" + end * 2, b"event: x" + end + b"data: two" + end * 2, b": three" + end * 2]
    splitter = Splitter()

    events = [event for piece in pieces_of(b"".join(said), cuts) for event in splitter.events(piece)]

    # A reader by the standard takes the CR of a last CRLF for a line end, and so may we.
    assert [event.strip() for event in events if event.strip()] == [event.strip() for event in said]


def test_a_line_end_of_two_bytes_is_one() -> None:
    assert Splitter().events(b"data: a\r\ndata: b\r\n\r\n") == [b"data: a\r\ndata: b\r\n\r\n"]


def test_what_has_no_end_yet_is_held_and_counted() -> None:
    splitter = Splitter()

    assert splitter.events(b"data: a\n\ndata: b") == [b"data: a\n\n"]
    assert splitter.held == 7
    assert splitter.rest() == [b"data: b"]


@pytest.mark.timeout(10)
def test_a_large_event_in_many_pieces_costs_no_more_than_its_size() -> None:
    splitter = Splitter()
    for _ in range(4000):
        assert splitter.events(b"x" * 4096) == []

    assert splitter.events(b"\n\n") == [b"x" * 4096 * 4000 + b"\n\n"]
