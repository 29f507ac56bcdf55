"""What a body says about its way: what a JSON parser would find, and nothing else is built."""

import json

import hypothesis.strategies as st
import pytest
from hypothesis import given

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.bodies.fields import Fields, read_fields
from switchyard_proxy.errors import Refused


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
    assert read_fields(body).model == model
    assert json.loads(body, parse_int=str)["model"] == model


@pytest.mark.parametrize("body", [b"{}", b'{"model":null}', b'{"model":""}', b'{"nested":{"model":"m"}}'])
def test_a_body_may_name_no_model(body: bytes) -> None:
    assert read_fields(body).model is None


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"{}", Fields(None, stream=False, include_usage=None, background=False, store=None)),
        (
            b'{"stream":true,"stream_options":{"include_usage":true},"background":true,"store":false}',
            Fields(None, stream=True, include_usage=True, background=True, store=False),
        ),
        (
            b'{"stream":null,"stream_options":null,"background":null,"store":null}',
            Fields(None, stream=False, include_usage=None, background=False, store=None),
        ),
        (
            b'{"stream":false,"stream_options":{"other":1},"background":"transparent","store":"yes"}',
            Fields(None, stream=False, include_usage=False, background=False, store=None),
        ),
    ],
)
def test_reads_what_decides_the_way(body: bytes, expected: Fields) -> None:
    assert read_fields(body) == expected


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[1]",
        b'"model"',
        b'{"model":"m"} more',
        b'{"model":"\xff"}',
        b'{"stream":1,',
        b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b',"model":"m"}',
    ],
)
def test_refuses_what_is_no_json_object(body: bytes) -> None:
    with pytest.raises(Refused) as refused:
        read_fields(body)

    assert refused.value.code is ErrorCode.INVALID_JSON
    assert refused.value.body.param is None


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b'{"model":7}', "model"),
        (b'{"model":["m"]}', "model"),
        (b'{"stream":"true"}', "stream"),
        (b'{"model":"m","stream":1}', "stream"),
        (b'{"stream_options":[]}', "stream_options"),
        (b'{"stream_options":{"include_usage":"yes"}}', "stream_options"),
    ],
)
def test_names_the_field_that_has_a_value_of_another_kind(body: bytes, param: str) -> None:
    with pytest.raises(Refused) as refused:
        read_fields(body)

    assert refused.value.code is ErrorCode.INVALID_VALUE
    assert refused.value.body.param == param


@given(body=st.binary(max_size=60) | st.text(alphabet='{}[]":,\\ntrue10 modelsa', max_size=60).map(str.encode))
def test_a_body_is_either_read_or_refused(body: bytes) -> None:
    try:
        fields = read_fields(body)
    except Refused:
        return

    assert isinstance(fields, Fields)
