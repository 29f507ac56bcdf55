"""Run the server: the port first, then the model, and a quick clean end.

The port is taken before anything is loaded, so that a supervisor sees at once that the process lives. The
event loop runs here; the model loads on the worker thread. On SIGTERM or SIGINT whoever waits is told, and
the process ends within two seconds: a load that cannot be interrupted is left behind with it.
"""

import asyncio
import contextlib
import errno
import gc
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from typing import NoReturn

import uvicorn

from switchyard_image_server.allocator import settle_memory
from switchyard_image_server.app import build_app
from switchyard_image_server.engine import Engine, Failed, Model, Ready, Tell, free_memory, load_model
from switchyard_image_server.errors import StartCode, StartFailure
from switchyard_image_server.load_log import logged
from switchyard_image_server.parts import Parts, make_parts
from switchyard_image_server.settings import ModelSettings, Settings
from switchyard_image_server.worker import Worker

logger = logging.getLogger(__name__)

LAST_BYTES_S = 1  # for answers that are on their way when the process is told to stop
WORKER_END_S = 0.5
GIL_S = 0.0005  # the event loop asks the busy worker thread for the interpreter a dozen times a request
FAILED_EXIT = 1


class _Server(uvicorn.Server):
    """Uvicorn without its signal handling, which would end the process by the signal after a clean stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Service:
    """The engine behind its port, until it is stopped or its model fails."""

    def __init__(self, parts: Parts, listener: socket.socket) -> None:
        log_level = parts.settings.log_level
        self._parts = parts
        self._engine = parts.engine
        self._listener = listener
        self._server = _Server(
            uvicorn.Config(
                build_app(parts),
                log_config=None,
                log_level=log_level,
                access_log=log_level == "debug",
                timeout_graceful_shutdown=LAST_BYTES_S,
                lifespan="off",
            )
        )

    def stop(self) -> None:
        """From the event loop's thread."""
        self._engine.stop()
        self._server.should_exit = True

    async def run(self) -> StartFailure | None:
        """Why the model could not be loaded, if that is what ended it."""
        host, port = self._listener.getsockname()[:2]
        logger.info("listening on http://%s:%d, loading %s", host, port, self._engine.name)
        self._engine.worker.start()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._load())
            jobs = group.create_task(self._parts.jobs.run())
            await self._server.serve(sockets=[self._listener])
            jobs.cancel()
        phase = self._engine.phase
        return phase.failure if isinstance(phase, Failed) else None

    async def _load(self) -> None:
        await self._engine.load()
        match self._engine.phase:
            case Ready(model):
                logger.info("%s (%s) is ready", self._engine.name, model.kind)
            case Failed():
                self._server.should_exit = True
            case _:
                pass


def serve(settings: Settings) -> NoReturn:
    """Returns the exit status to the shell: 0 after a stop that was asked for, 1 when the model failed."""
    logging.basicConfig(
        level=settings.log_level.upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    try:
        listener = listen(settings.host, settings.port)
    except StartFailure as taken:
        _end(FAILED_EXIT, taken)
    sys.setswitchinterval(GIL_S)
    settle_memory()
    worker = Worker(settings.max_queue, time.monotonic, free_memory)
    engine = Engine(settings.served_name, worker, lambda tell: _load_for_good(settings.model, tell))
    failure = asyncio.run(_until_signalled(Service(make_parts(engine, settings), listener)))
    worker.close(WORKER_END_S)
    _end(FAILED_EXIT if failure else 0, failure)


def _load_for_good(settings: ModelSettings, tell: Tell) -> Model:
    """What a load leaves behind, libraries and all, stays as long as the process. Looked through at each
    collection of garbage, it would make every sleep a quarter of a second longer."""
    model = load_model(settings, logged(tell))
    gc.collect()
    gc.freeze()
    return model


def listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        raise StartFailure(
            StartCode.PORT_IN_USE if taken else StartCode.BAD_ENGINE_ARGUMENT,
            f"cannot listen on {host}:{port}: {error.strerror or error}; "
            f"choose another {'--port' if taken else '--host or --port'}",
        ) from error
    # Inherited by each connection. The event loop sets it only where a socket says that it is TCP, which this
    # one does not; without it, a reply of two writes waits 40 ms for the client's acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


async def _until_signalled(service: Service) -> StartFailure | None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, service.stop)
    return await service.run()


def _end(status: int, failure: StartFailure | None) -> NoReturn:
    """Not `sys.exit`: the interpreter would tear down modules under a worker that is still inside torch."""
    if failure is not None:
        sys.stderr.write(f"{failure.marker()}\n")
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
