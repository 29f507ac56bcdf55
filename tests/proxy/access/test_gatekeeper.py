"""What the app asks about every request."""

import logging
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.access.callers import ANYONE, Caller, Limits, Role
from switchyard_proxy.access.gatekeeper import Gatekeeper
from switchyard_proxy.access.keys import KeyRecord, make_key
from switchyard_proxy.access.tally import DayUse
from switchyard_proxy.asgi import Header
from switchyard_proxy.errors import Refused
from switchyard_proxy.settings import read_settings

NOON = 1_800_014_400.0
HOST: Header = (b"host", b"nas:8080")


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


def gatekeeper(
    folder: Path, *arguments: str, api_key: str | None = None, clock: Clock | None = None
) -> Gatekeeper:
    environment = {} if api_key is None else {"SWITCHYARD_API_KEY": api_key}
    settings = read_settings(["--state", str(folder), *(arguments or ("--auth", "on"))], environment)
    gate = Gatekeeper(settings, clock=clock or Clock())
    gate.refresh()
    return gate


def add(gate: Gatekeeper, name: str = "laptop", **rights: object) -> tuple[KeyRecord, bytes]:
    plain, key = make_key(name, NOON)
    record: KeyRecord = replace(plain, **rights)  # type: ignore[arg-type]
    gate.keys.add(record, NOON)
    gate.refresh()
    return record, key.encode()


def code_of(gate: Gatekeeper, *headers: Header) -> ErrorCode | None:
    try:
        gate.caller(headers)
    except Refused as refused:
        return refused.code
    return None


@pytest.mark.parametrize(
    ("name", "before"),
    [
        (b"authorization", b"Bearer "),
        (b"authorization", b"bearer   "),
        (b"x-api-key", b""),
        (b"api-key", b" "),
    ],
)
def test_takes_a_key_in_any_of_its_usual_headers(tmp_path: Path, name: bytes, before: bytes) -> None:
    gate = gatekeeper(tmp_path)
    _, key = add(gate)

    assert gate.caller([HOST, (name, before + key)]).name == "laptop"


def test_one_right_key_among_wrong_ones_is_enough(tmp_path: Path) -> None:
    gate = gatekeeper(tmp_path)
    _, key = add(gate)

    caller = gate.caller([(b"authorization", b"Bearer placeholder"), (b"api-key", b"x"), (b"x-api-key", key)])

    assert caller.name == "laptop"


@pytest.mark.parametrize(
    "header",
    [
        (b"authorization", b""),
        (b"authorization", b"Bearer"),
        (b"authorization", b"Bearer sy-wrong"),
        (b"authorization", b"Basic %s"),
        (b"authorization", b"%s"),
        (b"x-api-key", b""),
        (b"x-api-key", b"Bearer %s"),
        (b"cookie", b"%s"),
    ],
)
def test_without_a_right_key_nobody_is_let_in(tmp_path: Path, header: Header) -> None:
    gate = gatekeeper(tmp_path)
    _, key = add(gate)

    with pytest.raises(Refused) as refused:
        gate.caller([(header[0], header[1].replace(b"%s", key))])

    assert refused.value.code is ErrorCode.INVALID_API_KEY
    assert (b"www-authenticate", b"Bearer") in refused.value.headers


def test_a_right_key_may_come_from_any_page_by_any_name(tmp_path: Path) -> None:
    gate = gatekeeper(tmp_path)
    _, key = add(gate)

    assert code_of(gate, (b"host", b"models.example.org"), (b"origin", b"null"), (b"x-api-key", key)) is None
    gate.greet([(b"host", b"models.example.org"), (b"origin", b"null")])


def test_where_keys_are_off_everybody_on_a_page_that_may_ask_is_anyone(tmp_path: Path) -> None:
    gate = gatekeeper(tmp_path, "--auth", "off", "--allowed-hosts", "a.example")

    assert gate.caller([HOST, (b"authorization", b"Bearer whatever")]) is ANYONE
    assert code_of(gate, (b"host", b"evil.example")) is ErrorCode.HOST_NOT_ALLOWED
    assert code_of(gate, HOST, (b"origin", b"https://evil.example")) is ErrorCode.ORIGIN_NOT_ALLOWED
    assert code_of(gate, (b"host", b"a.example"), (b"origin", b"https://a.example")) is None
    gate.greet([(b"host", b"evil.example")], method="OPTIONS")


