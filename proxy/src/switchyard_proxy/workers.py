"""Several processes that share one port: a parent starts them, replaces those that die, and ends them.

Each listens on a socket of its own, among which the kernel spreads connections evenly: of 200 that came at
once, four workers took 40, 45, 54 and 61, where one socket for all gave 163, 17, 19 and 1, for whoever wakes
first takes what it finds. The parent keeps the sockets, too: a connection that reached a worker as it died
waits for the next one.

A worker ends when its parent does: the parent holds the other end of a connection, which then closes. Nothing
in here awaits.
"""

import contextlib
import logging
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from switchyard_proxy.access.board import Board
from switchyard_proxy.access.tally import BUCKETS
from switchyard_proxy.access.turns import CELLS_EACH, SharedTurns
from switchyard_proxy.accounting.metrics import forget_worker, share_between_workers
from switchyard_proxy.settings import SettingRefused, Settings

log = logging.getLogger(__name__)

MOST = BUCKETS // CELLS_EACH
STEADY_S = 10.0  # a worker that lived for so long is replaced at once
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
MERCY_S = 10.0  # beyond the grace, before a worker that does not end is killed
APART_S = 0.1  # two signals at once are one
ENTRY = "from switchyard_proxy.main import work; work()"
READY = b"!"


class WorkersFailed(Exception):
    """The workers cannot be started."""


