"""Engines as containers of this machine's Docker Engine.

They outlive the manager: `close` lets go of them, and `recover` takes over what a former manager of the same
installation left. Whatever is ours carries the installation in a label, every list is asked for that label, and
nothing without it is ever changed or removed. A container that the operator named is theirs: it is started
and stopped, and that is all; having no label of ours, it is not found by `recover` either.

The Engine is asked in threads. That it cannot be asked is never taken for an answer.
"""

import asyncio
import contextlib
import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar

from switchyard_contracts.errors import Reason
from switchyard_manager.errors import EngineFailed
from switchyard_manager.runtimes.docker import refusals
from switchyard_manager.runtimes.docker.body import GPUS, INSTANCE, MODEL, SPEC_HASH, Naming
from switchyard_manager.runtimes.docker.engine import Engine, EngineSaid
from switchyard_manager.runtimes.docker.image import Pull
from switchyard_manager.runtimes.docker.kept import Ending, Kept, removed
from switchyard_manager.runtimes.docker.log_copy import LogCopy
from switchyard_manager.runtimes.docker.making import Begun, Maker, NoImage
from switchyard_manager.runtimes.docker.seen import End, Seen
from switchyard_manager.runtimes.docker.site import Site
from switchyard_manager.runtimes.docker.threads import in_loop, in_own_thread
from switchyard_manager.runtimes.docker.watch import Watch
from switchyard_manager.runtimes.log_files import LogFiles
from switchyard_manager.runtimes.protocol import (
    AnySpec,
    ContainerSpec,
    ExistingSpec,
    Exit,
    Found,
    Kind,
    Listen,
    RuntimeAway,
    StopFailed,
)

log = logging.getLogger(__name__)

# In a network of its own each engine may have the same port, and must listen beyond its own loopback.
INSIDE = Listen("0.0.0.0", 8000)  # noqa: S104
CALLS = 32  # at a time, each in a thread; the event loop's own threads stay free
KILL_LIMIT_S = 30.0
CANCEL_LIMIT_S = 10.0
CLEAR_LIMIT_S = 10.0  # an end that is certain is none the less so if what ended cannot be removed yet
RETRY_S = 0.5
NOWHERE = "http://127.0.0.1:0"

_Result = TypeVar("_Result")


@dataclass(slots=True)
class _Run:
    model: str
    called_off: threading.Event = field(default_factory=threading.Event)
    pulling: asyncio.Future[None] | None = None
    begun: asyncio.Event = field(default_factory=asyncio.Event)  # or not to be
    kept: Kept | None = None
    found: Found | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    cleared: asyncio.Event = field(default_factory=asyncio.Event)  # … and nothing of it is left
    exit: Exit = field(default_factory=partial(Exit, None))


