"""A small Hugging Face Hub on loopback: the real protocol, with as many faults as it is told to have.

Model info with sizes and hashes; `resolve` with ETag, X-Linked-*, X-Repo-Commit; large files behind a redirect
to another host; ranges; gated and private repositories; branches and commits; 429 with Retry-After, 5xx,
transfers that break off. It writes down every request with its range and the bytes that it sent.
"""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

LARGE = 1000  # bytes from which a file is in LFS
TOKEN = "hf_accepted"
STRANGERS = "hf_of_somebody_else"
CHUNK = 64 * 1024
ENDLESS = 200_000_000  # bytes: enough for who would take them all


@dataclass
class Repo:
    """What it holds, by branch or tag; every state of it has a commit of its own."""

    branches: dict[str, str] = field(default_factory=dict)
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    gated: bool = False
    private: bool = False

    def push(self, files: Mapping[str, bytes | str], branch: str = "main") -> str:
        said = {name: data.encode() if isinstance(data, str) else data for name, data in files.items()}
        told = json.dumps({name: hashlib.sha256(data).hexdigest() for name, data in said.items()})
        commit = hashlib.sha1(
            f"{branch} {len(self.commits)} {told}".encode(), usedforsecurity=False
        ).hexdigest()
        self.commits[commit] = said
        self.branches[branch] = commit
        return commit


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    host: str
    range: str | None
    token: str | None
    status: int
    sent: int


@dataclass
class Faults:
    """What goes wrong next. Each is used up as it happens."""

    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)  # for any request
    cut_after: dict[str, list[int]] = field(default_factory=dict)  # file → bytes of its next answers
    corrupt: dict[str, int] = field(default_factory=dict)  # file → how many answers hold other bytes
    no_ranges: bool = False
    other_parts: int = 0  # answers to a range that begin with the file's first byte
    endless: set[str] = field(default_factory=set)  # files that never end
    listed: Callable[[dict[str, Any]], None] = lambda said: None  # what it changes in a list of files
    page: bytes | None = None  # in place of every answer, as a network does that wants people to sign in


