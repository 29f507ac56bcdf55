"""Keys as values."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.access.callers import NO_LIMITS, Limits, Role
from switchyard_proxy.access.keys import KeyRecord, Ring, check_record, make_key
from switchyard_proxy.errors import Refused

NOW = 1_800_000_000.0
LAPTOP, KEY = make_key("laptop", NOW)


def test_a_key_has_32_random_bytes_and_its_record_has_none_of_them_but_the_prefix() -> None:
    record, key = make_key("laptop", NOW)

    assert len(key) == len("sy-") + 43
    assert key.startswith(record.prefix)
    assert len(record.prefix) == 8
    assert key[8:] not in repr(record)


def test_a_new_key_may_only_use_models() -> None:
    assert LAPTOP.caller().role is Role.USE


def test_the_holder_of_a_key_is_known_by_it() -> None:
    record = replace(
        LAPTOP, role=Role.OPERATE, models=frozenset({"chat"}), limits=Limits(concurrent=2), priority=3
    )

    caller = Ring([make_key("other", NOW)[0], record]).caller_of(KEY.encode(), NOW)

    assert caller == record.caller()
    assert (caller.name, caller.id, caller.role) == ("laptop", record.id, Role.OPERATE)
    assert caller.may_use("chat")
    assert not caller.may_use("paint")


def test_a_caller_without_limits_has_the_one_object_that_says_so() -> None:
    assert replace(LAPTOP, limits=Limits()).caller().limits is NO_LIMITS


@given(st.binary(max_size=100))
def test_no_other_bytes_open_anything(presented: bytes) -> None:
    assert Ring([LAPTOP]).caller_of(presented, NOW) is None


@given(st.integers(0, len(KEY) - 1), st.integers(1, 255))
def test_a_key_with_one_byte_changed_opens_nothing(place: int, change: int) -> None:
    wrong = bytearray(KEY.encode())
    wrong[place] ^= change

    assert Ring([LAPTOP]).caller_of(bytes(wrong), NOW) is None


def test_the_digest_itself_opens_nothing() -> None:
    assert Ring([LAPTOP]).caller_of(LAPTOP.digest.encode(), NOW) is None


def test_a_revoked_key_opens_nothing() -> None:
    assert Ring([replace(LAPTOP, revoked_at=NOW)]).caller_of(KEY.encode(), NOW) is None


def test_a_key_opens_until_it_expires() -> None:
    ring = Ring([replace(LAPTOP, expires_at=NOW + 10)])

    assert ring.caller_of(KEY.encode(), NOW + 9.9) is not None
    assert ring.caller_of(KEY.encode(), NOW + 10) is None


def test_two_live_keys_never_share_a_name() -> None:
    second, _ = make_key("laptop", NOW)

    with pytest.raises(Refused) as refused:
        check_record(second, [LAPTOP], NOW)

    assert refused.value.code is ErrorCode.INVALID_VALUE
    assert refused.value.body.param == "name"


@pytest.mark.parametrize("gone", [{"revoked_at": NOW - 1}, {"expires_at": NOW - 1}])
def test_the_name_of_a_key_that_is_gone_may_be_used_again(gone: dict[str, float]) -> None:
    second, _ = make_key("laptop", NOW)

    check_record(second, [replace(LAPTOP, **gone)], NOW)


def test_a_record_may_replace_itself() -> None:
    check_record(replace(LAPTOP, priority=5), [LAPTOP], NOW)


@pytest.mark.parametrize(
    ("param", "unfit"),
    [
        ("name", {"name": ""}),
        ("name", {"name": "-x"}),
        ("name", {"name": "a b"}),
        ("name", {"name": "a\n"}),
        ("name", {"name": "x" * 65}),
        ("name", {"name": "anyone"}),
        ("name", {"name": "environment"}),
        ("models", {"models": frozenset()}),
        ("models", {"models": frozenset({"a model"})}),
        ("models", {"models": frozenset({"chat\n"})}),
        ("priority", {"priority": 101}),
        ("priority", {"priority": -101}),
        ("beats", {"beats": "drum"}),
        ("expires_at", {"expires_at": NOW}),
        ("expires_at", {"expires_at": float("inf")}),
        ("expires_at", {"expires_at": float("nan")}),
        ("limits.requests_per_minute", {"limits": Limits(requests_per_minute=0)}),
        ("limits.concurrent", {"limits": Limits(concurrent=-1)}),
        ("limits.tokens_per_day", {"limits": Limits(tokens_per_day=10**13)}),
    ],
)
def test_refuses_a_record_with_an_unfit_field_by_its_name(param: str, unfit: dict[str, object]) -> None:
    record: KeyRecord = replace(LAPTOP, **unfit)  # type: ignore[arg-type]

    with pytest.raises(Refused) as refused:
        check_record(record, [], NOW)

    assert refused.value.body.param == param
