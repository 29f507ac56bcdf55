"""A renamed body is the same body but for one value, wherever that stands."""

import json
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from switchyard_proxy.bodies import editing
from switchyard_proxy.bodies.editing import renamed
from switchyard_proxy.bodies.fields import read_fields
from switchyard_proxy.errors import Refused


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"model":"a"}', b'{"model":"new"}'),
        (b'{ "x" : 1.50 ,\t"model"\n: "a" , "y":[] }', b'{ "x" : 1.50 ,\t"model"\n: "new" , "y":[] }'),
        (
            b'{"m":{"model":"a"},"model":"a","z":"\\"model\\":\\"a\\""}',
            b'{"m":{"model":"a"},"model":"new","z":"\\"model\\":\\"a\\""}',
        ),
        (b'{"m":{"model":"a"},"model":"a"}', b'{"m":{"model":"a"},"model":"new"}'),
        (b'{"model":"a","m":{"model":"a"}}', b'{"model":"new","m":{"model":"a"}}'),
        (
            b'{"m":{"model":"a"},"model":"a","n":{"model":"a"}}',
            b'{"m":{"model":"a"},"model":"new","n":{"model":"a"}}',
        ),
        (b'{"model":"a","model":"b"}', b'{"model":"a","model":"new"}'),
        (b'{"mod\\u0065l":"a"}', b'{"mod\\u0065l":"new"}'),
        (b'{"m":{"model":"a"},"mod\\u0065l":"a"}', b'{"m":{"model":"a"},"mod\\u0065l":"new"}'),
        (b'{"model":"a","mod\\u0065l":"a"}', b'{"model":"a","mod\\u0065l":"new"}'),
        (b'{"a\\"model":"a","model":"a"}', b'{"a\\"model":"a","model":"new"}'),
        (b'{"x":["model"],"model":"a\\"\\\\"}', b'{"x":["model"],"model":"new"}'),
        (b'{"x":"\xd0\xb9","model":"a"}', b'{"x":"\xd0\xb9","model":"new"}'),
    ],
)
def test_renames_nothing_but_the_last_top_level_model(body: bytes, expected: bytes) -> None:
    assert renamed(body, read_fields(body), "new") == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"{}", b'{"model":"new"}'),
        (b" { } ", b' {"model":"new" } '),
        (b'{"x":1}', b'{"model":"new","x":1}'),
        (b'{"m":{"model":"a"}}', b'{"model":"new","m":{"model":"a"}}'),
        (b'{"model":null,"x":1}', b'{"model":"new","x":1}'),
        (b'{"model":"","x":1}', b'{"model":"new","x":1}'),
        (b'{"model":"a","model":null}', b'{"model":"a","model":"new"}'),
    ],
)
def test_a_body_that_names_no_model_gains_one(body: bytes, expected: bytes) -> None:
    assert renamed(body, read_fields(body), "new") == expected


def test_a_body_that_has_the_name_already_is_the_very_same() -> None:
    body = b'{"model":"new"}'

    assert renamed(body, read_fields(body), "new") is body


@pytest.mark.parametrize("filler", [b"", b"x" * 200_000])
@pytest.mark.parametrize(
    "shape", [b'{"model":"a","x":"%b"}', b'{"x":"%b","model":"a"}', b'{"x":"%b","model":"a","y":"%b"}']
)
def test_a_large_body_is_renamed_wherever_its_model_stands(shape: bytes, filler: bytes) -> None:
    body = shape.replace(b"%b", filler)

    assert renamed(body, read_fields(body), "new") == body.replace(b'"a"', b'"new"')


@pytest.mark.parametrize("body", [b'{"model":"a","x":"%b"}', b'{"x":"%b","model":"a"}'])
def test_a_model_near_either_end_is_found_without_reading_all(
    body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(body: bytes, name: str) -> bytes:
        raise AssertionError("read all of a large body")

    monkeypatch.setattr(editing, "_scanned", never)
    large = body.replace(b"%b", b"x" * 200_000)

    assert renamed(large, read_fields(large), "new") == large.replace(b'"a"', b'"new"')


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
    old=st.text(),
    name=st.text(min_size=1).filter(lambda text: text.isprintable()),
    indent=st.sampled_from([None, 0, 3]),
    ascii_only=st.booleans(),
)
def test_a_renamed_body_says_the_same_but_for_the_model(
    before: dict[str, Any], after: dict[str, Any], old: str, name: str, indent: int | None, ascii_only: bool
) -> None:
    asked = {**before, "model": old, **after}
    for field in ("stream", "stream_options"):
        asked.pop(field, None)
    body = json.dumps(asked, indent=indent, ensure_ascii=ascii_only).encode()

    result = renamed(body, read_fields(body), name)

    assert json.loads(result) == {**asked, "model": name}


@given(body=st.binary(max_size=60) | st.text(alphabet='{}[]":,\\ntrue10 model', max_size=60).map(str.encode))
def test_a_body_is_either_renamed_or_refused_and_never_a_fault_of_ours(body: bytes) -> None:
    try:
        fields = read_fields(body)
        result = renamed(body, fields, "new")
    except Refused:
        return

    assert read_fields(result).model == "new"
