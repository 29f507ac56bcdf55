"""What of a GPU machine the LAN can reach: the manager with its token, the gate with a key, no more."""

import asyncio
import json
import socket
import subprocess
import sys

import pytest

from switchyard_contracts.gate import Gate
from tests.e2e.proxy.hearing import Verdict, judge
from tests.e2e.two_machines.conftest import GATE, MANAGER, TOKEN, Lan
from tests.e2e.two_machines.machines import Machine, ends
from tests.proxy.gate.test_admission import DANGEROUS

DOCUMENTED = {MANAGER, GATE}
SCAN = """
import socket, sys
for port in range(1, 65536):
    with socket.socket() as probe:
        probe.settimeout(1)
        if probe.connect_ex((sys.argv[1], port)) == 0:
            print(port)
"""


def open_ports(there: Machine, seen_from: Machine) -> set[int]:
    scan = [*seen_from.enter, sys.executable, "-SEc", SCAN, there.address]
    told = subprocess.run(scan, capture_output=True, text=True, timeout=55, check=True).stdout
    return {int(port) for port in told.split()}


async def test_a_client_of_the_server_is_answered_by_the_engine_of_the_gpu_machine(lan: Lan) -> None:
    heard = await lan.chat(5)

    assert judge(heard, 5) is Verdict.WHOLE
    pid = lan.proxy.process.pid if lan.proxy.process else 0
    led = await asyncio.to_thread(ends, lan.server, pid)
    assert set(led) == {f"{lan.gpu.address}:{MANAGER}", f"{lan.gpu.address}:{GATE}"}


async def test_only_what_is_documented_listens_on_the_lan(lan: Lan) -> None:
    assert judge(await lan.chat(1), 1) is Verdict.WHOLE  # so that an engine runs

    listening = await asyncio.to_thread(lan.gpu.listening)

    assert {port for _, _, port in listening} == DOCUMENTED
    assert {protocol for protocol, _, _ in listening} == {"tcp"}


async def test_a_scan_of_every_port_finds_only_what_is_documented(lan: Lan) -> None:
    assert judge(await lan.chat(1), 1) is Verdict.WHOLE

    assert await asyncio.to_thread(open_ports, lan.gpu, lan.server) == DOCUMENTED


async def test_the_engines_own_port_is_not_on_the_lan(lan: Lan) -> None:
    assert judge(await lan.chat(1), 1) is Verdict.WHOLE
    port = await asyncio.to_thread(lan.engine_port)

    with pytest.raises(ConnectionRefusedError):
        await asyncio.to_thread(lan.server.connect, lan.gpu.address, port)
    inside = await asyncio.to_thread(lan.container)
    address = next(iter(inside["NetworkSettings"]["Networks"].values()))["IPAddress"]
    with pytest.raises(OSError, match=r"unreachable|timed out|No route"):
        await asyncio.to_thread(lan.server.connect, address, 8000, 1.0)
    assert (await asyncio.to_thread(lan.gpu.get, "127.0.0.1", port, "/sleep"))[0] == 200  # it would answer


@pytest.mark.parametrize("with_key", [False, True], ids=["without a key", "with the right key"])
async def test_what_is_the_managers_cannot_be_asked_from_the_lan(lan: Lan, with_key: bool) -> None:
    assert judge(await lan.chat(1), 1) is Verdict.WHOLE
    port = await asyncio.to_thread(lan.engine_port)
    instance = (await asyncio.to_thread(lan.container))["Config"]["Labels"]["switchyard.instance"]
    engine = f"http://127.0.0.1:{port}"
    word = Gate("", TOKEN)
    headers = word.headers(instance, engine) if with_key else {}
    below = word.endpoint(instance, engine)

    def answers() -> dict[str, tuple[int, str]]:
        found = {}
        for method in ("GET", "POST"):
            for path in DANGEROUS:
                status, said = lan.server.ask(method, lan.gpu.address, GATE, below + path, **headers)
                found[f"{method} {path}"] = status, json.loads(said)["error"]["code"]
        return found

    found = await asyncio.to_thread(answers)

    assert set(found.values()) == ({(404, "unknown_url")} if with_key else {(403, "engine_key_refused")})
    control = await asyncio.to_thread(
        lambda: lan.server.get(lan.gpu.address, GATE, f"{below}/v1/models", **headers)
    )
    assert control[0] == (200 if with_key else 403)


async def test_without_the_token_the_manager_tells_the_lan_nothing(lan: Lan) -> None:
    def told(path: str) -> int:
        return lan.server.get(lan.gpu.address, MANAGER, path)[0]

    for path in (
        "/status",
        "/models",
        "/models/count",
        "/models/count/logs",
        "/events",
        "/metrics",
        "/catalog",
    ):
        assert await asyncio.to_thread(told, path) in {401, 404}, path
    assert await asyncio.to_thread(told, "/status") == 401


async def test_no_socket_of_dockers_is_on_the_lan(lan: Lan) -> None:
    for port in (2375, 2376, 2377):
        with pytest.raises((ConnectionRefusedError, socket.timeout)):
            await asyncio.to_thread(lan.server.connect, lan.gpu.address, port, 1.0)