@pytest.mark.parametrize(
    ("repeated", "code"),
    [
        ([(b"host", b"nas"), (b"host", b"evil.example")], ErrorCode.HOST_NOT_ALLOWED),
        ([(b"host", b"nas"), (b"host", b"nas2")], ErrorCode.HOST_NOT_ALLOWED),
        ([(b"host", b"nas"), (b"host", b"nas")], None),
        ([HOST, (b"origin", b"http://localhost"), (b"origin", b"null")], ErrorCode.ORIGIN_NOT_ALLOWED),
    ],
)
def test_headers_that_contradict_each_other_are_refused(
    tmp_path: Path, repeated: list[Header], code: ErrorCode | None
) -> None:
    assert code_of(gatekeeper(tmp_path, "--auth", "off"), *repeated) is code


def test_the_key_from_the_environment_may_operate(tmp_path: Path) -> None:
    gate = gatekeeper(tmp_path, api_key="sk-mine")

    caller = gate.caller([(b"authorization", b"Bearer sk-mine")])

    assert (caller.name, caller.role) == ("environment", Role.OPERATE)


def test_until_the_keys_have_been_read_nobody_is_let_in(tmp_path: Path) -> None:
    _, key = add(gatekeeper(tmp_path))

    unread = Gatekeeper(read_settings(["--state", str(tmp_path), "--auth", "on"], {}))

    assert code_of(unread, (b"x-api-key", key)) is ErrorCode.INTERNAL_ERROR


def test_a_key_made_or_revoked_by_another_process_is_seen_at_the_next_refresh(tmp_path: Path) -> None:
    gate = gatekeeper(tmp_path)
    script = "import sys; from switchyard_proxy.cli.keys import main; sys.exit(main(sys.argv[1:]))"
    cli = [sys.executable, "-c", script]
    made = subprocess.run(
        [*cli, "add", "phone", "--state", str(tmp_path)], check=True, capture_output=True, text=True
    )
    header = (b"x-api-key", made.stdout.strip().encode())

    before = code_of(gate, header)
    gate.refresh()
    then = code_of(gate, header)
    subprocess.run([*cli, "revoke", "phone", "--state", str(tmp_path)], check=True, capture_output=True)
    gate.refresh()

    assert (before, then) == (ErrorCode.INVALID_API_KEY, None)
    assert code_of(gate, header) is ErrorCode.INVALID_API_KEY


def test_a_file_that_did_not_change_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = gatekeeper(tmp_path)
    add(gate)

    monkeypatch.setattr(gate.keys, "read", lambda: pytest.fail("it was read"))

    gate.refresh()


def test_a_corrupt_file_lets_nobody_in_but_the_key_from_the_environment_and_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    gate = gatekeeper(tmp_path, api_key="sk-mine")
    _, key = add(gate)
    whole = gate.keys.path.read_bytes()
    gate.keys.path.write_bytes(whole[:-20])

    gate.refresh()
    gate.refresh()

    with pytest.raises(Refused, match="cannot read its keys") as refused:
        gate.caller([(b"x-api-key", key)])
    assert refused.value.code is ErrorCode.INTERNAL_ERROR
    assert str(tmp_path) not in str(refused.value)
    assert code_of(gate, (b"x-api-key", b"sk-mine")) is None
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "put aside as" in caplog.text


def test_a_mended_file_lets_its_keys_in_again(tmp_path: Path) -> None:
    gate = gatekeeper(tmp_path)
    _, key = add(gate)
    whole = gate.keys.path.read_bytes()
    gate.keys.path.write_bytes(b"{")
    gate.refresh()

    gate.keys.path.write_bytes(whole)
    gate.refresh()

    assert code_of(gate, (b"x-api-key", key)) is None


