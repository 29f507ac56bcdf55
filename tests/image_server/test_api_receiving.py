"""What comes of a client that falls silent in the middle of its body, or packs it."""

import socket
from collections.abc import Callable
from typing import Any

import pytest

from switchyard_image_server.api import receiving
from tests.image_server.stand_ins import Talker

Serve = Callable[..., Any]
CHAT, EDIT = "/v1/chat/completions", "/v1/images/edits"
FORM = "multipart/form-data; boundary=x"


@pytest.mark.parametrize(("path", "kind"), [(CHAT, "application/json"), (EDIT, FORM)])
def test_a_body_that_stops_coming_is_not_waited_for(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, path: str, kind: str
) -> None:
    monkeypatch.setattr(receiving, "PAUSE_S", 0.05)
    served = serve(Talker).until_ready()
    host, port = served.url.removeprefix("http://").split(":")

    with socket.create_connection((host, int(port)), timeout=30) as line:
        head = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: {kind}\r\ncontent-length: 99\r\n\r\n"
        line.sendall(head.encode() + b"{")
        said = line.recv(65536)

    assert said.startswith(b"HTTP/1.1 408 ")
    assert served.client.get("/health").status_code == 200


@pytest.mark.parametrize(("path", "kind"), [(CHAT, "application/json"), (EDIT, FORM)])
def test_a_packed_body_is_refused_by_name(serve: Serve, path: str, kind: str) -> None:
    client = serve(Talker).until_ready().client

    answer = client.post(path, content=b"x", headers={"content-encoding": "gzip", "content-type": kind})

    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == "cannot unpack a body in 'gzip'; send it as it is"


def test_a_body_that_says_it_is_not_packed_is_read(serve: Serve, user_says: Callable[..., Any]) -> None:
    client = serve(Talker).until_ready().client

    answer = client.post(CHAT, json=user_says("hi"), headers={"content-encoding": "identity"})

    assert answer.status_code == 200
