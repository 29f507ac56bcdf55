"""Bodies: bounded, looked into no further than needed, and changed in one value only."""

import asyncio
import json
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.asgi import Message, Receive
from switchyard_proxy.bodies.reading import Bounds, model_in, read_body, renamed
from switchyard_proxy.errors import ClientGone, Refused

BOUNDS = Bounds(largest=10, pause_s=5)


def arriving(*parts: bytes, then: Message | None = None) -> Receive:
    """A client that sends its body in these parts; `then` what comes instead of the end."""
    messages: list[Message] = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    if then is None:
        messages[-1]["more_body"] = False
    else:
        messages.append(then)

    async def receive() -> Message:
        if messages:
            return messages.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    return receive


async def test_joins_the_parts_of_a_body() -> None:
    assert await read_body(arriving(b"ab", b"", b"cd"), None, BOUNDS) == b"abcd"


async def test_refuses_a_declared_length_over_the_bound_before_reading() -> None:
    async def receive() -> Message:
        raise AssertionError("read a body that is too large")

    with pytest.raises(Refused) as refused:
        await read_body(receive, b"11", BOUNDS)

    assert refused.value.code is ErrorCode.REQUEST_TOO_LARGE


async def test_stops_reading_an_undeclared_body_at_the_bound() -> None:
    with pytest.raises(Refused) as refused:
        await read_body(arriving(b"12345", b"678901", b"never read"), None, BOUNDS)

    assert refused.value.code is ErrorCode.REQUEST_TOO_LARGE
    assert refused.value.headers == ((b"connection", b"close"),)


async def test_takes_a_body_of_exactly_the_bound() -> None:
    assert await read_body(arriving(b"1234567890"), b"10", BOUNDS) == b"1234567890"


async def test_does_not_wait_for_ever_for_the_rest_of_a_body() -> None:
    never: Message = {"type": "http.request", "body": b"", "more_body": True}

    with pytest.raises(Refused, match="3 bytes came"):
        await read_body(arriving(b"abc", then=never), None, Bounds(largest=10, pause_s=0.01))


async def test_notices_that_the_client_left_while_it_sent() -> None:
    with pytest.raises(ClientGone):
        await read_body(arriving(b"abc", then={"type": "http.disconnect"}), None, BOUNDS)


@pytest.mark.parametrize(
    ("body", "model"),
    [
        (b'{"model":"m"}', "m"),
        (b' {"messages":[{"model":"no"}],"model" : "m" } ', "m"),
        (b'{"mod\\u0065l":"m"}', "m"),
        (b'{"model":"first","model":"last"}', "last"),
        (b'{"model":"org/na\\"me \xd0\xb9"}', 'org/na"me й'),
        (b'{"model":"m","x":' + b"1" * 5000 + b"}", "m"),
    ],
)
def test_finds_the_model_that_a_json_parser_would_find(body: bytes, model: str) -> None:
    assert model_in(body) == model
    assert json.loads(body, parse_int=str)["model"] == model


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", ErrorCode.INVALID_JSON),
        (b"not json", ErrorCode.INVALID_JSON),
        (b"[1]", ErrorCode.INVALID_JSON),
        (b'{"model":"m"} more', ErrorCode.INVALID_JSON),
        (b'{"model":"\xff"}', ErrorCode.INVALID_JSON),
        (b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b',"model":"m"}', ErrorCode.INVALID_JSON),
        (b"{}", ErrorCode.MISSING_REQUIRED_PARAMETER),
        (b'{"model":null}', ErrorCode.MISSING_REQUIRED_PARAMETER),
        (b'{"model":""}', ErrorCode.MISSING_REQUIRED_PARAMETER),
        (b'{"nested":{"model":"m"}}', ErrorCode.MISSING_REQUIRED_PARAMETER),
        (b'{"model":7}', ErrorCode.INVALID_VALUE),
        (b'{"model":["m"]}', ErrorCode.INVALID_VALUE),
    ],
)
def test_refuses_a_body_without_a_usable_model(body: bytes, code: ErrorCode) -> None:
    with pytest.raises(Refused) as refused:
        model_in(body)

    assert refused.value.code is code
    assert refused.value.body.param == (None if code is ErrorCode.INVALID_JSON else "model")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"model":"a"}', b'{"model":"new"}'),
        (b'{ "x" : 1.50 ,\t"model"\n: "a" , "y":[] }', b'{ "x" : 1.50 ,\t"model"\n: "new" , "y":[] }'),
        (b'{"m":{"model":"a"},"model":"a","z":"\\"model\\":\\"a\\""}', None),
        (b'{"model":"a","model":"b"}', b'{"model":"a","model":"new"}'),
        (b'{"mod\\u0065l":"a"}', b'{"mod\\u0065l":"new"}'),
        (b'{"x":"\xd0\xb9\xff","model":"a"}', b'{"x":"\xd0\xb9\xff","model":"new"}'),
    ],
)
def test_renames_nothing_but_the_last_top_level_model(body: bytes, expected: bytes | None) -> None:
    if expected is None:
        expected = b'{"m":{"model":"a"},"model":"new","z":"\\"model\\":\\"a\\""}'

    assert renamed(body, "new") == expected


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.just("model"), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(
    before=st.dictionaries(st.text(), JSON_VALUES, max_size=4),
    after=st.dictionaries(st.text().filter(lambda key: key != "model"), JSON_VALUES, max_size=4),
    name=st.text(min_size=1).filter(lambda text: text.isprintable()),
    indent=st.sampled_from([None, 0, 3]),
    ascii_only=st.booleans(),
)
def test_a_renamed_body_says_the_same_but_for_the_model(
    before: dict[str, Any], after: dict[str, Any], name: str, indent: int | None, ascii_only: bool
) -> None:
    asked = {**before, "model": "alias", **after}
    body = json.dumps(asked, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")

    result = renamed(body, name)

    assert json.loads(result.decode("utf-8", "surrogatepass")) == {**asked, "model": name}


@given(body=st.binary(max_size=60) | st.text(alphabet='{}[]":,\\ntrue10 model', max_size=60).map(str.encode))
def test_a_body_is_either_renamed_or_refused_and_never_a_fault_of_ours(body: bytes) -> None:
    try:
        model_in(body)
        result = renamed(body, "new")
    except Refused:
        return

    assert model_in(result) == "new"
