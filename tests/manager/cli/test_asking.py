"""How the command line finds the manager, and what it says when that does not answer."""

import http.server
import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from switchyard_manager.cli.asking import find_manager, nearest, url_of
from switchyard_manager.launch import record
from tests.manager.cli.conftest import Machine, Served

ASKING = [
    ["status"],
    ["status", "-w"],
    ["load", "chat"],
    ["load", "chat", "--no-wait"],
    ["switch", "chat"],
    ["unload", "chat"],
    ["sleep", "chat"],
    ["wake", "chat"],
    ["pin", "chat"],
    ["unpin", "chat"],
    ["cancel", "chat"],
    ["explain", "chat"],
    ["logs", "chat"],
    ["logs", "chat", "-f"],
    ["events"],
    ["events", "-f"],
    ["history", "chat"],
]


@pytest.mark.parametrize("command", ASKING, ids=" ".join)
def test_a_manager_that_is_away_is_one_sentence_with_what_to_do(machine: Machine, command: list[str]) -> None:
    done = machine.run(*command)

    assert done.code == 1
    assert done.out == ""
    assert done.err == "cannot reach the manager at http://127.0.0.1:1: start it with ./setup.sh up\n"


@pytest.mark.parametrize("command", ASKING, ids=" ".join)
def test_in_json_it_is_the_error_object(machine: Machine, command: list[str]) -> None:
    done = machine.run(*command, "--json")

    assert done.code == 1
    assert done.json["error"]["code"] == "manager_unavailable"


def test_asking_in_vain_leaves_no_state_folder_behind(machine: Machine) -> None:
    machine.run("status")

    assert not machine.settings().state.exists()


def test_a_token_that_the_manager_does_not_know_is_told_apart_from_a_manager_that_is_away(
    served: Served,
) -> None:
    served.env["SWITCHYARD_TOKEN"] = "not that one"

    done = served.run("status")
    served.env.pop("SWITCHYARD_TOKEN")

    assert done.code == 1
    assert "it wants the token of its own state folder; set SWITCHYARD_STATE to that" in done.err


MISSPELT = {"chta": "chat", "CHAT": "chat", "brokn": "broken", "gpt4": "gpt"}


def test_a_misspelt_name_is_answered_with_the_nearest(served: Served) -> None:
    for command in ("unload", "pin", "explain", "logs", "events", "history"):
        for said, meant in MISSPELT.items():
            done = served.run(command, said)

            assert (done.code, done.err) == (1, f"cannot find the model {said}: did you mean {meant}?\n"), (
                command
            )


def test_a_name_like_no_other_is_answered_without_a_guess(served: Served) -> None:
    done = served.run("pin", "zzz/../?x=1#y")

    assert done.code == 1
    assert "cannot find a model named 'zzz/../?x=1#y'" in done.err


def test_nearest_keeps_the_way_in_which_a_name_is_written() -> None:
    assert nearest("qwen3-VL", ["flux", "Qwen3-VL"]) == "Qwen3-VL"
    assert nearest("zzz", ["flux"]) is None


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8079"),
        ("0.0.0.0", "http://127.0.0.1:8079"),
        ("::", "http://[::1]:8079"),
        ("box.lan", "http://box.lan:8079"),
    ],
)
def test_an_address_that_stands_for_all_is_reached_at_loopback(host: str, url: str) -> None:
    assert url_of(host, 8079) == url


def test_the_manager_that_is_up_says_itself_where_it_listens(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SWITCHYARD_MANAGER_PORT", raising=False)
    settings = machine.settings()
    settings.state.mkdir()
    record.write(settings.state, address="http://localhost:8080", manager="http://127.0.0.1:9999")

    assert find_manager(settings).url == "http://127.0.0.1:9999"

    monkeypatch.setenv("SWITCHYARD_MANAGER_PORT", "1")
    assert find_manager(settings).url == "http://127.0.0.1:1"


def test_the_token_shows_in_no_repr(machine: Machine) -> None:
    machine.env["SWITCHYARD_TOKEN"] = "hush"

    assert "hush" not in repr(find_manager(machine.settings()))


@pytest.fixture
def stranger(machine: Machine) -> Iterator[Callable[[int, bytes], None]]:
    """Something that is no manager, where the manager should be."""
    answer: dict[str, Any] = {"status": 200, "body": b""}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(answer["status"])
            self.send_header("content-length", str(len(answer["body"])))
            self.end_headers()
            self.wfile.write(answer["body"])

        def log_message(self, *_: object) -> None:
            pass

    def says(status: int, body: bytes) -> None:
        answer.update(status=status, body=body)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        machine.env["SWITCHYARD_MANAGER_PORT"] = str(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield says
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b"<html>"), (200, b"{}"), (200, b"[]"), (500, b"oops"), (404, b'{"error": "no"}'), (302, b"")],
)
def test_what_is_no_manager_is_said_to_be_none(
    machine: Machine, stranger: Callable[[int, bytes], None], status: int, body: bytes
) -> None:
    stranger(status, body)

    done = machine.run("status")

    assert done.code == 1
    assert done.err.startswith("cannot understand what answers at http://127.0.0.1:")
    assert "see that it is Switchyard's manager, of this version" in done.err


def test_what_does_not_even_speak_http_is_said_to_be_no_manager(machine: Machine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        machine.env["SWITCHYARD_MANAGER_PORT"] = str(listening.getsockname()[1])

        def answer() -> None:
            with listening.accept()[0] as caller:
                caller.recv(1000)
                caller.sendall(b"SSH-2.0-OpenSSH_9.9\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        done = machine.run("status")
        thread.join()

    assert (done.code, "it does not speak HTTP" in done.err) == (1, True)


@pytest.mark.parametrize("token", ["größer", "a\tb"])
def test_a_token_that_no_header_can_carry_is_refused(machine: Machine, token: str) -> None:
    machine.env["SWITCHYARD_TOKEN"] = token

    assert machine.run("status").err.startswith("cannot send this token: ")


def test_a_proxy_of_the_environment_is_never_asked(served: Served) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        served.env[name] = "http://127.0.0.1:9"

    assert served.run("status").code == 0


def test_the_local_socket_needs_no_token(served: Served, tmp_path: Path) -> None:
    served.stop_manager()
    token = (served.settings().state / "token").read_text()
    served.env["SWITCHYARD_MANAGER_SOCKET"] = str(tmp_path / "s")
    served.start_manager()
    (served.settings().state / "token").unlink()

    done = served.run("status", "--json")

    (served.settings().state / "token").write_text(token)
    assert done.code == 0
    assert len(done.json["models"]) == 3


def test_json_is_ascii_so_that_every_terminal_takes_it(served: Served) -> None:
    served.catalog.write_text(served.catalog.read_text().replace('"type"', '"description": "größer", "type"'))
    served.until("status", "--json", shows="gr\\u00f6\\u00dfer")

    assert "größer" in json.dumps(served.run("status", "--json").json, ensure_ascii=False)
