"""A real manager over real engines, and the command line as a person at this machine has it."""

import asyncio
import contextlib
import fcntl
import json
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from switchyard_contracts.catalog import Engine
from switchyard_manager import app as manager_app
from switchyard_manager import catalog_file
from switchyard_manager.api import serving
from switchyard_manager.api.sse import Streams
from switchyard_manager.cli.main import app
from switchyard_manager.runtimes import leftovers
from switchyard_manager.settings import Settings, read_settings
from switchyard_manager.state import StateFolder
from tests.manager.conftest import ScriptedAdapter

WITHIN_S = 30.0
CATALOG = """{
  // this file is mine
  "models": {
    "chat": {"type": "text", "engine": "vllm", "path": "/x", "gpus": 0, "aliases": ["gpt"]},
    "slow": {"type": "text", "engine": "vllm", "path": "/x", "gpus": 0, "extra_args": ["--load-s", "60"]},
    "broken": {
      "type": "text", "engine": "vllm", "path": "/x", "gpus": 0,
      "extra_args": ["--exit-while-loading", "3", "--last-words", "torch.OutOfMemoryError: CUDA out of memory."]
    }
  }
}
""".replace("  // this file is mine\n", '  "// note": "this file is mine",\n')


@dataclass(frozen=True, slots=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Terminal:
    """What a person sees and types."""

    process: subprocess.Popen[str]
    ours: int
    seen: str = ""

    def until(self, shows: str) -> str:
        deadline = time.monotonic() + WITHIN_S
        while shows not in self.seen:
            ready, _, _ = select.select([self.ours], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                pytest.fail(f"never showed {shows!r}, but {self.seen!r}", pytrace=False)
            try:
                self.seen += os.read(self.ours, 65_536).decode("utf-8", "replace")
            except OSError:  # how Linux says that the other side is closed
                pytest.fail(f"ended and never showed {shows!r}, but {self.seen!r}", pytrace=False)
        return self.seen

    def type(self, text: str) -> None:
        os.write(self.ours, text.encode())

    def interrupt(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.end()

    def end(self) -> int:
        """Read on meanwhile: a terminal that nobody reads holds up who writes to it."""
        with contextlib.suppress(OSError):
            while data := os.read(self.ours, 65_536):
                self.seen += data.decode("utf-8", "replace")
        return self.process.wait(WITHIN_S)


@dataclass
class Machine:
    """A folder with models.json, a state folder, and what the environment says of both."""

    folder: Path
    env: dict[str, str] = field(default_factory=dict)
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def catalog(self) -> Path:
        return self.folder / "models.json"

    def settings(self) -> Settings:
        return read_settings(self.environ())

    def environ(self) -> dict[str, str]:
        said = {
            "SWITCHYARD_CATALOG": str(self.catalog),
            "SWITCHYARD_STATE": str(self.folder / "state"),
            "SWITCHYARD_MANAGER_PORT": "1",  # which nothing listens on
            "SWITCHYARD_MANAGER_HOST": "127.0.0.1",
            "SWITCHYARD_RUNTIME": "process",
            "HF_HUB_OFFLINE": "1",
            "COLUMNS": "80",
        }
        return said | self.env

    def run(self, *arguments: str, stdin: str | None = None) -> Done:
        """In this process: the same commands, without the time that a Python takes to start."""
        empty = {name: None for name in os.environ if name.startswith(("SWITCHYARD_", "HF_"))}
        done = CliRunner(env={**empty, **self.environ()}).invoke(app, list(arguments), input=stdin)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Done(done.exit_code, done.stdout, done.stderr)

    def start(self, *arguments: str, **more: Any) -> subprocess.Popen[str]:
        """A process of its own: for what has to be interrupted, or wants to see a terminal."""
        command = [sys.executable, "-m", "switchyard_manager.cli", *arguments]
        kept = {name: said for name, said in os.environ.items() if not name.startswith(("SWITCHYARD_", "HF_"))}
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL, **more}
        process = subprocess.Popen(command, env={**kept, **self.environ()}, text=True, bufsize=1, **streams)
        self.started.append(process)
        return process

    def end_commands(self) -> None:
        for process in self.started:
            process.kill()
            process.wait()
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()

    @contextlib.contextmanager
    def terminal(self, *arguments: str) -> Iterator["Terminal"]:
        """The command in a terminal of 100 columns."""
        ours, its = pty.openpty()
        fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        self.env.update({"TERM": "xterm", "COLUMNS": "100"})
        process = self.start(*arguments, stdin=its, stdout=its, stderr=its)
        os.close(its)
        try:
            yield Terminal(process, ours)
        finally:
            process.kill()
            process.wait()
            os.close(ours)


@dataclass
class Served(Machine):
    """The same with a manager that runs, over HTTP, in a thread of its own: commands block, as in a shell."""

    server: serving.Server | None = None
    thread: threading.Thread | None = None

    def start_manager(self) -> None:
        port = int(self.env.get("SWITCHYARD_MANAGER_PORT", "0"))
        listening = socket.create_server(("127.0.0.1", port))
        self.env["SWITCHYARD_MANAGER_PORT"] = str(listening.getsockname()[1])
        settings, streams = self.settings(), Streams()
        catalog = catalog_file.load(settings.catalog)
        made = manager_app.build(settings, catalog, StateFolder(settings.state), streams)
        server = serving.server(made, settings.host, settings.port, streams)
        self.server = server
        self.thread = threading.Thread(target=lambda: _serve(server, listening, settings.socket), daemon=True)
        self.thread.start()
        self.until("status", shows="chat")

    def stop_manager(self) -> None:
        assert self.server is not None
        assert self.thread is not None
        self.server.should_exit = True
        self.thread.join(WITHIN_S)
        assert not self.thread.is_alive()
        installation = StateFolder(self.settings().state).installation()
        assert list(leftovers.find(leftovers.ENGINE_MARK, installation)) == []

    def until(self, *arguments: str, shows: str) -> Done:
        deadline = time.monotonic() + WITHIN_S
        while shows not in (done := self.run(*arguments)).out:
            if time.monotonic() > deadline:
                pytest.fail(f"{arguments} never showed {shows!r}, but:\n{done.out}{done.err}", pytrace=False)
            threading.Event().wait(0.05)
        return done


def _serve(server: serving.Server, listening: socket.socket, local: Path | None) -> None:
    with contextlib.nullcontext() if local is None else serving.local_socket(local) as by_file:
        asyncio.run(server.serve([listening] if by_file is None else [listening, by_file]))


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    machine.catalog.write_text(CATALOG)
    yield machine
    machine.end_commands()


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setattr(manager_app, "ADAPTERS", dict.fromkeys(Engine, ScriptedAdapter()))
    monkeypatch.setattr(manager_app, "has_files", lambda _: False)
    served = Served(tmp_path)
    served.catalog.write_text(CATALOG)
    served.start_manager()
    yield served
    served.end_commands()
    served.stop_manager()
