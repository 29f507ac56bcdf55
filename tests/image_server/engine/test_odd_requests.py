"""Whatever comes over the wire: an answer or a refusal, never a fault, never silence; and the server lives on.

A program of its own asks `/health` all the while, so that nothing that a test does to itself is held against
the server: 99 of 100 of these answers must come within a tenth of a second. A machine that has much else to do
is late with everything, its own sleep too: that much more is granted, for each of the threads that it keeps
waiting.
"""

import contextlib
import gzip
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from switchyard_contracts.errors import ErrorEnvelope
from tests.image_server.engine.odd_bodies import (
    CHAT,
    COUNT,
    DRAW,
    DRAWS,
    EDIT,
    FREE,
    ODD_TEXTS,
    USUAL,
    fields_of_text,
    odd_bodies,
    put,
)

Run = Callable[..., Any]
PATIENCE_S = 30.0
AT_ONCE = 300
SLOWEST_OF_100_S = 0.1
THREADS = 4
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW")

PULSE = """
import http.client, sys, time
line = http.client.HTTPConnection(sys.argv[1], int(sys.argv[2]), timeout=30)
while True:
    began = time.monotonic()
    line.request("GET", "/health")
    answer = line.getresponse()
    assert answer.status == 200, answer.read()
    answer.read()
    took = time.monotonic() - began
    time.sleep(0.01)
    print(took, time.monotonic() - began - took - 0.01, flush=True)
"""


@dataclass
class Server:
    process: Any

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.process.url.removeprefix("http://").split(":")
        return host, int(port)

    def said_to(self, data: bytes) -> bytes:
        """All that comes back until the server hangs up. It must do so."""
        said = b""
        with socket.create_connection(self.address, timeout=PATIENCE_S) as line:
            with contextlib.suppress(ConnectionError):  # it may hang up before it has heard it all
                line.sendall(data)
            with contextlib.suppress(ConnectionError):
                while piece := line.recv(65536):
                    said += piece
        return said

    def files_open(self) -> int:
        return len(os.listdir(f"/proc/{self.process.process.pid}/fd"))  # noqa: PTH208 - these links lead nowhere


@pytest.fixture(scope="module")
def servers(run_server: Run, demo: Path) -> Iterator[dict[str, Server]]:
    """By route. Their health is asked all the while."""
    starting = [run_server("--model", str(demo / kind), "--max-queue", "400") for kind in ("vision", "image")]
    both = [Server(one.until_ready()) for one in starting]
    with contextlib.ExitStack() as stack:
        pulses = [stack.enter_context(pulse(server)) for server in both]
        yield {CHAT: both[0], COUNT: both[0], DRAW: both[1], EDIT: both[1]}
    for beats in pulses:
        took, late = (sorted(one) for one in zip(*beats, strict=True))
        last = len(took) * 99 // 100
        assert last > 100
        assert took[last] < SLOWEST_OF_100_S + THREADS * late[last], (late[last], took[-20:])


@contextlib.contextmanager
def pulse(server: Server) -> Iterator[list[tuple[float, float]]]:
    host, port = server.address
    command = (sys.executable, "-c", PULSE, host, str(port))
    beats: list[tuple[float, float]] = []
    with tempfile.TemporaryFile("w+") as told, subprocess.Popen(command, stdout=told, stderr=told) as asking:
        yield beats
        came_to_an_end = asking.poll() is not None
        asking.terminate()
        asking.wait(PATIENCE_S)
        told.seek(0)
        lines = told.read().splitlines()
        assert not came_to_an_end, "\n".join(["the server was not there for a moment", *lines[-10:]])
        beats += [(float(took), float(late)) for took, late in map(str.split, lines[:-1])]


def request(path: str, body: bytes, *headers: str, method: str = "POST") -> bytes:
    head = [f"{method} {path} HTTP/1.1", "host: x", "connection: close", f"content-length: {len(body)}"]
    return "\r\n".join([*head, *headers, "", ""]).encode("latin-1") + body


def fault_in(said: bytes, *, of_ours: bool = True) -> str | None:
    """What is wrong with an answer. A refusal before any request was understood is not of ours."""
    head, _, body = said.partition(b"\r\n\r\n")
    status = head[9:12]
    if not head.startswith(b"HTTP/1.1 ") or status[:1] not in {b"2", b"4"}:
        return said[:300].decode("latin-1") or "silence"
    if status[:1] == b"4" and of_ours:
        error = ErrorEnvelope.model_validate_json(body).error
        return None if error.message.startswith("cannot ") and len(body) < 16_384 else body[:300].decode()
    return None


def faults(rows: dict[str, str | None]) -> list[str]:
    return [f"{name}: {fault}" for name, fault in rows.items() if fault is not None]


@pytest.mark.parametrize("path", USUAL)
def test_no_body_is_too_odd(servers: dict[str, Server], path: str) -> None:
    server = servers[path]

    rows = {name: fault_in(server.said_to(request(path, body))) for name, body in odd_bodies(path)}

    assert faults(rows) == []