class DockerRuntime:
    """Keeps the contract of `protocol.Runtime`."""

    kind = Kind.DOCKER

    def __init__(
        self, logs: LogFiles, installation: str, *, host: str | None = None, site: Site | None = None
    ) -> None:
        """`host`: as `DOCKER_HOST`; None: where the docker command would look."""
        self._logs = logs
        self._naming = Naming(installation)
        self._engine = Engine(host)
        self._site = site or Site()
        self._maker = Maker(self._engine, self._naming, self._site)
        self._watch = Watch(self._engine, self._look)
        self._calls = ThreadPoolExecutor(CALLS, thread_name_prefix="docker-call")
        self._runs: dict[str, _Run] = {}

    async def listen(self) -> Listen:
        return INSIDE

    async def start(self, spec: AnySpec, tell: Callable[[str], None]) -> str:
        if not isinstance(spec, ContainerSpec | ExistingSpec):
            raise _not_a_container(spec)
        run = self._runs[spec.instance] = _Run(spec.model)
        try:
            return await self._begin(run, spec, tell)
        except RuntimeAway as error:
            raise refusals.engine_away(spec.model, error) from error
        except EngineSaid as error:
            secrets = spec.secrets.values() if isinstance(spec, ContainerSpec) else ()
            # Not `from error`: the Engine's own words may hold a secret.
            raise refusals.refused(spec.model, error, secrets) from None
        finally:
            run.begun.set()

    async def _begin(self, run: _Run, spec: ContainerSpec | ExistingSpec, tell: Callable[[str], None]) -> str:
        self._watch.begin()
        if isinstance(spec, ExistingSpec):
            woken = await self._uncut(run, lambda: self._maker.wake(spec, run.called_off), remove=False)
            return self._site.foreign_endpoint(woken.seen, spec)
        begun = await self._made(run, spec, tell)
        # One that has ended already is to be found nowhere; nothing answers there, and `wait` tells why.
        return self._site.endpoint(begun.seen) or NOWHERE

    async def _made(self, run: _Run, spec: ContainerSpec, tell: Callable[[str], None]) -> Begun:
        make = partial(self._maker.make, spec, run.called_off)
        try:
            return await self._uncut(run, make, remove=True)
        except NoImage:
            if run.called_off.is_set():
                raise refusals.called_off(spec.model) from None
        await self._image(run, spec, tell)
        return await self._uncut(run, make, remove=True)

    async def _image(self, run: _Run, spec: ContainerSpec, tell: Callable[[str], None]) -> None:
        """In a thread of its own: who calls it off need not wait for a registry that does not answer."""
        loop = asyncio.get_running_loop()

        def say(text: str) -> None:
            in_loop(loop, lambda: None if pulling.done() else tell(text))

        pull = Pull(self._engine, spec.model, spec.image, say)
        pulling = run.pulling = in_own_thread(f"docker-pull-{spec.instance}", pull.ensure)
        try:
            await pulling
        finally:
            pull.call_off()

    async def _uncut(self, run: _Run, begin: Callable[[], Begun], *, remove: bool) -> Begun:
        """A thread cannot be cancelled: what it began would be nobody's. So it is told, and waited for."""
        told = partial(in_loop, asyncio.get_running_loop())

        def step() -> tuple[Begun, Kept]:
            begun = begin()
            return begun, self._kept(run, begun, self._logs.fresh, told, remove=remove)

        working = self._in_thread(step)
        try:
            begun, kept = await asyncio.shield(working)
        except asyncio.CancelledError:
            run.called_off.set()
            await asyncio.wait([working])
            if not working.exception():
                _, run.kept = working.result()
                run.kept.begin()
                await self._ends(run, run.kept, CANCEL_LIMIT_S, kill=remove)
                await _cleared(run)
            raise
        run.kept = kept
        kept.begin()
        return begun

    def _kept(
        self,
        run: _Run,
        begun: Begun,
        opened: Callable[[str], BinaryIO],
        in_loop: Callable[[Callable[[], object]], None],
        *,
        remove: bool,
    ) -> Kept:
        def settle(exit_: Exit) -> None:
            run.exit = exit_
            run.ended.set()

        tail = partial(self._logs.tail, run.model)
        ending = Ending(
            remove,
            tail,
            told=lambda exit_: in_loop(partial(settle, exit_)),
            cleared=lambda: in_loop(run.cleared.set),
        )
        return Kept(self._engine, begun.seen, self._words(begun, opened, run.model), ending)

    def _words(self, begun: Begun, opened: Callable[[str], BinaryIO], model: str) -> LogCopy:
        seen, out = begun.seen, _open(opened, model)
        return LogCopy(self._engine, seen.id, out, since_ns=begun.since_ns, terminal=seen.terminal)

    async def wait(self, instance: str) -> Exit:
        run = self._runs.get(instance)
        if run is None:
            return Exit(None)
        await run.begun.wait()
        if run.kept is not None:
            await run.ended.wait()
        return run.exit

    async def stop(self, instance: str, grace_s: float) -> None:
        """By signals and not by the Engine's own `stop`: no thread is held for the grace, however long, and an
        Engine that restarts meanwhile loses nothing."""
        run = self._runs.get(instance)
        if run is None:
            return
        run.called_off.set()
        if run.pulling is not None and not run.pulling.done():
            run.pulling.set_exception(refusals.called_off(run.model))
        await run.begun.wait()
        if run.kept is None:
            return
        ends = await self._ends(run, run.kept, grace_s, kill=False)
        if not (ends or await self._ends(run, run.kept, KILL_LIMIT_S, kill=True)):
            raise StopFailed(
                f"cannot stop container {run.kept.name}: it was killed and is still there, or the Docker Engine"
                f" does not answer; see `docker inspect {run.kept.name}`"
            )
        await _cleared(run)

    async def _ends(self, run: _Run, kept: Kept, limit_s: float, *, kill: bool) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await self._signal(kept, kill=kill)
                await run.ended.wait()
        return kept.gone

    async def _signal(self, kept: Kept, *, kill: bool) -> None:
        while not kept.gone:
            try:
                return await self._in_thread(partial(kept.signal, kill=kill))
            except RuntimeAway:
                await asyncio.sleep(RETRY_S)
        return None

    async def recover(self) -> tuple[Found, ...]:
        self._watch.begin()
        told = partial(in_loop, asyncio.get_running_loop())
        models: set[str] = set()
        for seen in await self._in_thread(self._maker.ours):
            instance, model = seen.labels.get(INSTANCE, ""), seen.labels.get(MODEL, "")
            if instance in self._runs:
                continue
            # The oldest first: each later run of a model moves the log of the one before it aside.
            opened = self._logs.fresh if model in models else self._logs.again
            models.add(model)
            endpoint = self._site.endpoint(seen)
            if seen.running and instance and endpoint is not None:
                run = self._runs[instance] = _Run(model, found=_found(seen, endpoint))
                run.begun.set()
                begun = Begun(seen, since_ns=0)
                run.kept = await self._in_thread(partial(self._kept, run, begun, opened, told, remove=True))
                run.kept.begin()
            else:
                await self._in_thread(self._clear_away, seen, opened)
        alive = (run for run in self._runs.values() if not run.ended.is_set())
        return tuple(run.found for run in alive if run.found is not None)

    def _clear_away(self, seen: Seen, opened: Callable[[str], BinaryIO]) -> None:
        words = self._words(Begun(seen, since_ns=0), opened, seen.labels.get(MODEL, ""))
        with contextlib.suppress(EngineSaid):
            words.finish()
        words.close()
        removed(self._engine, seen.id)

    def processes(self, instance: str) -> frozenset[int]:
        run = self._runs.get(instance)
        if run is None or run.kept is None or run.kept.gone:
            return frozenset()
        with contextlib.suppress(EngineSaid, RuntimeAway):
            return self._engine.processes(run.kept.id)
        return frozenset()

    async def close(self) -> None:
        """The containers run on."""
        await asyncio.to_thread(self._let_go)

    def _let_go(self) -> None:
        self._watch.end()
        for run in tuple(self._runs.values()):
            if run.kept is not None:
                run.kept.let_go()
        self._calls.shutdown(wait=False, cancel_futures=True)
        self._engine.close()

    def _look(self, end: End | None) -> None:
        for run in tuple(self._runs.values()):
            if run.kept is not None and (end is None or end.id == run.kept.id):
                run.kept.hear(end)
        if end is None:
            self._maker.settle()

    def _in_thread(self, call: Callable[..., _Result], *arguments: object) -> asyncio.Future[_Result]:
        return asyncio.get_running_loop().run_in_executor(self._calls, call, *arguments)


async def _cleared(run: _Run) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLEAR_LIMIT_S):
            await run.cleared.wait()


def _open(opened: Callable[[str], BinaryIO], model: str) -> BinaryIO:
    """An engine that runs is worth more than its log."""
    try:
        return opened(model)
    except OSError as error:
        log.warning("cannot keep the log of %s: %s", model, error)
        return Path(os.devnull).open("wb")


def _found(seen: Seen, endpoint: str) -> Found:
    labels = seen.labels
    gpus = tuple(gpu for gpu in labels.get(GPUS, "").split(",") if gpu)
    return Found(labels[INSTANCE], labels[MODEL], labels.get(SPEC_HASH, ""), gpus, endpoint)


def _not_a_container(spec: AnySpec) -> EngineFailed:
    return EngineFailed.because(
        Reason.RUNTIME_UNAVAILABLE,
        f"cannot run {spec.model} as a container: it is described as a process",
        "let the process runtime run it, or give it an engine that is an image",
    )
