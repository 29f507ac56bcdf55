"""The gate as a program: it starts light, says what it lacks, and ends when it is told to."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

GATE = Path(sys.executable).with_name("switchyard-gate")
BARE = {name: value for name, value in os.environ.items() if not name.startswith("SWITCHYARD_")}


@pytest.mark.parametrize("command", [[str(GATE)], [sys.executable, "-m", "switchyard_proxy.gate"]], ids=len)
def test_it_listens_until_it_is_told_to_stop(command: list[str]) -> None:
    env = BARE | {"SWITCHYARD_TOKEN": "t", "SWITCHYARD_GATE_PORT": "0"}
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as gate:
        assert gate.stderr is not None
        said = gate.stderr.readline()
        assert answers(f"{said.split()[-1]}/health")
        gate.send_signal(signal.SIGTERM)
        code = gate.wait(timeout=30)

    assert re.search(r"gate INFO listening on http://127\.0\.0\.1:\d+$", said.strip())
    assert code == 0


def answers(url: str) -> bool:
    """A socket that listens takes connections before there is anybody to serve them."""
    with httpx.Client(trust_env=False, timeout=30) as client:
        return client.get(url).is_success


def test_without_a_token_it_says_where_to_get_one() -> None:
    done = subprocess.run([GATE], env=BARE, capture_output=True, text=True, timeout=30, check=False)

    assert done.returncode == 1
    assert done.stderr.startswith("switchyard-gate: cannot tell who may pass: ")
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        env = BARE | {"SWITCHYARD_TOKEN": "t", "SWITCHYARD_GATE_PORT": str(taken.getsockname()[1])}
        done = subprocess.run([GATE], env=env, capture_output=True, text=True, timeout=30, check=False)

    assert done.returncode == 1
    assert "cannot listen on 127.0.0.1" in done.stderr


def test_it_brings_neither_a_web_framework_nor_a_client_for_one() -> None:
    program = "import sys, switchyard_proxy.gate.main; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert {"fastapi", "starlette", "httpx", "redis", "sqlite3"}.isdisjoint(loaded.split())