@pytest.mark.parametrize("path", USUAL)
def test_no_text_is_too_odd_in_any_field(servers: dict[str, Server], path: str) -> None:
    server = servers[path]
    page = httpx.get(f"{server.process.url}/openapi.json", timeout=PATIENCE_S).json()
    schema = page["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    ways = sorted({*fields_of_text(schema), *(FREE if path in {CHAT, COUNT} else ())}, key=str)

    rows = {
        f"{'.'.join(map(str, way))} is {name}": fault_in(
            server.said_to(request(path, json.dumps(body).encode()))
        )
        for way in ways
        for name, text in ODD_TEXTS.items()
        for body in (put(USUAL[path], way, text),)
    }

    assert len(ways) > 5
    assert faults(rows) == []


@pytest.mark.parametrize("path", USUAL)
def test_no_header_is_too_odd(servers: dict[str, Server], path: str) -> None:
    usual = json.dumps(USUAL[path]).encode()
    headers = [
        *(f"content-type: {kind}" for kind in ("text/plain", "application/xml", "\xff\xfe", "", "a" * 5_000)),
        *(
            f"content-type: multipart/form-data{more}"
            for more in ("", "; boundary=", "; boundary=x", "; boundary=\xff")
        ),
        "content-type: application/x-www-form-urlencoded",
        "content-encoding: gzip",
        "content-encoding: \xff",
        "accept: application/xml",
        "expect: 100-continue",
        "x-switchyard-client: \xff\xfe",
        "x-forwarded-host: <script>",
        "x-forwarded-prefix: //evil\xff",
        "x-forwarded-proto: javascript",
        "authorization: \xff",
        "range: bytes=5-1",
        "upgrade: websocket",
        "cookie: " + "x" * 30_000,
    ]

    answers = {one[:50]: servers[path].said_to(request(path, usual, one)) for one in headers}

    final = {name: said.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n") for name, said in answers.items()}
    assert faults({name: fault_in(said) for name, said in final.items()}) == []
    assert b"cannot unpack a body in 'gzip'" in final["content-encoding: gzip"]


def test_a_packed_body_is_not_unpacked(servers: dict[str, Server]) -> None:
    bomb = gzip.compress(bytes(2**24))

    said = servers[DRAW].said_to(request(DRAW, bomb, "content-encoding: gzip"))

    assert said.startswith(b"HTTP/1.1 400 ")


def test_every_route_answers_every_method(servers: dict[str, Server]) -> None:
    rows: dict[str, str | None] = {}
    for server in (servers[CHAT], servers[DRAW]):
        paths = httpx.get(f"{server.process.url}/openapi.json", timeout=PATIENCE_S).json()["paths"]
        for path in [
            *paths,
            "/",
            "/openapi.json",
            "*",
            "/v1/jobs/%00",
            "/v1/models/%ff",
            f"/v1/jobs/{'x' * 40_000}",
        ]:
            for method in METHODS:
                said = server.said_to(request(path, b"", method=method))
                rows[f"{method} {path[:40]}"] = fault_in(said, of_ours=method != "HEAD")
        server.said_to(request("/wake", b""))

    assert faults(rows) == []


@pytest.mark.parametrize(
    "said",
    [
        b"POST /v1/images/generations HTTP/1.1\r\nx: " + b"h" * 2**20 + b"\r\n\r\n",
        b"POST /v1/images/generations HTTP/1.1\r\n" + b"x: y\r\n" * 50_000 + b"\r\n",
        b"POST /v1/images/generations HTTP/1.1\r\nhost: x\r\ncontent-length: -3\r\n\r\n",
        b"POST /v1/images/generations HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"GET /" + b"x" * 2**20 + b" HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
    ],
    ids=["a long header", "many headers", "a negative length", "no chunk", "a long path", "a TLS greeting"],
)
def test_what_is_no_request_is_refused(servers: dict[str, Server], said: bytes) -> None:
    answer = servers[DRAW].said_to(said)

    assert answer.startswith(b"HTTP/1.1 400 ") or answer == b""  # it may have hung up on a client that talks on


def test_requests_in_a_row_are_answered_in_a_row(servers: dict[str, Server]) -> None:
    one = request(DRAW, json.dumps(DRAWS).encode()).replace(b"connection: close\r\n", b"")

    said = servers[DRAW].said_to(one * 5 + request("/v1/models", b"", method="GET"))

    assert said.count(b"HTTP/1.1 200 OK") == 6
    assert said.endswith(b"]}")


def test_a_body_without_end_is_refused(servers: dict[str, Server]) -> None:
    mebibyte = b"100000\r\n" + bytes(2**20) + b"\r\n"
    with socket.create_connection(servers[DRAW].address, timeout=PATIENCE_S) as line:
        line.sendall(f"POST {DRAW} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n".encode())
        with contextlib.suppress(ConnectionError):
            for _ in range(2_000):
                line.sendall(mebibyte)
                line.setblocking(False)  # noqa: FBT003 - the library's own way
                with contextlib.suppress(BlockingIOError):
                    said = line.recv(65536)
                    break
                line.settimeout(PATIENCE_S)

    assert said.startswith(b"HTTP/1.1 413 ")


def test_clients_that_say_half_keep_nobody_waiting(servers: dict[str, Server]) -> None:
    server = servers[DRAW]
    before = server.files_open()
    whole = request(DRAW, json.dumps(DRAWS).encode())
    with contextlib.ExitStack() as stack:
        for number in range(AT_ONCE):
            line = stack.enter_context(socket.create_connection(server.address, timeout=PATIENCE_S))
            line.sendall(whole[: 1 + number * (len(whole) - 1) // AT_ONCE])

        said = server.said_to(whole)

    assert said.startswith(b"HTTP/1.1 200 ")
    assert server.said_to(whole).startswith(b"HTTP/1.1 200 ")
    assert server.files_open() <= before + 5


def test_300_clients_at_once_are_all_answered(servers: dict[str, Server]) -> None:
    whole = request(DRAW, json.dumps(DRAWS).encode())

    with ThreadPoolExecutor(AT_ONCE) as clients:
        said = list(clients.map(servers[DRAW].said_to, [whole] * AT_ONCE))

    assert [one for one in said if not one.startswith(b"HTTP/1.1 200 ")] == []
