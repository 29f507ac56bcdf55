"""Members are found by structure, never by look, and replaced without another byte's change."""

import json

import hypothesis.strategies as st
from hypothesis import given

from switchyard_proxy.dialects.members import replaced, scalars
from tests.proxy.dialects.hearing import documents, written

LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.just('"id":"x","n":{')
NAMES = st.sampled_from(["id", "created", "response", "data", 'a"b', "n"])
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=12
)
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=6)


def is_scalar(value: object) -> bool:
    return not isinstance(value, dict | list)


@given(data=st.data(), said=OBJECTS)
def test_finds_every_member_of_the_first_two_levels_and_no_other(data: st.DataObject, said: dict) -> None:
    event = data.draw(written(said))

    found = {path: event[start:end] for path, start, end in scalars(event)}

    expected = {(name,): value for name, value in said.items() if is_scalar(value)}
    for name, inner in said.items():
        if isinstance(inner, dict):
            expected |= {(name, below): value for below, value in inner.items() if is_scalar(value)}
    assert {path: json.loads(text) for path, text in found.items()} == {
        tuple(json.dumps(name, ensure_ascii=False)[1:-1].encode() for name in path): value
        for path, value in expected.items()
    }


@given(data=st.data(), said=OBJECTS)
def test_replaces_a_member_where_it_is_one_and_nothing_else(data: st.DataObject, said: dict) -> None:
    event = data.draw(written(said))

    out = replaced(event, {(b"id",): b'"ours"'})

    hits = {"id": "ours"} if is_scalar(said.get("id", {})) else {}
    assert documents(out) == [said | hits]
    if not hits:
        assert out == event


def test_no_number_is_taken_for_the_beginning_of_another() -> None:
    event = b'data: {"created":12,"n":123,"created_at":12}\n\n'

    assert replaced(event, {(b"created",): b"7"}) == b'data: {"created":7,"n":123,"created_at":12}\n\n'


def test_finds_nothing_in_what_is_no_object() -> None:
    for event in (
        b"data: [DONE]\n\n",
        b": note\n\n",
        b'data: ["id",1]\n\n',
        b"",
        b'data: "id":1\n\n',
        b"event: id\n\n",
    ):
        assert list(scalars(event)) == []
