"""How keys are written down."""

import contextlib
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchyard_proxy.access.callers import Limits, Role
from switchyard_proxy.access.key_text import EMPTY, read_document, text_of
from switchyard_proxy.access.keys import KeyRecord, make_key

NOW = 1_800_000_000.0
FULL = replace(
    make_key("laptop", NOW)[0],
    role=Role.OPERATE,
    models=frozenset({"chat", "org/paint"}),
    limits=Limits(60, 2, 100_000),
    priority=-3,
    beats="comment",
    expires_at=NOW + 5.5,
    revoked_at=NOW + 1,
)
PLAIN = make_key("plain", NOW)[0]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def entry(record: KeyRecord = FULL) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(text_of(EMPTY, (record,)))["keys"][0]
    return loaded


def written(*entries: object, **whole: object) -> bytes:
    return json.dumps({"version": 1, "keys": entries} | whole).encode()


def test_records_come_back_as_they_were() -> None:
    assert read_document(text_of(EMPTY, (FULL, PLAIN))).records == (FULL, PLAIN)


def test_what_a_later_version_wrote_is_kept_when_the_file_is_written() -> None:
    later = entry() | {"colour": "red", "limits": entry()["limits"] | {"money_per_day": 5}}
    document = read_document(written(later, version=2, policy={"a": 1}))

    again = json.loads(text_of(document, (replace(document.records[0], priority=9), PLAIN)))

    assert again["version"] == 2
    assert again["policy"] == {"a": 1}
    assert again["keys"][0] == later | {"priority": 9}
    assert [key["name"] for key in again["keys"]] == ["laptop", "plain"]


@pytest.mark.parametrize(
    "strange",
    [
        {"role": "overlord"},
        {"digest": "abc"},
        {"digest": None},
        {"id": 7},
        {"name": None},
        {"models": "chat"},
        {"models": [1]},
        {"limits": [1]},
        {"limits": {"concurrent": "two"}},
        {"limits": {"concurrent": True}},
        {"limits": {"concurrent": 0}},
        {"expires_at": "tomorrow"},
        {"expires_at": 10**400},
        {"expires_at": float("inf")},
        {"revoked_at": False},
        {"priority": 1.5},
    ],
)
def test_a_key_that_is_not_understood_opens_nothing_and_is_kept(strange: dict[str, object]) -> None:
    odd = entry() | strange
    document = read_document(written(odd, entry(PLAIN)))

    again = json.loads(text_of(document, document.records))

    assert document.records == (PLAIN,)
    assert odd in again["keys"]


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"[]", b"null", b"{}", b'{"keys": {}}', b'{"keys": [1]}', b"\xff\xfe", written(entry())[:-30]],
)
def test_what_is_no_file_of_keys_is_an_error(text: bytes) -> None:
    with pytest.raises((ValueError, TypeError)):
        read_document(text)


@given(st.dictionaries(st.sampled_from(sorted(entry())), JSON, max_size=4))
def test_no_entry_whatever_it_holds_takes_the_other_keys_with_it(strange: dict[str, object]) -> None:
    document = read_document(written(entry() | strange, entry(PLAIN)))

    assert PLAIN in document.records
    assert PLAIN in read_document(text_of(document, document.records)).records


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(ValueError, TypeError, RecursionError):
        assert isinstance(read_document(data).records, tuple)
