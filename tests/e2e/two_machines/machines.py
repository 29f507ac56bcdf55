"""Two machines of one LAN, played by two network namespaces with a cable between them. Needs root on Linux.

What is started on one has that one's addresses and loopback, and reaches of the other what listens on the LAN.
"""

import asyncio
import contextlib
import ctypes
import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest

from tests.e2e.proxy.hearing import ENDINGS, Heard
from tests.pauses import pauses

Done = TypeVar("Done")
SCRIPTS = Path(sys.executable).parent
CLONE_NEWNET = 0x40000000
UP_WITHIN_S = 40.0
ANSWERS_WITHIN_S = 45.0
NEEDED = ("ip", "nsenter", "ss")
LIBC = ctypes.CDLL(None, use_errno=True)


def needs_two_machines() -> None:
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root on Linux may make network namespaces")
    missing = [program for program in NEEDED if shutil.which(program) is None]
    if missing:
        pytest.skip(f"two machines need {', '.join(missing)}")


def command(*words: str | Path) -> str:
    done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@dataclass(frozen=True)
class Machine:
    """One namespace; its address on the LAN, and its end of the cable."""

    name: str
    address: str
    cable: str

    def connect(self, host: str, port: int, within_s: float = 5.0) -> socket.socket:
        """A connection of a program on this machine. Blocking."""
        return self.does(lambda: socket.create_connection((host, port), timeout=within_s))

    def does(self, act: Callable[[], Done]) -> Done:
        """Sockets that are made meanwhile, and threads that are started, are this machine's. Blocking."""
        made: list[Done] = []
        failed: list[OSError] = []

        def enter_and_act() -> None:
            # A thread of its own: to be on another machine is a thread's affair, and it ends with it.
            with Path(f"/run/netns/{self.name}").open() as there:
                assert LIBC.setns(there.fileno(), CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
            try:
                made.append(act())
            except OSError as error:
                failed.append(error)

        thread = threading.Thread(target=enter_and_act)
        thread.start()
        thread.join()
        for error in failed:
            raise error
        (result,) = made
        return result

    def get(self, host: str, port: int, path: str, **headers: str) -> tuple[int, bytes]:
        return self.ask("GET", host, port, path, **headers)

    def ask(self, method: str, host: str, port: int, path: str, **headers: str) -> tuple[int, bytes]:
        line = http.client.HTTPConnection(host, port, timeout=10)
        line.sock = self.connect(host, port)
        with contextlib.closing(line):
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            line.request(method, path, headers=named)
            reply = line.getresponse()
            return reply.status, reply.read()

    async def hear(self, host: str, port: int, request: bytes) -> Heard:
        """All that comes until the reply ends, or its connection does. Never for ever."""
        raw = b""
        opened = await asyncio.to_thread(self.connect, host, port)
        opened.settimeout(0)
        reader, writer = await asyncio.open_connection(sock=opened)
        try:
            async with asyncio.timeout(ANSWERS_WITHIN_S):
                with contextlib.suppress(ConnectionError):
                    writer.write(request)
                    while data := await reader.read(65536):
                        raw += data
                        if raw.endswith(ENDINGS) and Heard(raw).ended_properly:
                            break
            return Heard(raw)
        finally:
            writer.transport.abort()

    def listening(self) -> set[tuple[str, str, int]]:
        """What listens here beyond the loopback: protocol, address, port."""
        told = command(*self.enter, "ss", "--no-header", "--numeric", "--listening", "--tcp", "--udp")
        found = set()
        for line in told.splitlines():
            protocol, local = line.split()[0], line.split()[4]
            address, _, port = local.rpartition(":")
            address = address.partition("%")[0].strip("[]")
            if not address.startswith("127.") and address != "::1":
                found.add((protocol, address, int(port)))
        return found

    @property
    def enter(self) -> tuple[str, ...]:
        return ("nsenter", f"--net=/run/netns/{self.name}")

    def plug(self, *, connected: bool) -> None:
        command(*self.enter, "ip", "link", "set", self.cable, "up" if connected else "down")


@contextlib.contextmanager
def two_machines() -> Iterator[tuple[Machine, Machine]]:
    """The GPU machine and the server."""
    mark = uuid.uuid4().hex[:6]
    gpu = Machine(f"sy-gpu-{mark}", "10.213.77.1", f"syg{mark}")
    server = Machine(f"sy-srv-{mark}", "10.213.77.2", f"sys{mark}")
    try:
        for machine in (gpu, server):
            command("ip", "netns", "add", machine.name)
        command(
            *("ip", "link", "add", gpu.cable, "netns", gpu.name),
            *("type", "veth", "peer", "name", server.cable, "netns", server.name),
        )
        for machine in (gpu, server):
            command(*machine.enter, "ip", "link", "set", "lo", "up")
            command(*machine.enter, "ip", "address", "add", f"{machine.address}/24", "dev", machine.cable)
            machine.plug(connected=True)
        yield gpu, server
    finally:
        for machine in (gpu, server):
            subprocess.run(["ip", "netns", "delete", machine.name], capture_output=True, check=False)


@dataclass
class Program:
    """One console script on a machine. It keeps its settings over restarts."""

    machine: Machine
    folder: Path
    name: str
    port: int
    said: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    more: dict[str, str] = field(default_factory=dict)  # of the environment

    @property
    def log(self) -> str:
        return (self.folder / f"{self.name}.log").read_text()

    def launch(self, **instead: str) -> None:
        bare = {name: value for name, value in os.environ.items() if not name.startswith("SWITCHYARD_")}
        said = {f"SWITCHYARD_{name.upper()}": value for name, value in {**self.said, **instead}.items()}
        with (self.folder / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*self.machine.enter, SCRIPTS / self.name],
                env=bare | said | self.more,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        until(self.is_up, self.log_on_failure)

    def is_up(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log
        try:
            return self.machine.get("127.0.0.1", self.port, "/health")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def log_on_failure(self) -> str:
        return f"{self.name} did not come up: {self.log}"

    def end(self, how: signal.Signals = signal.SIGKILL) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(timeout=UP_WITHIN_S)


def until(true: object, told: object = lambda: "", within_s: float = UP_WITHIN_S) -> None:
    assert callable(true)
    assert callable(told)
    deadline = time.monotonic() + within_s
    again = pauses()
    while not true():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {within_s:g} s in vain; {told()}")
        time.sleep(next(again))  # noqa: TID251 - it watches other processes


def ends(machine: Machine, pid: int) -> list[str]:
    """Where the connections of that process lead."""
    told = command(*machine.enter, "ss", "-Hntp", "state", "established")
    return [line.split()[3] for line in told.splitlines() if re.search(rf"\bpid={pid}\b", line)]
