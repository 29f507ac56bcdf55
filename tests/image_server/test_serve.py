"""The program when its model cannot be loaded: told before torch is imported, with a marker and a status."""

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from switchyard_image_server.serve import listen

Run = Callable[..., Any]


def told(log: Path) -> dict[str, str]:
    markers = [line for line in log.read_text().splitlines() if line.startswith("SWITCHYARD_FAILURE ")]
    assert len(markers) == 1
    content: dict[str, str] = json.loads(markers[0].removeprefix("SWITCHYARD_FAILURE "))
    return content


def test_a_missing_folder_ends_the_program(run_server: Run, tmp_path: Path) -> None:
    server = run_server("--model", str(tmp_path / "gone"))

    assert server.process.wait(30) == 1

    assert told(server.log) == {
        "code": "model_not_found",
        "message": f"cannot load {tmp_path / 'gone'}: there is no such folder",
    }


def test_a_folder_that_is_no_model_ends_the_program(run_server: Run, tmp_path: Path) -> None:
    server = run_server("--model", str(tmp_path))

    assert server.process.wait(30) == 1

    assert told(server.log)["code"] == "model_not_found"


def test_a_port_that_is_taken_ends_the_program(run_server: Run, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = run_server("--model", str(tmp_path), "--port", str(taken.getsockname()[1]))

        assert server.process.wait(30) == 1

    assert told(server.log)["code"] == "port_in_use"


@pytest.mark.parametrize("host", ["no.such.host.invalid", "256.1.1.1"])
def test_an_address_that_does_not_exist_ends_the_program(run_server: Run, tmp_path: Path, host: str) -> None:
    server = run_server("--model", str(tmp_path), "--host", host)

    assert server.process.wait(30) == 1

    assert told(server.log)["code"] == "bad_engine_argument"
    assert f"cannot listen on {host}:0" in told(server.log)["message"]


def test_no_reply_waits_for_the_client_to_acknowledge_half_of_it() -> None:
    with (
        listen("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname()),
    ):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
