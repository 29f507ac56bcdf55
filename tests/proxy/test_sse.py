"""Streams of events: every byte passes, whole events at a time, and a break is told between two of them."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from switchyard_proxy.sse import HOLD_AT_MOST, Events

LINE_ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])
LINES = st.binary(min_size=1, max_size=12).map(lambda line: b"data: " + line.translate(None, b"\r\n"))


def dispatched(stream: bytes) -> list[bytes]:
    """The data of each event as a reader by the standard sees it: ended by a blank line, or it is none."""
    found: list[bytes] = []
    data: list[bytes] = []
    text = stream.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    for line in text.split(b"\n")[:-1]:
        if line:
            data.append(line.partition(b":")[2].removeprefix(b" "))
        elif data:
            found.append(b"\n".join(data))
            data = []
    return found


@st.composite
def event_streams(draw: st.DrawFn) -> bytes:
    events = draw(
        st.lists(st.tuples(st.lists(LINES, min_size=1, max_size=3), LINE_ENDS, LINE_ENDS), max_size=5)
    )
    stream = b"".join(b"".join(line + first for line in lines) + second for lines, first, second in events)
    return stream + draw(st.sampled_from([b"", b"data: unfinis", b": note\n"]))


@st.composite
def cut_streams(draw: st.DrawFn) -> list[bytes]:
    stream = draw(event_streams())
    cuts = sorted(draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    return [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]


@given(pieces=cut_streams())
def test_no_byte_is_changed_wherever_the_stream_is_cut(pieces: list[bytes]) -> None:
    events = Events()

    out = [events.whole(piece) for piece in pieces] + [events.rest()]

    assert b"".join(out) == b"".join(pieces)


@given(pieces=cut_streams())
def test_what_has_gone_out_is_always_whole_events(pieces: list[bytes]) -> None:
    events = Events()
    out = b""

    for piece in pieces:
        out += events.whole(piece)

        assert out == b"" or out.endswith((b"\n", b"\r"))
        assert dispatched(out + b"data: next\n\n")[-1] == b"next"


@given(pieces=cut_streams())
def test_a_break_is_told_after_all_whole_events_and_inside_none(pieces: list[bytes]) -> None:
    events = Events()

    out = b"".join(map(events.whole, pieces))
    told = dispatched(out + events.close() + b"data: sorry\n\n")

    assert told[:-1] == dispatched(b"".join(pieces))
    assert told[-1] == b"sorry"


def test_a_whole_event_is_not_held_back() -> None:
    assert Events().whole(b"data: 1\n\n") == b"data: 1\n\n"


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r", b"\n\r\n", b"\r\n\n"])
def test_knows_every_kind_of_line_end(end: bytes) -> None:
    assert Events().whole(b"data: 1" + end + b"data: 2") == b"data: 1" + end


def test_half_an_event_is_dropped_when_the_stream_breaks() -> None:
    events = Events()

    sent = events.whole(b'data: {"a":1}\n\ndata: {"b"')
    end = events.close()

    assert sent == b'data: {"a":1}\n\n'
    assert end + events.rest() == b""


def test_an_event_too_large_to_hold_flows_and_is_closed_before_the_error() -> None:
    events = Events()
    large = b"data: " + b"x" * HOLD_AT_MOST

    sent = events.whole(large) + events.whole(b"yyy")

    assert sent == large
    assert events.is_inside
    assert events.close() == b"\n\n"


def test_after_a_large_event_whole_events_are_kept_whole_again() -> None:
    events = Events()
    events.whole(b"data: " + b"x" * HOLD_AT_MOST)

    sent = events.whole(b"end\n\ndata: half")

    assert sent == b"xxxend\n\n"
    assert not events.is_inside
    assert events.close() == b""


def test_the_end_of_a_large_event_is_seen_even_when_it_comes_in_two_pieces() -> None:
    events = Events()
    events.whole(b"data: " + b"x" * HOLD_AT_MOST)

    sent = events.whole(b"end\n") + events.whole(b"\n")

    assert sent == b"xxxend\n\n"
    assert not events.is_inside
