"""The sockets by which the manager is reached: one of TCP, and if it is asked for a local one. Then the server.

Whoever may open the local socket's file is let in without the token, so the file is its owner's alone.
"""

import asyncio
import contextlib
import os
import signal
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from switchyard_contracts.errors import ErrorCode, ErrorEnvelope
from switchyard_manager.api.sse import Streams
from switchyard_manager.errors import AlreadyRunning, BadSetting

PRIVATE = 0o177  # what a umask takes away
LONGEST_PATH = 100  # the kernel's limit is 108 bytes, and 104 on a Mac
GRACE_S = 5
CLOSED = -1


NOT_HTTP = ErrorEnvelope.of(ErrorCode.INVALID_VALUE, "cannot read the request: it is not HTTP/1.1")


class Protocol(H11Protocol):
    """uvicorn's, but what it cannot read is refused as everything else is."""

    def send_400_response(self, msg: str) -> None:
        body = NOT_HTTP.model_dump_json().encode()
        head = (
            "HTTP/1.1 400 Bad Request",
            "content-type: application/json",
            f"content-length: {len(body)}",
            "connection: close",
        )
        self.transport.write("".join(f"{line}\r\n" for line in (*head, "")).encode() + body)
        self.transport.close()


class Server(uvicorn.Server):
    """It waits for every open request when it ends: so first it ends those that would go on for ever."""

    def __init__(self, config: uvicorn.Config, streams: Streams) -> None:
        super().__init__(config)
        self._streams = streams

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Not uvicorn's own, which raises the signal again in the end: our last words were lost."""
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._streams.close()
        await asyncio.to_thread(_remove_files, sockets or [])
        await super().shutdown(sockets)


def server(app: ASGIApp, host: str, port: int, streams: Streams) -> Server:
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        log_level="warning",
        http=Protocol,
        ws="websockets-sansio",
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    return Server(config, streams)


def serve(made: Server, local: Path | None) -> None:
    """Until told to stop."""
    with contextlib.suppress(KeyboardInterrupt):
        if local is None:
            made.run()
        else:
            with local_socket(local) as by_file:
                made.run([made.config.bind_socket(), by_file])
    if not made.started:
        raise SystemExit(3)


@contextlib.contextmanager
def local_socket(path: Path) -> Iterator[socket.socket]:
    """Bound, its file private to its owner from the first moment, and removed at the end."""
    _make_way(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as bound:
        before = os.umask(PRIVATE)
        try:
            bound.bind(str(path))
        except OSError as error:
            raise BadSetting(
                f"cannot listen on {path}: {error.strerror}; set SWITCHYARD_MANAGER_SOCKET to a path in a"
                " folder that you may write"
            ) from error
        finally:
            os.umask(before)
        try:
            yield bound
        finally:
            _remove_files([bound])


def _remove_files(sockets: list[socket.socket]) -> None:
    """While they are still bound: later the file may be another manager's."""
    for one in sockets:
        if one.fileno() != CLOSED and one.family == socket.AF_UNIX:
            Path(one.getsockname()).unlink(missing_ok=True)


def _make_way(path: Path) -> None:
    """A manager that was killed leaves its socket's file behind. Nothing else is removed."""
    if len(os.fsencode(path)) > LONGEST_PATH:
        raise BadSetting(
            f"cannot listen on {path}: its path is longer than {LONGEST_PATH} bytes; use a shorter"
        )
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise BadSetting(
            f"cannot listen on {path}: there is another file; set SWITCHYARD_MANAGER_SOCKET to a new"
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        try:
            asking.connect(str(path))
        except OSError:
            path.unlink(missing_ok=True)
            return
    raise AlreadyRunning(f"cannot listen on {path}: another manager does; stop it, or give this one a new path")