def bounded(settings: Settings) -> Settings:
    """As each worker has them: together they keep to what was asked for. Raises `SettingRefused`."""
    if settings.workers > MOST:
        raise SettingRefused(f"cannot use {settings.workers} workers: give at most {MOST}")
    if settings.stream_store == "memory":
        raise SettingRefused(
            "cannot keep streams in memory with several workers: a client that comes back may meet another one;"
            " use --stream-store sqlite, or the address of a Redis"
        )
    return replace(settings, max_connections=-(-settings.max_connections // settings.workers))


def pause_before(failures: int) -> float:
    """Seconds until a worker that died is replaced, after so many that did not live long."""
    return 0.0 if failures == 0 else min(FIRST_PAUSE_S * 2 ** (failures - 1), LONGEST_PAUSE_S)


class Orders(msgspec.Struct, frozen=True):
    """What a worker is told when it starts; no command line shows it."""

    settings: Settings
    board: str
    metrics: str


@dataclass(slots=True)
class Worker:
    """One of them, and its successors."""

    number: int
    listener: socket.socket | None
    process: subprocess.Popen[bytes] | None = None
    lifeline: socket.socket | None = None
    began: float = 0.0
    failures: int = 0
    due: float | None = 0.0


class Crew:
    """All workers, from the parent's side. `listen` makes one more socket on the shared port."""

    def __init__(
        self, settings: Settings, listeners: Sequence[socket.socket], listen: Callable[[], socket.socket]
    ) -> None:
        self._settings = settings
        self._listen = listen
        self._workers = [Worker(number, listener) for number, listener in enumerate(listeners)]
        self._metrics = settings.folder / "metrics"
        self._signals = 0
        self._forwarded = 0
        self._kill_at: float | None = None
        self._proven = False

    def run(self) -> None:
        """Until all have ended. Raises `WorkersFailed` if they cannot even start."""
        try:
            share_between_workers(self._metrics, first=True)
            self._board = Board.create(self._settings.folder, len(self._workers))
        except OSError as error:
            raise WorkersFailed(
                f"cannot make what the workers share: {error}; choose another --state"
            ) from error
        woken, wake = socket.socketpair()
        woken.settimeout(0)
        wake.settimeout(0)
        with (
            woken,
            wake,
            _handled((signal.SIGTERM, signal.SIGINT), self._signalled),
            _handled((signal.SIGCHLD,), lambda: None),
        ):
            before = signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
            try:
                while self._step(time.monotonic()):
                    select.select([woken], [], [], self._idle_s(time.monotonic()))
                    with contextlib.suppress(BlockingIOError):
                        woken.recv(4096)
            finally:
                signal.set_wakeup_fd(before)
                self._abandon()
                self._board.remove()

    def _step(self, now: float) -> bool:
        """What can be done now; false when nobody is left."""
        for worker in self._workers:
            if worker.process is not None and worker.process.poll() is not None:
                self._bury(worker, now)
        if self._signals > self._forwarded:
            self._forward(now)
        elif self._kill_at is not None and now >= self._kill_at:
            self._kill()
        if not self._signals:
            for worker in self._workers:
                if worker.process is None and worker.due is not None and now >= worker.due:
                    self._start(worker, now)
        return not self._signals or any(worker.process is not None for worker in self._workers)

    def _idle_s(self, now: float) -> float | None:
        if self._signals > self._forwarded:
            return APART_S
        times = [worker.due for worker in self._workers if worker.process is None and worker.due is not None]
        if self._signals:
            times = [] if self._kill_at is None else [self._kill_at]
        return max(min(times) - now, 0.0) if times else None

    def _start(self, worker: Worker, now: float) -> None:
        listener = worker.listener or self._listen()
        ours, theirs = socket.socketpair()
        with theirs:
            numbers = (worker.number, listener.fileno(), theirs.fileno())
            worker.process = subprocess.Popen(
                [sys.executable, "-P", "-c", ENTRY, *map(str, numbers)],
                stdin=subprocess.DEVNULL,
                pass_fds=numbers[1:],
                process_group=0,  # what a terminal sends to all comes from us alone, once
            )
        orders = Orders(self._settings, str(self._board.path), str(self._metrics))
        with contextlib.suppress(ConnectionError):  # it is dead already, and that is seen in a moment
            ours.sendall(msgspec.json.encode(orders) + b"\n")
        ours.settimeout(0)
        worker.listener, worker.lifeline, worker.began, worker.due = listener, ours, now, None

    def _bury(self, worker: Worker, now: float) -> None:
        """Nothing of it is in flight any more, and its gauges end."""
        process, lifeline = worker.process, worker.lifeline
        if process is None or lifeline is None:
            return
        self._proven = self._proven or any(_has_served(each.lifeline) for each in self._workers)
        lifeline.close()
        worker.process = worker.lifeline = None
        self._board.forget(worker.number)
        forget_worker(self._metrics, process.pid)
        if self._signals:
            return
        how = _how(process.returncode)
        if not self._proven:
            raise WorkersFailed(f"cannot start the workers: the first of them {how}; its log says why")
        worker.failures = 0 if now - worker.began >= STEADY_S else worker.failures + 1
        pause_s = pause_before(worker.failures)
        worker.due = now + pause_s
        if pause_s and worker.listener is not None:
            worker.listener.close()  # or the connections that the kernel gives it would wait as long
            worker.listener = None
        log.error(
            "worker %d (process %d) %s; the next starts in %g s", worker.number, process.pid, how, pause_s
        )

    def _signalled(self) -> None:
        self._signals += 1

    def _forward(self, now: float) -> None:
        """The first signal lets requests finish, the next ends them; nobody new is listened to."""
        self._forwarded += 1
        self._kill_at = now + self._settings.stop_grace_s + MERCY_S
        for worker in self._workers:
            if worker.listener is not None:
                worker.listener.close()
                worker.listener = None
            if worker.process is not None:
                worker.process.send_signal(signal.SIGTERM)

    def _kill(self) -> None:
        self._kill_at = None
        for worker in self._workers:
            if worker.process is not None:
                log.error(
                    "worker %d (process %d) does not end, and is killed", worker.number, worker.process.pid
                )
                worker.process.kill()

    def _abandon(self) -> None:
        """Whoever is left when something went wrong here."""
        for worker in self._workers:
            if worker.process is not None:
                worker.process.kill()
                worker.process.wait()
            if worker.lifeline is not None:
                worker.lifeline.close()
            if worker.listener is not None:
                worker.listener.close()


class Post:
    """A worker's own side: what it was told, and the connection to its parent."""

    def __init__(self, arguments: Sequence[str]) -> None:
        number, listener, lifeline = map(int, arguments)
        self.number = number
        self.listener = socket.socket(fileno=listener)
        self.lifeline = socket.socket(fileno=lifeline)
        with self.lifeline.makefile("rb") as said:
            orders = msgspec.json.decode(said.readline(), type=Orders)
        self.settings = orders.settings
        self.board = Board.open(Path(orders.board))
        self._board_is = self.board.path.stat().st_ino
        share_between_workers(Path(orders.metrics), first=False)

    @property
    def turns(self) -> SharedTurns:
        return SharedTurns(self.board, self.number)

    def leave(self) -> None:
        """What a parent that was killed could not put away; another may have begun in its place meanwhile."""
        with contextlib.suppress(OSError):
            if self._is_alone() and self.board.path.stat().st_ino == self._board_is:
                self.board.path.unlink()

    def _is_alone(self) -> bool:
        try:
            return self.lifeline.recv(1) == b""
        except BlockingIOError:
            return False
        except ConnectionError:
            return True


class _handled:  # noqa: N801 -- reads as a phrase
    """Signals that are heard meanwhile."""

    def __init__(self, signals: Sequence[signal.Signals], hear: Callable[[], None]) -> None:
        self._signals = signals
        self._hear = hear

    def __enter__(self) -> None:
        self._before = [(number, signal.signal(number, lambda *_: self._hear())) for number in self._signals]

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before:
            signal.signal(number, handler)


def _has_served(lifeline: socket.socket | None) -> bool:
    try:
        return lifeline is not None and lifeline.recv(1) == READY
    except (BlockingIOError, ConnectionError):
        return False


def _how(status: int) -> str:
    return f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
