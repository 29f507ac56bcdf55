"""Whatever comes over the wire: an answer or a refusal, never a fault, never silence; and the server lives on.

A program of its own asks `/health` all the while, so that nothing that a test does to itself is held against
the server: 99 of 100 of these answers must come within a tenth of a second.
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
from tests.image_server.conftest import data_url, png

Run = Callable[..., Any]
CHAT, COUNT = "/v1/chat/completions", "/v1/tokenize"
DRAW, EDIT = "/v1/images/generations", "/v1/images/edits"
PATIENCE_S = 30.0
AT_ONCE = 300
SLOWEST_OF_100_S = 0.1
DEEP = 10_000
SAYS = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 2}
DRAWS = {"prompt": "x", "size": "64x64", "steps": 2}
USUAL = {CHAT: SAYS, COUNT: SAYS, DRAW: DRAWS, EDIT: DRAWS | {"images": [data_url(png())]}}
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
    print(time.monotonic() - began, flush=True)
    time.sleep(0.01)
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
    both = [
        Server(run_server("--model", str(demo / kind), "--max-queue", "400").until_ready())
        for kind in ("vision", "image")
    ]
    with contextlib.ExitStack() as stack:
        pulses = [stack.enter_context(pulse(server)) for server in both]
        yield {CHAT: both[0], COUNT: both[0], DRAW: both[1], EDIT: both[1]}
    for beats in pulses:
        assert len(beats) > 100
        assert sorted(beats)[len(beats) * 99 // 100] < SLOWEST_OF_100_S, sorted(beats)[-20:]


@contextlib.contextmanager
def pulse(server: Server) -> Iterator[list[float]]:
    host, port = server.address
    command = (sys.executable, "-c", PULSE, host, str(port))
    beats: list[float] = []
    with tempfile.TemporaryFile("w+") as told, subprocess.Popen(command, stdout=told, stderr=told) as asking:
        yield beats
        came_to_an_end = asking.poll() is not None
        asking.terminate()
        asking.wait(PATIENCE_S)
        told.seek(0)
        lines = told.read().splitlines()
        assert not came_to_an_end, "\n".join(["the server was not there for a moment", *lines[-10:]])
        beats += map(float, lines[:-1])


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


def with_field(path: str, field: str) -> bytes:
    """A body in which one more field is spelled out."""
    return json.dumps(USUAL[path]).encode()[:-1] + b"," + field.encode() + b"}"


def odd_bodies(path: str) -> Iterator[tuple[str, bytes]]:
    usual = json.dumps(USUAL[path]).encode()
    yield "nothing", b""
    yield "null", b"null"
    yield "a list", b"[]"
    yield "a list of lists", b"[" * DEEP + b"]" * DEEP
    yield "an object of objects", b'{"a":' * DEEP + b"1" + b"}" * DEEP
    for field in ("nobody_knows_it", "chat_template_kwargs", "tools", "response_format", "lora", "seed"):
        yield f"depths in {field}", with_field(path, f'"{field}":{"[" * DEEP}{"]" * DEEP}')
        yield f"some depth in {field}", with_field(path, f'"{field}":{{"a":{"[" * 150}{"]" * 150}}}')
    for number in (
        "1e400",
        "-1e400",
        "NaN",
        "-Infinity",
        "9" * 400,
        "9" * 5000,
        "5e-324",
        "-0.0",
        "1e-9",
        "01",
    ):
        for field in NUMBERS:
            yield f"{field} of {number[:12]}", with_field(path, f'"{field}":{number}')
    yield "a field twice", with_field(path, '"n":1,"n":2,"model":"image","model":"vision"')
    yield "a model of a megabyte", with_field(path, f'"model":"{"x" * 2**20}"')
    yield "a user of a megabyte", with_field(path, f'"user":"{"x" * 2**20}"')
    yield "a key of a megabyte", with_field(path, f'"logit_bias":{{"{"x" * 2**20}":1}}')
    yield "100 000 fields", with_field(path, ",".join(f'"{number}":0' for number in range(100_000)))
    yield "a mark before it", b"\xef\xbb\xbf" + usual
    yield "two octets each", json.dumps(USUAL[path]).encode("utf-16")
    yield "no UTF-8", with_field(path, '"user":"?"').replace(b"?", b"\xff")
    yield "half of it", usual[: len(usual) // 2]
    yield "it twice", usual * 2


NUMBERS = (
    *("temperature", "top_p", "top_k", "min_p", "repetition_penalty", "presence_penalty", "seed", "n"),
    *("max_tokens", "guidance_scale", "true_cfg_scale", "strength", "steps", "resolution", "sigmas"),
)


@pytest.mark.parametrize("path", USUAL)
def test_no_body_is_too_odd(servers: dict[str, Server], path: str) -> None:
    server = servers[path]

    rows = {name: fault_in(server.said_to(request(path, body))) for name, body in odd_bodies(path)}

    assert faults(rows) == []


def fields_of_text(schema: Any, way: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The way to each place in a body that takes any text."""
    for one in schema.get("anyOf", schema.get("oneOf", [])):
        yield from fields_of_text(one, way)
    if schema.get("type") == "string" and way:
        yield way
    if "items" in schema:
        yield from fields_of_text(schema["items"], (*way, 0))
    for name, inner in schema.get("properties", {}).items():
        yield from fields_of_text(inner, (*way, name))


def put(body: Any, way: tuple[str | int, ...], text: str) -> Any:
    """The body, changed in one place; what is missing on the way there is made."""
    if not way:
        return text
    step, rest = way[0], way[1:]
    if isinstance(step, int):
        first = body[0] if isinstance(body, list) and body else None
        return [put(first, rest, text)]
    known = body if isinstance(body, dict) else BESIDE.get(step, {})
    return {**known, step: put(known.get(step), rest, text)}


# What must stand beside a field, so that it is looked at.
BESIDE = {"text": {"type": "text"}, "label": {"type": "text", "text": "x"}, "content": {"role": "user"}} | {
    name: {"type": "video_url" if "video" in name else "image_url"}
    for name in ("image_url", "input_image", "image", "data", "b64_json", "video_url", "input_video", "video")
}
ODD_TEXTS = {
    "NUL": "\0",
    "a path with NUL": "/a\0b.safetensors",
    "half a character": "\ud800",
    "no character": "\uffff",
    "control characters": "\x1b[2J\r\n\x7f\u202e",
    "a file": "file:///etc/passwd",
    "a file with NUL": "file:///etc\0passwd",
    "an address": "http://[::1",
    "an empty data address": "data:,",
    "a data address": "data:image/png;base64,\0",
    "50 000 letters": "x" * 50_000,
}


@pytest.mark.parametrize("path", USUAL)
def test_no_text_is_too_odd_in_any_field(servers: dict[str, Server], path: str) -> None:
    server = servers[path]
    page = httpx.get(f"{server.process.url}/openapi.json", timeout=PATIENCE_S).json()
    schema = page["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    ways = sorted(set(fields_of_text(schema)), key=str)

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
