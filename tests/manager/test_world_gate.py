"""Grants past a gate: the proxy is told the gate and a key to the one run."""

from typing import Any

from switchyard_contracts.gate import KEY_HEADER, Gate, opens, read_target
from switchyard_contracts.grants import Granted
from tests.manager.conftest import (
    ENDPOINT,
    ScriptedAdapter,
    WritesDown,
    bring_to_ready,
    catalog_of,
    workshop_of,
    world_of,
)
from tests.manager.test_world_serving import join

URL = "http://gpu-pc:8078"


class WithKey(ScriptedAdapter):
    """Its engines ask for the key of their run."""

    def headers(self, model: Any, api_key: str) -> dict[str, str]:
        return {"authorization": f"Bearer {api_key}"}


def granted(gate: Gate | None) -> Granted:
    workshop = workshop_of(WithKey())
    workshop.gate = gate
    session, world = WritesDown(), world_of(catalog_of(m={}), workshop=workshop)
    join(world, session)
    bring_to_ready(world, session)
    (word,) = session.of_kind("granted")
    assert isinstance(word, Granted)
    return word


def test_without_a_gate_a_proxy_is_told_the_engine() -> None:
    word = granted(None)

    assert word.endpoint == ENDPOINT
    assert word.headers == {"authorization": "Bearer key of m-1"}


def test_with_a_gate_a_proxy_is_told_the_gate_and_the_key_to_this_run() -> None:
    word = granted(Gate(URL, "let me in"))

    target = read_target(f"{word.endpoint.removeprefix(URL)}/v1/models")
    assert target is not None
    assert (target.instance, f"http://{target.authority}") == ("m-1", ENDPOINT)
    assert opens(word.headers[KEY_HEADER], "let me in", target)
    assert word.headers["authorization"] == "Bearer key of m-1"
