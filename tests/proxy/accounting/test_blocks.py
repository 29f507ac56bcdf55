"""Which events are looked into."""

import itertools
import re

from hypothesis import given
from hypothesis import strategies as st

from switchyard_proxy.accounting.blocks import NAMES_USAGE, NEAR, data_of, naming_usage

BLANK_LINE = re.compile(rb"\n\n|\n\r|\r\r")
PIECES = st.lists(
    st.sampled_from(
        [b"\r", b"\n", b"\r\n", b"a", b"data:x", b"y" * NEAR, b'"usage":{', b'"usage" : {', b'"usage":0']
    ),
    max_size=20,
)


@given(PIECES)
def test_every_event_that_names_usage_is_found_once_and_no_other(pieces: list[bytes]) -> None:
    stream = b"".join(pieces)

    spans = naming_usage(stream)

    places = {match.start() for match in NAMES_USAGE.finditer(stream)}
    assert all(one.stop <= other.start for one, other in itertools.pairwise(spans))
    assert {at for at in places if any(span.start <= at < span.stop for span in spans)} == places
    assert all(NAMES_USAGE.search(stream, span.start, span.stop) for span in spans)


@given(PIECES)
def test_what_is_found_is_one_event_with_the_blank_line_that_ends_it(pieces: list[bytes]) -> None:
    stream = b"".join(pieces)

    for span in naming_usage(stream):
        event = stream[span]
        assert span.start == 0 or BLANK_LINE.search(stream, max(span.start - 3, 0), span.start)
        assert span.stop == len(stream) or event.endswith((b"\n", b"\r"))
        assert BLANK_LINE.search(event.rstrip(b"\r\n")) is None


def test_the_data_of_an_event_is_all_its_data_lines() -> None:
    assert data_of(b"event: x\r\ndata: one\r\ndata:two\r\n\r\n") == b"one\ntwo"
