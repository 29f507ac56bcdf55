"""Usage is asked for without another byte of the request changing, and taken out without loss of another."""

import itertools
import json
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchyard_proxy.accounting.asking import Stripper, with_usage


@dataclass(frozen=True)
class Fields:
    stream: object = True
    include_usage: object = None


def asked(body: bytes) -> bytes | None:
    members = json.loads(body)
    options = members.get("stream_options")
    asks = options.get("include_usage") if isinstance(options, dict) else None
    return with_usage(body, Fields(members.get("stream"), asks))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"stream":true}', b'{"stream_options":{"include_usage":true},"stream":true}'),
        (b' {\n "stream": true}', b' {"stream_options":{"include_usage":true},\n "stream": true}'),
        (b'{"stream":true,"stream_options":{}}', b'{"stream":true,"stream_options":{"include_usage":true}}'),
        (b'{"stream":true,"stream_options":null}', b'{"stream":true,"stream_options":{"include_usage":true}}'),
        (
            b'{"stream":true,"stream_options":{%s}}' % (b" " * 99),
            b'{"stream":true,"stream_options":{"include_usage":true%s}}' % (b" " * 99),
        ),
        (
            b'{"stream_options" : { "x" : 1e5 } ,"stream":true}',
            b'{"stream_options" : {"include_usage":true, "x" : 1e5 } ,"stream":true}',
        ),
        (
            b'{"stream":true,"stream_options":{"include_usage": false,"x":1}}',
            b'{"stream":true,"stream_options":{"include_usage": true,"x":1}}',
        ),
        (
            b'{"stream":true,"messages":[{"content":"\\"stream_options\\""}]}',
            b'{"stream_options":{"include_usage":true},"stream":true,"messages":[{"content":"\\"stream_options\\""}]}',
        ),
    ],
)
def test_asks_on_behalf_of_a_client_that_did_not(body: bytes, expected: bytes) -> None:
    assert asked(body) == expected


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"m"}',
        b'{"stream":false}',
        b'{"stream":1}',
        b'{"stream":true,"stream_options":{"include_usage":true}}',
        b'{"stream":true,"stream_options":"all"}',
    ],
)
def test_leaves_a_request_alone_that_asks_already_or_does_not_stream(body: bytes) -> None:
    assert asked(body) is None


def test_takes_the_word_of_whoever_read_the_request_that_it_asks() -> None:
    assert with_usage(b'{"stream":true}', Fields(include_usage=True)) is None


def test_finds_out_by_itself_that_a_request_asks_already() -> None:
    assert with_usage(b'{"stream":true,"stream_options":{"include_usage":true}}', Fields()) is None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.text() | st.sampled_from(["stream_options", "include_usage", "messages"])
OPTIONS = st.none() | st.dictionaries(st.text() | st.just("include_usage"), VALUES, max_size=3)


@given(st.dictionaries(NAMES, VALUES, max_size=4), OPTIONS, st.booleans(), st.sampled_from([None, 1]))
def test_nothing_but_the_question_is_added(
    others: dict[str, Any],
    options: dict[str, Any] | None,
    ascii_only: bool,
    indent: int | None,
) -> None:
    members = {**others, "stream": True, "stream_options": options}
    body = json.dumps(members, ensure_ascii=ascii_only, indent=indent).encode("utf-8", "surrogatepass")

    changed = asked(body)

    if changed is None:
        assert options is not None
        assert options.get("include_usage") is True
    else:
        expected = {**members, "stream_options": {**(options or {}), "include_usage": True}}
        assert json.loads(changed) == expected


@given(st.binary(max_size=60), st.sampled_from([b"", b'"stream_options"']))
def test_no_body_makes_it_raise(junk: bytes, name: bytes) -> None:
    with_usage(b"{" + junk + name + junk, Fields())


USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
CHUNK = {"id": "c", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "a"}}]}


def data(value: Any, end: str) -> bytes:
    return f"data: {json.dumps(value)}{end}{end}".encode()


def many_lines(value: Any, end: str) -> bytes:
    return (
        b"".join(f"data: {line}{end}".encode() for line in json.dumps(value, indent=1).split("\n"))
        + end.encode()
    )


ENDS = st.sampled_from(["\n", "\r\n", "\r"])
KEPT = st.one_of(
    st.builds(data, st.just(CHUNK), ENDS),
    st.builds(data, st.just({**CHUNK, "usage": None}), ENDS),
    st.builds(data, st.just({**CHUNK, "usage": USAGE}), ENDS),
    st.builds(data, st.just({"choices": [], "usage": None}), ENDS),
    st.builds(data, st.just({"choices": [], "prompt_filter_results": []}), ENDS),
    st.builds(data, st.just({"error": {"message": "m"}, "choices": [], "usage": USAGE}), ENDS),
    st.builds(data, st.just({"choices": [{"delta": {"content": '"choices":[],"usage":{}'}}]}), ENDS),
    st.builds(many_lines, st.just({**CHUNK, "usage": USAGE}), ENDS),
    st.builds(lambda end: f"data: [DONE]{end}{end}".encode(), ENDS),
    st.builds(lambda end: f': "usage":{{{end}{end}'.encode(), ENDS),
    st.builds(lambda end: f'event: x{end}data: "usage":{{}}{end}{end}'.encode(), ENDS),
)
DROPPED = st.one_of(
    st.builds(data, st.just({**CHUNK, "choices": [], "usage": USAGE}), ENDS),
    st.builds(many_lines, st.just({"choices": [], "usage": USAGE}), ENDS),
)


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[bytes], bytes]:
    """Whole events in groups of any size, and what of them is to pass."""
    events = draw(
        st.lists(st.one_of(st.tuples(KEPT, st.just("kept")), st.tuples(DROPPED, st.none())), max_size=12)
    )
    cuts = draw(st.sets(st.integers(0, len(events)), max_size=4))
    edges = sorted({0, len(events), *cuts})
    groups = [b"".join(event for event, _ in events[a:b]) for a, b in itertools.pairwise(edges)]
    return groups, b"".join(event for event, passes in events if passes)


@given(streams())
def test_takes_out_the_usage_chunk_and_not_a_byte_more_however_events_are_grouped(
    stream: tuple[list[bytes], bytes],
) -> None:
    groups, expected = stream
    stripper = Stripper()

    assert b"".join(map(stripper.passes, groups)) == expected


@given(st.binary(max_size=200))
def test_bytes_that_are_no_events_pass(junk: bytes) -> None:
    assert Stripper().passes(junk + b'"usage":{') == junk + b'"usage":{'


def test_what_asked_for_usage_still_decodes_with_a_strict_reader() -> None:
    changed = asked(b'{"model":"m","stream":true}')

    assert changed is not None
    assert msgspec.json.decode(changed)["stream_options"] == {"include_usage": True}