def test_a_key_may_do_what_its_role_allows(tmp_path: Path) -> None:
    gate, operator = gatekeeper(tmp_path), Caller("ops", Role.OPERATE)

    gate.check(operator, Role.USE)
    gate.check(operator, Role.OPERATE)
    with pytest.raises(Refused, match="has the role operate, and this needs admin") as refused:
        gate.check(operator, Role.ADMIN)

    assert refused.value.code is ErrorCode.PERMISSION_DENIED


def test_a_key_may_use_its_models_and_is_told_which_they_are(tmp_path: Path) -> None:
    gate, who = gatekeeper(tmp_path), Caller("laptop", Role.USE, models=frozenset({"chat", "tiny"}))

    gate.check_model(who, "chat")
    gate.check_model(ANYONE, "paint")
    with pytest.raises(Refused, match="it may use chat, tiny") as refused:
        gate.check_model(who, "paint")

    assert refused.value.code is ErrorCode.PERMISSION_DENIED
    assert refused.value.body.param == "model"


def test_a_long_list_of_models_is_told_in_part(tmp_path: Path) -> None:
    who = Caller("laptop", Role.USE, models=frozenset(f"m{number:03}" for number in range(100)))

    with pytest.raises(Refused, match="m019 and 80 more"):
        gatekeeper(tmp_path).check_model(who, "paint")


def test_a_limit_that_is_reached_refuses_the_request(tmp_path: Path) -> None:
    gate = gatekeeper(tmp_path)
    _, key = add(gate, limits=Limits(concurrent=1))
    who = gate.caller([(b"x-api-key", key)])

    permit = gate.admit(who, NOON)
    with pytest.raises(Refused) as refused:
        gate.admit(who, NOON)
    permit.done(5, NOON)

    assert refused.value.code is ErrorCode.RATE_LIMIT_EXCEEDED
    gate.admit(who, NOON)


def test_the_tokens_of_the_day_survive_a_restart(tmp_path: Path) -> None:
    gate = gatekeeper(tmp_path)
    record, _ = add(gate, limits=Limits(tokens_per_day=100))
    gate.admit(record.caller(), NOON).done(100, NOON)
    gate.close()

    after = gatekeeper(tmp_path)

    with pytest.raises(Refused, match="has used 100"):
        after.admit(record.caller(), NOON)


def test_a_crash_loses_at_most_the_last_seconds(tmp_path: Path) -> None:
    clock = Clock()
    gate = gatekeeper(tmp_path, clock=clock)
    record, _ = add(gate)
    gate.admit(record.caller(), NOON).done(70, NOON)
    clock.now += 10
    gate.refresh()
    gate.admit(record.caller(), NOON).done(5, NOON)
    clock.now += 9
    gate.refresh()

    after = gatekeeper(tmp_path)

    assert after.meter.usage([record.id], NOON)[record.id] == DayUse(1, 70)


def test_only_the_worker_that_keeps_the_usage_writes_it(tmp_path: Path) -> None:
    settings = read_settings(["--state", str(tmp_path), "--auth", "on"], {})
    gate = Gatekeeper(settings, keeps_usage=False, clock=Clock())
    gate.refresh()
    record, _ = add(gate)

    gate.admit(record.caller(), NOON).done(70, NOON)
    gate.close()

    assert not (settings.folder / "usage.json").exists()


def test_every_worker_knows_what_was_used_before_the_restart(tmp_path: Path) -> None:
    before = gatekeeper(tmp_path)
    record, _ = add(before)
    before.admit(record.caller(), NOON).done(70, NOON)
    before.close()

    second = Gatekeeper(read_settings(["--state", str(tmp_path)], {}), keeps_usage=False, clock=Clock())
    second.refresh()

    assert second.meter.usage([record.id], NOON)[record.id] == DayUse(1, 70)


def test_keys_that_cannot_be_read_take_no_usage_with_them(tmp_path: Path) -> None:
    gate = gatekeeper(tmp_path)
    record, _ = add(gate)
    gate.admit(record.caller(), NOON).done(70, NOON)
    gate.close()
    gate.keys.path.write_bytes(b"{")
    gate.refresh()

    gate.close()

    assert record.id in (gate.keys.path.parent / "usage.json").read_text()
