"""Processes under measurement: pinned to a core, counted with their children, ended with them. Linux only."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic

ENDS_WITHIN_S = 10.0
LOOK_S = 0.2
IDLE = 0.1
URGENT = -10
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def start(
    command: Sequence[str | Path], core: int, log: Path, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """A program in a session of its own, on one core with all that it starts."""
    pinned = ["taskset", "--cpu-list", str(core), *map(str, command)]
    with log.open("ab") as said:
        process = subprocess.Popen(
            pinned,
            stdout=said,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    favour(process.pid)
    return process


def favour(pid: int) -> None:
    """Before most of what else runs on this machine, if we may. A session is weighed as a whole."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, URGENT)
    with suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(URGENT))


def end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def tree(root: int) -> list[int]:
    """A process and everything below it."""
    found = [root]
    for pid in found:
        with suppress(OSError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
    return found


def resident_mib(root: int) -> float:
    """What the tree holds in memory now. Pages that forked processes share count once for each."""
    pages = 0
    for pid in tree(root):
        with suppress(OSError):
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * PAGE_BYTES / 2**20


def peak_mib(root: int) -> float:
    """The most that each process of the tree ever held, added up."""
    kib = 0
    for pid in tree(root):
        with suppress(OSError):
            status = Path(f"/proc/{pid}/status").read_text()
            kib += int(status.partition("VmHWM:")[2].split()[0])
    return kib / 1024


def processor_s(pids: Iterable[int]) -> float:
    """User and system time, of each process with all its threads."""
    ticks = 0
    for pid in pids:
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def machine_s() -> float:
    """What all cores together have worked, for whomever; time that a host took from us counts, too."""
    fields = [int(field) for field in Path("/proc/stat").read_text().partition("\n")[0].split()[1:9]]
    idle = fields[3] + fields[4]
    return (sum(fields) - idle) / os.sysconf("SC_CLK_TCK")


def settle(pids: Sequence[int], within_s: float = 30.0) -> None:
    """Until they are idle, or it is pointless to wait: what one load left behind must not burden the next."""
    until = monotonic() + within_s
    while pids and monotonic() < until:
        before = processor_s(pids)
        pause(LOOK_S)
        if processor_s(pids) - before <= LOOK_S * IDLE:
            return


def pause(seconds: float) -> None:
    """Another process can only be looked at again, and nothing else runs in this one."""
    threading.Event().wait(seconds)
