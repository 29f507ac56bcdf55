"""`up` and `down`."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psutil

from switchyard_manager import catalog_file
from switchyard_manager.errors import Refused
from switchyard_manager.launch import record
from switchyard_manager.launch.banner import Facts, banner, status_of
from switchyard_manager.launch.service import Service, answers, wait_a_little
from switchyard_manager.runtimes import leftovers
from switchyard_manager.runtimes.log_files import LogFiles
from switchyard_manager.settings import Settings, port_number
from switchyard_manager.state import StateFolder

READY_WITHIN_S = 60.0
PROXY_GRACE_S = 15.0
MANAGER_GRACE_S = 20.0
DOWN_WITHIN_S = 60.0
LEFTOVER_GRACE_S = 5.0
CONTAINER_GRACE_S = 10.0

EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not bound to
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Address:
    """Where clients will find the proxy."""

    host: str
    port: int

    @classmethod
    def from_environment(cls) -> "Address":
        host = os.environ.get("SWITCHYARD_HOST") or "127.0.0.1"
        return cls(host, port_number("SWITCHYARD_PORT", os.environ.get("SWITCHYARD_PORT") or "8080"))

    @property
    def url(self) -> str:
        """As seen from this machine."""
        host = "localhost" if self.host in EVERYWHERE | LOOPBACK else self.host
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


def up(settings: Settings, *, detach: bool, say: Say) -> None:
    """Start both and stay until told to stop; or leave them running and return."""
    state = StateFolder(settings.state, settings.token_file)
    address = Address.from_environment()
    running = record.read(state.root)
    if running is not None:
        say(f"Switchyard is up already at {running.address} (process {running.pid}); ./setup.sh down stops it.")
        return
    catalog_file.load(settings.catalog)  # refused here, in full, before anything starts
    left = _end_leftovers(state)
    if left:
        say(f"Ended {left} processes that an earlier run left behind.")
    _must_be_free(address.host, address.port, "SWITCHYARD_PORT")
    _must_be_free(settings.host, settings.port, "SWITCHYARD_MANAGER_PORT")
    if detach:
        _detach(settings, state, address, say)
    else:
        _stay(settings, state, address, say)


def down(settings: Settings, *, say: Say) -> None:
    state = StateFolder(settings.state, settings.token_file)
    running = record.read(state.root)
    if running is not None:
        _end(running)
    left = _end_leftovers(state) + _end_containers(state)
    record.remove(state.root)
    if running is None and not left:
        say("Switchyard was not running.")
    else:
        say("Switchyard is down: proxy, manager and engines have ended.")


def _end(running: record.Record) -> None:
    """Ask, wait, kill. Ended is also what its parent has not noticed yet (a zombie)."""
    deadline = time.monotonic() + DOWN_WITHIN_S
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(running.pid).terminate()
        while running.process() is not None:
            if time.monotonic() > deadline:
                psutil.Process(running.pid).kill()
                return
            wait_a_little()


def _stay(settings: Settings, state: StateFolder, address: Address, say: Say) -> None:
    with _told_to_stop() as told, contextlib.ExitStack() as services:
        services.callback(lambda: _end_containers(state) if told else 0)
        manager_url = f"http://{settings.host}:{settings.port}"
        mark = {leftovers.SERVICE_MARK: state.installation(), "SWITCHYARD_STATE": str(state.root)}
        manager = Service("manager", "switchyard-manager", mark)
        services.callback(manager.stop, MANAGER_GRACE_S)
        manager.wait_until(lambda: bool(told) or answers(f"{manager_url}/health"), READY_WITHIN_S)
        token = {"SWITCHYARD_TOKEN": settings.token or state.token(), "SWITCHYARD_MANAGER": manager_url}
        proxy = Service("proxy", "switchyard-proxy", mark | token)
        services.callback(proxy.stop, PROXY_GRACE_S)
        proxy.wait_until(
            lambda: bool(told) or answers(f"{address.url}/health", manager="connected"), READY_WITHIN_S
        )
        record.write(state.root, address=address.url, manager=manager_url)
        services.callback(record.remove, state.root)
        if not told:
            say(_banner(settings, state, address, manager_url))
        while not told and manager.is_running and proxy.is_running:
            wait_a_little()
        if not told:
            ended = manager if not manager.is_running else proxy
            raise Refused(f"cannot go on: the {ended.name} ended; its last words stand above")
        say("Stopping: proxy, manager, engines.")


def _detach(settings: Settings, state: StateFolder, address: Address, say: Say) -> None:
    log = state.logs / "up.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        job = subprocess.Popen(
            [sys.executable, "-m", "switchyard_manager.cli", "up"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    while record.read(state.root) is None:
        if job.poll() is not None:
            last = "\n".join(log.read_text(errors="replace").splitlines()[-10:])
            raise Refused(f"cannot start; the end of {log} says:\n{last}")
        wait_a_little()
    say(_banner(settings, state, address, f"http://{settings.host}:{settings.port}"))
    say(f"It runs in the background; its log is {log}")


@contextlib.contextmanager
def _told_to_stop() -> Iterator[list[int]]:
    """A list that is no longer empty once Ctrl-C, SIGTERM or a closed terminal came."""
    told: list[int] = []
    kinds = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(kind, lambda number, _: told.append(number)) for kind in kinds]
    try:
        yield told
    finally:
        for kind, handler in zip(kinds, before, strict=True):
            signal.signal(kind, handler)


def _end_leftovers(state: StateFolder) -> int:
    installation = state.installation()
    services = leftovers.end(leftovers.SERVICE_MARK, installation, LEFTOVER_GRACE_S)
    engines = leftovers.end(leftovers.ENGINE_MARK, installation, LEFTOVER_GRACE_S)
    return services + engines + leftovers.end_all(leftovers.find_writers(LogFiles(state.logs).has), 0.0)


def _end_containers(state: StateFolder) -> int:
    """Who says stop wants the memory back. A manager that merely ends leaves its containers to the next one."""
    # Not at the top: the Docker SDK takes longer to load than most commands run.
    from switchyard_manager.runtimes.docker import end_all, is_likely_here

    return end_all(state.installation(), CONTAINER_GRACE_S) if is_likely_here() else 0


def _must_be_free(host: str, port: int, setting: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Refused(
                f"cannot listen on {host}:{port}: {error.strerror}; end what listens there, or choose another"
                f" with {setting}"
            ) from error


def _banner(settings: Settings, state: StateFolder, address: Address, manager_url: str) -> str:
    status = status_of(manager_url, settings.token or state.token())
    key = _key(state)
    return banner(
        Facts(
            address=address.url,
            models=tuple(model.name for model in status.models),
            catalog=str(settings.catalog),
            runtime=status.runtime,
            key=key,
            is_open=not key and address.host not in LOOPBACK,
            end="Ctrl-C, or ./setup.sh down",
        )
    )


def _key(state: StateFolder) -> str:
    """How a shell gives a key: the operator's own, else the first that the proxy made; if one is asked for."""
    if os.environ.get("SWITCHYARD_AUTH") == "off":
        return ""
    if os.environ.get("SWITCHYARD_API_KEY"):
        return "$SWITCHYARD_API_KEY"
    first = state.root / "proxy" / "first-key"
    return f"$(cat {first})" if first.exists() else ""
