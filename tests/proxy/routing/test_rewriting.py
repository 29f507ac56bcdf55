"""The catalog's changes to a body: what they name is changed, and not one byte else."""

import json
import re
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from switchyard_contracts.errors import ErrorCode
from switchyard_contracts.serving import Rewrite
from switchyard_proxy.errors import Refused
from switchyard_proxy.routing.rewriting import apply

MANY = settings(max_examples=300)


def rewrite(**said: Any) -> Rewrite:
    return Rewrite.model_validate(said)


def changed(body: dict[str, Any], *rewrites: Rewrite) -> dict[str, Any]:
    after: dict[str, Any] = json.loads(apply(json.dumps(body).encode(), rewrites, "m"))
    assert after.pop("model") == "m"
    return after


def test_without_changes_the_body_is_not_even_looked_at() -> None:
    body = b"no JSON at all"

    assert apply(body, (), "m") is body


def test_the_model_gets_its_real_name_even_if_none_was_said() -> None:
    assert apply(b'{"model":"al","n":1}', (rewrite(strip=["x"]),), "m") == b'{"model":"m","n":1}'
    assert apply(b"{}", (rewrite(strip=["x"]),), 'm"\n') == b'{"model":"m\\"\\n"}'


def test_what_is_stripped_is_gone_and_what_is_not_there_is_not_missed() -> None:
    assert changed({"a": 1, "b": {"a": 2}}, rewrite(strip=["a", "z"])) == {"b": {"a": 2}}


def test_a_default_is_added_only_where_the_client_says_nothing() -> None:
    assert changed({"a": 1, "b": None}, rewrite(default={"a": 2, "b": 2, "c": [1.5, None]})) == {
        "a": 1,
        "b": None,
        "c": [1.5, None],
    }


def test_what_is_set_is_set_whatever_the_client_says() -> None:
    assert changed({"a": 1, "b": {"c": 1}}, rewrite(set={"a": None, "b": 5, "d": True})) == {
        "a": None,
        "b": 5,
        "d": True,
    }


@pytest.mark.parametrize(
    ("how", "merged"),
    [
        ("default", {"x": {"mine": 1, "deep": {"theirs": 2, "ours": 1}, "flat": 3, "new": 0}}),
        ("set", {"x": {"mine": 1, "deep": {"theirs": 1, "ours": 1}, "flat": {"a": 1}, "new": 0}}),
    ],
)
def test_objects_are_merged_as_deep_as_both_are_objects(how: str, merged: dict[str, Any]) -> None:
    body = {"x": {"mine": 1, "deep": {"theirs": 2}, "flat": 3}}
    said = {"x": {"deep": {"theirs": 1, "ours": 1}, "flat": {"a": 1}, "new": 0}}

    assert changed(body, rewrite(**{how: said})) == merged


def test_an_object_replaces_what_is_none() -> None:
    assert changed({"x": [1]}, rewrite(set={"x": {"a": 1}})) == {"x": {"a": 1}}
    assert changed({"x": [1]}, rewrite(default={"x": {"a": 1}})) == {"x": [1]}


def test_first_strip_then_default_then_set_and_the_variant_after_the_model() -> None:
    model = rewrite(strip=["a"], default={"a": 1, "b": 1}, set={"c": {"x": 1}})
    variant = rewrite(strip=["b"], default={"a": 2, "b": 2}, set={"c": {"y": 2}})

    assert changed({"a": 0, "b": 0, "c": 0}, model) == {"a": 1, "b": 0, "c": {"x": 1}}
    assert changed({"a": 0, "b": 0, "c": 0}, model, variant) == {"a": 1, "b": 2, "c": {"x": 1, "y": 2}}


@pytest.mark.parametrize(
    "value",
    [
        b'{ "a" :\t1,\n"a": 2 }',
        b'"\\u00e9\\ud83d\\ude00\\/"',
        b"123456789012345678901234567890.12345678901234567890e-400",
        b"-0.0",
        b"1E+5",
        b'"\xff\xfe"',
        '"é\u2028"'.encode(),
        b"[ ]",
        b"[" * 500 + b"]" * 500,
    ],
)
def test_a_value_that_is_not_named_stays_as_the_client_wrote_it(value: bytes) -> None:
    body = b'{"x": ' + value + b' , "deep": {"y":' + value + b' , "z": 0}}'

    after = apply(body, (rewrite(set={"deep": {"z": 1}}),), "m")

    assert after == b'{"x":' + value + b',"deep":{"y":' + value + b',"z":1},"model":"m"}'


@pytest.mark.parametrize("how", ["default", "set"])
def test_an_object_that_is_merged_with_nothing_new_keeps_even_its_blanks(how: str) -> None:
    body = b'{"x": { "a" : 1 }, "model": "m"}'
    said: dict[str, Any] = {"default": {"x": {"a": 2}}, "set": {"x": {}}}

    assert apply(body, (rewrite(**{how: said[how]}),), "m") == b'{"x":{ "a" : 1 },"model":"m"}'


