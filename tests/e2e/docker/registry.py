"""A registry with one image, on loopback, where Docker needs no certificate. It can be slow or want a login."""

import gzip
import io
import json
import os
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PIECE = 64 * 1024
BETWEEN_PIECES_S = 0.03
LAYER_BYTES = 4 * 1024 * 1024
PATIENCE_S = 50
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
UNAUTHORIZED = b'{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}'
UNKNOWN = b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}'


def digest(data: bytes) -> str:
    return "sha256:" + sha256(data).hexdigest()


def layer() -> bytes:
    """Of noise, which does not pack; another one each time, or Docker would have it already."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry = tarfile.TarInfo("noise")
        entry.size = LAYER_BYTES
        archive.addfile(entry, io.BytesIO(os.urandom(LAYER_BYTES)))
    return packed.getvalue()


@dataclass
class Registry:
    port: int = 0
    shut: bool = False
    full_speed: threading.Event = field(default_factory=threading.Event)  # until then a layer never ends

    def __post_init__(self) -> None:
        plain = layer()
        self.layer = gzip.compress(plain, compresslevel=0)
        rootfs = {"type": "layers", "diff_ids": [digest(plain)]}
        about = {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": rootfs}
        self.config = json.dumps(about).encode()
        described = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": _described("application/vnd.docker.container.image.v1+json", self.config),
            "layers": [_described("application/vnd.docker.image.rootfs.diff.tar.gzip", self.layer)],
        }
        self.manifest = json.dumps(described).encode()

    @property
    def image(self) -> str:
        return f"127.0.0.1:{self.port}/engine:latest"

    def answer(self, path: str) -> tuple[int, bytes]:
        known = {
            "/v2/": b"{}",
            "/v2/engine/manifests/latest": self.manifest,
            f"/v2/engine/manifests/{digest(self.manifest)}": self.manifest,
            f"/v2/engine/blobs/{digest(self.config)}": self.config,
            f"/v2/engine/blobs/{digest(self.layer)}": self.layer,
        }
        if self.shut:
            return 401, UNAUTHORIZED
        return (200, known[path]) if path in known else (404, UNKNOWN)

    def pieces(self, body: bytes) -> Iterator[bytes]:
        """The last one waits for full speed."""
        starts = range(0, len(body), PIECE)
        for start in starts:
            if len(body) > LAYER_BYTES:
                last = start == starts[-1]
                self.full_speed.wait(PATIENCE_S if last else BETWEEN_PIECES_S)
            yield body[start : start + PIECE]


def _described(kind: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": kind, "size": len(data), "digest": digest(data)}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    registry: Registry

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        status, body = self.registry.answer(self.path)
        self.send_response(status)
        self.send_header("content-type", MANIFEST if "/manifests/" in self.path else "application/json")
        self.send_header("content-length", str(len(body)))
        self.send_header("docker-content-digest", digest(body))
        self.end_headers()
        if self.command == "GET":
            for piece in self.registry.pieces(body):
                self.wfile.write(piece)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Docker hangs up when it has had enough."""


@contextmanager
def serving(registry: Registry) -> Iterator[Registry]:
    handler = type("Handler", (_Handler,), {"registry": registry})
    with _Server(("127.0.0.1", 0), handler) as server:
        registry.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield registry
        finally:
            registry.full_speed.set()
            server.shutdown()
            thread.join()