class Hub:
    def __init__(self, address: str = "127.0.0.1", cdn: str = "localhost") -> None:
        """`address`: where it listens; `cdn`: the name of the other host, which has the large files."""
        self.address, self.cdn = address, cdn
        self.repos: dict[str, Repo] = {}
        self.faults = Faults()
        self.asked: list[Asked] = []
        self.may_send = threading.Event()  # bytes of large files; cleared, they wait after `holds_after`
        self.may_send.set()
        self.holds_after = 0
        self.held = threading.Event()  # one waits now
        self._lock = threading.Lock()
        hub = self

        class Handler(_Handler):
            pass

        Handler.hub = hub
        self._server = _Server((address, 0), Handler)
        self.port = self._server.server_address[1]

    @property
    def url(self) -> str:
        return f"http://{self.address}:{self.port}"

    def repo(self, name: str, files: Mapping[str, bytes | str], **said: bool) -> Repo:
        made = self.repos[name] = Repo(**said)
        made.push(files)
        return made

    def note(self, asked: Asked) -> None:
        with self._lock:
            self.asked.append(asked)

    def sent(self, file: str = "") -> int:
        """Bytes of files that went out."""
        return sum(one.sent for one in self.asked if "/api/" not in one.path and file in one.path)

    def ranges(self, file: str) -> list[str | None]:
        """Of each time that its bytes were asked for."""
        return [one.range for one in self.asked if one.path.startswith("/cdn/") and file in one.path]

    @contextmanager
    def running(self) -> Iterator["Hub"]:
        thread = threading.Thread(target=lambda: self._server.serve_forever(poll_interval=0.02), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.may_send.set()
            self._server.shutdown()
            self._server.server_close()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed in the middle is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass

    @property
    def _token(self) -> str | None:
        said = self.headers.get("Authorization")
        return said.removeprefix("Bearer ") if said else None

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        if self.hub.faults.page is not None:
            self._reply(200, self.hub.faults.page, {"Content-Type": "text/html"})
        elif self.hub.faults.answers:
            status, headers = self.hub.faults.answers.pop(0)
            self._reply(status, b"{}", headers)
        elif self._token not in {None, TOKEN, STRANGERS}:
            self._reply(401, b"{}", {"X-Error-Message": "Invalid credentials in Authorization header"})
        elif path.startswith("/api/models/"):
            name, _, revision = path.removeprefix("/api/models/").partition("/revision/")
            self._info(name, revision or "main")
        elif path.startswith("/cdn/"):
            _, _, owner, name, etag, file = path.split("/", 5)
            self._bytes(file, self._by_etag(self.hub.repos[f"{owner}/{name}"], etag), etag)
        else:
            name, _, rest = path.lstrip("/").partition("/resolve/")
            revision, _, file = rest.partition("/")
            self._resolve(name, revision, file)

    def _found(self, name: str, revision: str) -> tuple[Repo, str] | None:
        repo = self.hub.repos.get(name)
        if repo is None or (repo.private and self._token != TOKEN):
            self._reply(404 if self._token else 401, b"{}", {"X-Error-Code": "RepoNotFound"})
            return None
        commit = repo.branches.get(revision, revision)
        if commit not in repo.commits:
            self._reply(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
            return None
        return repo, commit

    def _info(self, name: str, revision: str) -> None:
        if (found := self._found(name, revision)) is None:
            return
        repo, commit = found
        siblings = [_sibling(file, data) for file, data in repo.commits[commit].items()]
        said = {"id": name, "sha": commit, "private": repo.private, "gated": repo.gated, "siblings": siblings}
        self.hub.faults.listed(said)
        self._reply(200, json.dumps(said).encode(), {"Content-Type": "application/json"})

    def _resolve(self, name: str, revision: str, file: str) -> None:
        if (found := self._found(name, revision)) is None:
            return
        repo, commit = found
        if repo.gated and self._token != TOKEN:
            self._reply(403 if self._token else 401, b"{}", {"X-Error-Code": "GatedRepo"})
            return
        data = repo.commits[commit].get(file)
        if data is None:
            self._reply(404, b"{}", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit})
            return
        etag = etag_of(data)
        headers = {"X-Repo-Commit": commit, "X-Linked-Size": str(len(data)), "X-Linked-Etag": f'"{etag}"'}
        if len(data) < LARGE:
            self._bytes(file, data, etag, {"X-Repo-Commit": commit})
        else:
            # Another host, as in truth: what signs in at the one must not be shown to the other.
            location = f"http://{self.hub.cdn}:{self.hub.port}/cdn/{name}/{etag}/{file}"
            self._reply(302, b"", {**headers, "Location": location})

    def _by_etag(self, repo: Repo, etag: str) -> bytes:
        return next(data for files in repo.commits.values() for data in files.values() if etag_of(data) == etag)

    def _bytes(self, file: str, data: bytes, etag: str, more: Mapping[str, str] | None = None) -> None:
        faults, start, status = self.hub.faults, 0, 200
        asked = self.headers.get("Range")
        if asked is not None and not faults.no_ranges:
            start, status = int(asked.removeprefix("bytes=").removesuffix("-")), 206
            if start >= len(data):
                self._reply(416, b"", {"Content-Range": f"bytes */{len(data)}"})
                return
        if status == 206 and faults.other_parts:
            faults.other_parts -= 1
            start = 0
        if file in faults.endless:
            self._never_end(data)
            return
        if faults.corrupt.get(file, 0):
            faults.corrupt[file] -= 1
            data = bytes(len(data))
        headers = {"ETag": f'"{etag}"', "Accept-Ranges": "bytes", **(more or {})}
        if status == 206:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        cuts = faults.cut_after.get(file)
        self._reply(status, data[start:], headers, cut=cuts.pop(0) if cuts else None)

    def _reply(self, status: int, body: bytes, headers: Mapping[str, str], cut: int | None = None) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        sent = 0 if self.command == "HEAD" else self._send(body if cut is None else body[:cut])
        self.hub.note(
            Asked(
                self.command,
                unquote(urlsplit(self.path).path),
                self.headers.get("Host", ""),
                self.headers.get("Range"),
                self._token,
                status,
                sent,
            )
        )
        if cut is not None:
            self.close_connection = True

    def _never_end(self, body: bytes) -> None:
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        sent = 0
        try:
            while sent < ENDLESS:
                self.wfile.write(body)
                sent += len(body)
        except OSError:
            pass
        path = unquote(urlsplit(self.path).path)
        self.hub.note(Asked(self.command, path, self.headers.get("Host", ""), None, self._token, 200, sent))

    def _send(self, body: bytes) -> int:
        sent = 0
        try:
            while sent < len(body):
                if self.path.startswith("/cdn/") and sent >= self.hub.holds_after:
                    if not self.hub.may_send.is_set():
                        self.wfile.flush()
                        self.hub.held.set()
                    self.hub.may_send.wait(30)
                piece = body[sent : sent + CHUNK]
                self.wfile.write(piece)
                sent += len(piece)
        except OSError:
            self.close_connection = True
        return sent


def _sibling(file: str, data: bytes) -> dict[str, Any]:
    said: dict[str, Any] = {"rfilename": file, "size": len(data), "blobId": _git_hash(data)}
    if len(data) >= LARGE:
        said["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
    return said


def etag_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest() if len(data) >= LARGE else _git_hash(data)


def _git_hash(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