def test_of_two_fields_of_one_name_the_last_counts() -> None:
    body = b'{"a": 1, "model": "x", "a": 2, "model": "y"}'

    assert apply(body, (rewrite(default={"b": 0}),), "m") == b'{"a":2,"model":"m","b":0}'


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b'"x"', b"{", b'{"a":1} x', b'{"\xff": 1}', b'{"a":' + b"[" * 100_000, b"\xef\xbb\xbf{}"],
)
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(Refused, match="cannot read the body as a JSON object") as refused:
        apply(body, (rewrite(strip=["a"]),), "m")

    assert refused.value.code is ErrorCode.INVALID_JSON


# Any body, any change

NAMES = st.sampled_from(["a", "b", "", "é", "\\", '"', "\u2028", "😀", "model"])
BLANKS = st.sampled_from(["", " ", "\n\t "])


def _text(letters: list[str]) -> str:
    return f'"{"".join(letters)}"'


LETTERS = st.sampled_from(["x", "é", "😀", "\\u00e9", "\\ud83d\\ude00", "\\n", '\\"', "\\\\", "\\/", "\u2028"])
NUMBERS = st.from_regex(
    re.compile(r"-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,5})?", re.ASCII), fullmatch=True
)
LEAVES = st.one_of(
    st.sampled_from(["null", "true", "false", "{}", "[ ]"]), NUMBERS, st.lists(LETTERS, max_size=4).map(_text)
)


def _list(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(st.lists(inner, max_size=3), BLANKS).map(lambda one: f"[{f'{one[1]},'.join(one[0])}]")


def _object(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Names may come twice."""
    pairs = st.lists(st.tuples(NAMES, inner), max_size=4)
    return st.tuples(pairs, BLANKS).map(
        lambda one: "{" + ",".join(f"{one[1]}{json.dumps(name)}{one[1]}:{text}" for name, text in one[0]) + "}"
    )


VALUES = st.recursive(LEAVES, lambda inner: _list(inner) | _object(inner), max_leaves=8)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.dictionaries(NAMES, inner, max_size=3) | st.lists(inner, max_size=2),
    max_leaves=5,
)
OWN = NAMES.filter(lambda name: name != "model")
REWRITES = st.builds(
    rewrite,
    strip=st.lists(OWN, max_size=2),
    default=st.dictionaries(OWN, JSON, max_size=2),
    set=st.dictionaries(OWN, JSON, max_size=2),
)


@MANY
@given(
    st.dictionaries(NAMES, st.tuples(BLANKS, VALUES), max_size=5), st.lists(REWRITES, min_size=1, max_size=2)
)
@example({"a": ("", "1" * 5_000)}, [rewrite(set={"b": 1})])
def test_no_byte_of_what_is_not_named_ever_changes(
    fields: dict[str, tuple[str, str]], rewrites: list[Rewrite]
) -> None:
    body = (
        "{"
        + ",".join(f"{gap}{json.dumps(name)}:{gap}{text}{gap}" for name, (gap, text) in fields.items())
        + "}"
    )
    named = {name for one in rewrites for name in (*one.strip, *one.default, *one.set)} | {"model"}

    after = apply(body.encode(), tuple(rewrites), "m").decode()

    untouched = [(name, text) for name, (_, text) in fields.items() if name not in named]
    written = _fields_of(after)
    assert [(name, text) for name, text in written.items() if name not in named] == untouched
    assert written["model"] == '"m"'


def _fields_of(text: str) -> dict[str, str]:
    """The top-level fields of an object that was written without blanks around them, as text."""
    scan = json.JSONDecoder(strict=False, parse_int=str, parse_float=str).raw_decode
    found: dict[str, str] = {}
    at = 1
    while text[at] != "}":
        name, end = scan(text, at)
        _, after = scan(text, end + 1)
        found[name] = text[end + 1 : after]
        at = after + (text[after] == ",")
    return found


@MANY
@given(st.dictionaries(NAMES, JSON, max_size=5), st.lists(REWRITES, min_size=1, max_size=2))
def test_any_change_comes_out_as_if_the_whole_body_had_been_read(
    fields: dict[str, Any], rewrites: list[Rewrite]
) -> None:
    expected = dict(fields)
    for one in rewrites:
        expected = {name: value for name, value in expected.items() if name not in one.strip}
        expected = _merged(expected, one.default, over=False)
        expected = _merged(expected, one.set, over=True)

    after = json.loads(apply(json.dumps(fields).encode(), tuple(rewrites), "m"))

    assert after == expected | {"model": "m"}


def _merged(given: dict[str, Any], said: Any, *, over: bool) -> dict[str, Any]:
    after = dict(given)
    for name, value in said.items():
        if isinstance(value, dict) and isinstance(after.get(name), dict):
            after[name] = _merged(after[name], value, over=over)
        elif over or name not in after:
            after[name] = value
    return after
