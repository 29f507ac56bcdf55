"""The form of an engine's address past a gate, and the key to it: both sides must read the same."""

import pytest

from switchyard_contracts.gate import KEY_HEADER, Gate, key, opens, read_target

GATE = Gate("http://gpu-pc:8078", "let me in")
ENGINE = "http://127.0.0.1:41000"


def test_the_address_names_the_run_and_where_it_listens() -> None:
    assert GATE.endpoint("qwen-1a2b", ENGINE) == "http://gpu-pc:8078/engines/qwen-1a2b/127.0.0.1:41000"


@pytest.mark.parametrize(
    ("instance", "engine"),
    [
        ("qwen-1a2b", ENGINE),
        ("org/name:tag 1-1a2b", "http://switchyard-01234567-org-name:8000"),
        ("ä?#%2F..", "http://[::1]:8000"),
    ],
)
def test_the_gate_reads_what_the_manager_wrote_and_the_key_fits(instance: str, engine: str) -> None:
    address = GATE.endpoint(instance, engine).removeprefix("http://gpu-pc:8078")

    target = read_target(f"{address}/v1/models?after=1")

    assert target is not None
    assert (target.below, target.query) == ("/v1/models", "after=1")
    assert target.authority == engine.removeprefix("http://")
    assert opens(GATE.headers(instance, engine)[KEY_HEADER], "let me in", target)


def test_a_key_opens_one_run_at_one_place() -> None:
    keys = {
        key(token, instance, authority)
        for token in ("let me in", "let me in ")
        for instance in ("one-1", "one-2")
        for authority in ("127.0.0.1:41000", "127.0.0.1:41001")
    }

    assert len(keys) == 8


@pytest.mark.parametrize("given", ["", "0", "f" * 64, "ä"])
def test_no_other_key_opens(given: str) -> None:
    target = read_target("/engines/one-1/127.0.0.1:41000/v1/models")

    assert target is not None
    assert not opens(given, "let me in", target)


def test_the_key_is_the_one_that_is_documented() -> None:
    # What a gate of another version, or in another language, must make of the same words.
    assert key("token", "one-1", "127.0.0.1:8000") == (
        "4b52602d8710e43079910272fc3611a86973f44002f9d6edfb0a37ad5095cc9a"
    )


@pytest.mark.parametrize(
    "target",
    [
        "/engines/one-1/127.0.0.1:41000",
        "/engines/one-1/127.0.0.1/v1/models",
        "/engines/one-1/127.0.0.1:/v1/models",
        "/engines//127.0.0.1:41000/v1/models",
        "/engines/one/1/127.0.0.1:41000/v1/models",
        "/engines/one%2f1/127.0.0.1:41000/v1/models",
        "/engines/one-1/user@127.0.0.1:41000/v1/models",
        "/engines/one-1/127.0.0.1:41000#/v1/models",
        "/engines/one-1/127.0.0.1:41000\\v1\\models",
        "/engines/one-1/127.0.0.1:41000/v1/models#x",
        "/engines/one-1/127.0.0.1:0/v1/models",
        "/engines/one-1/127.0.0.1:410000/v1/models",
        "//engines/one-1/127.0.0.1:41000/v1/models",
        "http://gpu-pc/engines/one-1/127.0.0.1:41000/v1/models",
        "/Engines/one-1/127.0.0.1:41000/v1/models",
        "/v1/models",
        "*",
        "",
    ],
)
def test_what_is_of_another_form_is_no_target(target: str) -> None:
    assert read_target(target) is None


def test_a_gate_does_not_show_its_token() -> None:
    assert "let me in" not in repr(GATE)
