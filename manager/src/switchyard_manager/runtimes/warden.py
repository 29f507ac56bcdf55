"""Stand guard over one engine: when our own parent dies, or says stop, the whole family goes.

    python -I warden.py -- COMMAND…

The parent holds the other end of our standard input. A line `stop SECONDS` asks for an orderly end with that
grace; end of file means that the parent is gone, however it went (SIGKILL too). The engine leads its own
session; what it leaves behind is adopted by us where the kernel allows (Linux) and killed. We exit as the
engine did: its code, or 128 plus its signal.

Standard library only, and imported by nobody: it is started by path, once an engine, and must start fast
(`pathlib` alone would be a fifth of its start).
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time

ORPHAN_GRACE_S = 2.0
TERMINATED_GRACE_S = 5.0
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def _prctl(option: int, value: int) -> None:
    # Elsewhere than on Linux the sweep at the next start does what the kernel does not.
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _start(command: list[str]) -> subprocess.Popen[bytes]:
    warden = os.getpid()

    def last_will() -> None:
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != warden:
            os._exit(1)

    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=last_will if sys.platform == "linux" else None,  # noqa: PLW1509 - we have one thread
    )


class Orders:
    """What ends the wait for the engine: its own end, a word from the parent, the parent's end, SIGTERM."""

    def __init__(self) -> None:
        self._heard = b""
        self._terminated = False
        self._wakeup, writing = os.pipe()
        os.set_blocking(writing, False)
        signal.set_wakeup_fd(writing)
        # Handlers, not SIG_IGN: what is ignored would stay ignored in the engine.
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._terminate)
        # A terminal's Ctrl-C is for our parent, which then tells us.
        signal.signal(signal.SIGINT, lambda *_: None)

    def _terminate(self, *_: object) -> None:
        self._terminated = True

    def wait(self) -> float | None:
        """The grace to end the engine with; None when something happened that may be its own end."""
        readable, _, _ = select.select([0, self._wakeup], [], [])
        if self._wakeup in readable:
            os.read(self._wakeup, 64)
            return TERMINATED_GRACE_S if self._terminated else None
        chunk = os.read(0, 64)
        self._heard += chunk
        line, ended, _ = self._heard.partition(b"\n")
        if ended and line.startswith(b"stop "):
            return float(line.removeprefix(b"stop "))
        return None if chunk else ORPHAN_GRACE_S


def _end(engine: subprocess.Popen[bytes], grace_s: float) -> None:
    # The leader alone is asked: what it started is its own to end in order. Nothing survives the kill.
    with contextlib.suppress(ProcessLookupError):
        os.kill(engine.pid, signal.SIGTERM)
    try:
        engine.wait(timeout=grace_s)
    except subprocess.TimeoutExpired:
        _kill_group(engine.pid)
        engine.wait()


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _children() -> list[int]:
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as listing:  # noqa: PTH123 - see above
            return [int(pid) for pid in listing.read().split()]
    except OSError:
        return []


def _bury(engine: subprocess.Popen[bytes]) -> None:
    """Kill and reap what the engine left, its grandchildren too: they come to us as their parents go."""
    _kill_group(engine.pid)
    deadline = time.monotonic() + 5.0
    while (left := _children()) and time.monotonic() < deadline:
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in left:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def main(arguments: list[str]) -> int:
    command = arguments[arguments.index("--") + 1 :]
    orders = Orders()
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    try:
        engine = _start(command)
    except OSError as error:
        sys.stderr.write(f"cannot run {command[0]}: {error.strerror}\n")
        return 127
    while engine.poll() is None:
        grace_s = orders.wait()
        if grace_s is not None:
            _end(engine, grace_s)
    _bury(engine)
    return engine.returncode if engine.returncode >= 0 else 128 - engine.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
