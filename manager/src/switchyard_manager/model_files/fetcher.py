"""Have the files of a model fetched, by a child process that can be killed, and hear how far it is.

The child ends with us, however we end: it holds the other end of a pipe of ours. Tells; never decides.
"""

import asyncio
import contextlib
import logging
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from switchyard_contracts.catalog import Model
from switchyard_contracts.errors import Reason
from switchyard_contracts.status import Failure
from switchyard_manager.engines import hub
from switchyard_manager.engines.reasons import ADVICE
from switchyard_manager.errors import EngineFailed
from switchyard_manager.model_files import job
from switchyard_manager.model_files.job import Done, Job, Told, failure
from switchyard_manager.model_files.looking import missing_folder
from switchyard_manager.model_files.needs import needs_of
from switchyard_manager.places import Places

log = logging.getLogger(__name__)

COMMAND = (sys.executable, "-m", "switchyard_manager.model_files.child")
SAID_KEPT = 2000  # characters of what it says on standard error
OWN_SETTINGS = ("SWITCHYARD_", "HF_TOKEN", "HF_HUB_OFFLINE", "HF_HOME", "HF_HUB_CACHE", "PYTHON")

Tell = Callable[[Told], None]


@dataclass(slots=True)
class _Running:
    called_off: asyncio.Event = field(default_factory=asyncio.Event)


class Fetcher:
    """`fetch` returns None when all is here, else why not; a fetch that is called off just ends."""

    def __init__(self, places: Places, *, pause_s: float = 1.0) -> None:
        self._places = places
        self._pause_s = pause_s
        self._running: dict[int, _Running] = {}

    def call_off(self, number: int) -> None:
        if number in self._running:
            self._running[number].called_off.set()

    async def fetch(self, number: int, model: Model, tell: Tell, *, refresh: bool = False) -> Failure | None:
        running = self._running[number] = _Running()
        try:
            absent = await asyncio.to_thread(missing_folder, model, self._places)
            if absent is not None or not needs_of(model):
                return absent
            return await self._have_fetched(await asyncio.to_thread(self._job, model, refresh), running, tell)
        except EngineFailed as error:
            return error.failure
        except OSError as error:
            said = f"cannot download {model.name}: cannot start the program that does ({error})"
            return failure(Reason.RUNTIME_UNAVAILABLE, said, ADVICE[Reason.RUNTIME_UNAVAILABLE])
        finally:
            del self._running[number]

    def _job(self, model: Model, refresh: bool) -> Job:
        """Blocking: the token may stand in a file."""
        places = self._places
        return Job(
            model=model.name,
            needs=needs_of(model),
            hub=str(places.hub),
            endpoint=places.hf_endpoint,
            token=hub.token(model, places),
            offline=places.hf_offline,
            refresh=refresh,
            pause_s=self._pause_s,
        )

    async def _have_fetched(self, given: Job, running: _Running, tell: Tell) -> Failure | None:
        child = await asyncio.create_subprocess_exec(
            *COMMAND, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=_environment(os.environ), start_new_session=True
        )
        try:
            async with asyncio.TaskGroup() as both:
                off = both.create_task(_kill_when(running.called_off, child))
                complaints = both.create_task(_read_to_end(child))
                last = await _talk(given, child, tell)
                await child.wait()
                off.cancel()
            return _outcome(given, last, complaints.result(), child)
        finally:
            _kill(child)


async def _talk(given: Job, child: Process, tell: Tell) -> Done | Failure | None:
    """Its last word. Its standard input stays open: when that ends, it ends."""
    if child.stdin is None or child.stdout is None:
        return None
    with contextlib.suppress(ConnectionError):
        child.stdin.write(given.to_json().encode() + b"\n")
        await child.stdin.drain()
    last: Done | Failure | None = None
    async for text in child.stdout:
        match job.read(text.decode(errors="replace")):
            case Told() as told:
                tell(told)
            case Done() | Failure() as word:
                last = word
            case None:
                log.info("the program that downloads says: %s", text.decode(errors="replace").rstrip())
    return last


async def _read_to_end(child: Process) -> str:
    said = ""
    if child.stderr is not None:
        while text := await child.stderr.read(65_536):
            said = (said + text.decode(errors="replace"))[-SAID_KEPT:]
    return said


async def _kill_when(called_off: asyncio.Event, child: Process) -> None:
    await called_off.wait()
    _kill(child)


def _kill(child: Process) -> None:
    if child.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            child.kill()


def _outcome(given: Job, last: Done | Failure | None, complaints: str, child: Process) -> Failure | None:
    match last:
        case Done():
            return None
        case Failure():
            return last
        case None:
            if complaints:
                log.error("the program that downloads ended with code %s: %s", child.returncode, complaints)
            why = (complaints.strip().splitlines() or ["it says nothing"])[-1]
            said = f"cannot download {given.model}: the program that does ended by itself ({why[:300]})"
            return failure(Reason.RUNTIME_UNAVAILABLE, said, "see the manager's log; ask again, and it goes on")


def _environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """Proxies and certificates as we have them; what we decide ourselves it is told in its job."""
    kept = {name: value for name, value in inherited.items() if not name.startswith(OWN_SETTINGS)}
    return kept | {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"}
