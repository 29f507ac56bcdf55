"""What every runtime promises, as one suite: the fake that others test with, and the real ones, keep it alike.

A runtime joins by giving a `bench` fixture and a subclass of `RuntimeContract` named `Test…`.
"""

import asyncio
import signal
from dataclasses import dataclass, field
from typing import Protocol

import pytest

from switchyard_contracts.errors import Reason
from switchyard_manager.errors import EngineFailed
from switchyard_manager.runtimes import AnySpec, Exit, Runtime
from switchyard_manager.runtimes.log_files import LogFiles

FLOOD = 50_000  # lines, some 5 MB: far more than any pipe holds


@dataclass(frozen=True, slots=True)
class Acts:
    """What a program does once it runs. By default it serves until it is told to stop."""

    exits: int | None = None  # at once
    says: tuple[str, ...] = ()
    says_env: str = ""
    deaf: bool = False
    child: bool = False
    flood: int = 0
    eats_mib: int = 0

    def flags(self) -> tuple[str, ...]:
        """As `program.py` understands them."""
        flags = [f"--says={line}" for line in self.says]
        flags += ["--exits", str(self.exits)] if self.exits is not None else []
        flags += ["--says-env", self.says_env] if self.says_env else []
        flags += ["--deaf"] if self.deaf else []
        flags += ["--child"] if self.child else []
        flags += ["--flood", str(self.flood), "--eats-mib", str(self.eats_mib)]
        return tuple(flags)


SERVES = Acts()


class Bench(Protocol):
    """One runtime, and the means to have it run something and see what became of it."""

    runtime: Runtime
    logs: LogFiles

    async def spec(
        self, acts: Acts = SERVES, *, instance: str = "one-1", model: str = "one", **more: object
    ) -> AnySpec: ...

    def foreign_spec(self) -> AnySpec:
        """One of a kind that it does not run."""
        ...

    async def answers(self, endpoint: str) -> bool:
        """Whether something serves there, after a fair while."""
        ...

    async def kill(self, instance: str) -> None:
        """From outside, as the kernel or an operator would."""
        ...

    async def gone(self, pids: frozenset[int]) -> bool:
        """Whether none of them is left."""
        ...


@dataclass
class Heard:
    """What `tell` was told."""

    words: list[str] = field(default_factory=list)

    def __call__(self, text: str) -> None:
        self.words.append(text)


async def run(bench: Bench, acts: Acts = SERVES, **more: object) -> str:
    return await bench.runtime.start(await bench.spec(acts, **more), Heard())  # type: ignore[arg-type]


class RuntimeContract:
    async def test_what_is_started_answers_at_the_endpoint(self, bench: Bench) -> None:
        endpoint = await run(bench)

        assert await bench.answers(endpoint)

    async def test_the_exit_tells_the_code_and_the_last_words(self, bench: Bench) -> None:
        await run(bench, Acts(exits=3, says=("loading", "no such weights")))

        assert await bench.runtime.wait("one-1") == Exit(3, ("loading", "no such weights"))

    async def test_a_signal_from_outside_is_told_as_one(self, bench: Bench) -> None:
        await bench.answers(await run(bench))

        await bench.kill("one-1")

        assert (await bench.runtime.wait("one-1")).code == -signal.SIGKILL

    async def test_a_stop_ends_it_and_everyone_who_waits_hears(self, bench: Bench) -> None:
        await bench.answers(await run(bench))

        async with asyncio.TaskGroup() as waiting:
            heard = [waiting.create_task(bench.runtime.wait("one-1")) for _ in range(5)]
            await bench.runtime.stop("one-1", grace_s=20)

        assert [task.result().code for task in heard] == [0] * 5

    async def test_who_asks_late_hears_the_same(self, bench: Bench) -> None:
        await run(bench, Acts(exits=4))
        first = await bench.runtime.wait("one-1")

        assert await bench.runtime.wait("one-1") == first

    async def test_a_waiter_that_leaves_takes_nobody_along(self, bench: Bench) -> None:
        await bench.answers(await run(bench))

        async with asyncio.TaskGroup() as waiting:
            stays = waiting.create_task(bench.runtime.wait("one-1"))
            leaves = waiting.create_task(bench.runtime.wait("one-1"))
            await asyncio.sleep(0)
            leaves.cancel()
            await bench.runtime.stop("one-1", grace_s=20)

        assert stays.result().code == 0

    async def test_what_is_deaf_is_killed_after_the_grace(self, bench: Bench) -> None:
        await bench.answers(await run(bench, Acts(deaf=True)))

        await bench.runtime.stop("one-1", grace_s=0.1)

        assert (await bench.runtime.wait("one-1")).code == -signal.SIGKILL

    async def test_a_stop_leaves_nothing_of_it_running(self, bench: Bench) -> None:
        await bench.answers(await run(bench, Acts(child=True)))
        pids = await asyncio.to_thread(bench.runtime.processes, "one-1")

        await bench.runtime.stop("one-1", grace_s=20)

        assert len(pids) > 1
        assert await bench.gone(pids)
        assert bench.runtime.processes("one-1") == frozenset()

    async def test_to_stop_what_is_gone_or_never_was_is_no_error(self, bench: Bench) -> None:
        await run(bench, Acts(exits=0))
        await bench.runtime.wait("one-1")

        await bench.runtime.stop("one-1", grace_s=1)
        await bench.runtime.stop("never-1", grace_s=1)

    async def test_of_what_never_was_there_is_nothing_to_tell(self, bench: Bench) -> None:
        assert await bench.runtime.wait("never-1") == Exit(None)
        assert bench.runtime.processes("never-1") == frozenset()

    async def test_two_stops_at_once_are_one(self, bench: Bench) -> None:
        await bench.answers(await run(bench))

        async with asyncio.TaskGroup() as stopping:
            for _ in range(3):
                stopping.create_task(bench.runtime.stop("one-1", grace_s=20))

        assert (await bench.runtime.wait("one-1")).code == 0

    async def test_a_stop_while_it_starts_leaves_nothing(self, bench: Bench) -> None:
        spec = await bench.spec(Acts(deaf=True))

        async with asyncio.TaskGroup() as both:
            starting = both.create_task(_outcome(bench.runtime, spec))
            await asyncio.sleep(0)
            await bench.runtime.stop("one-1", grace_s=0.1)

        assert starting.result() in {"started", "called off"}
        await bench.runtime.wait("one-1")
        assert bench.runtime.processes("one-1") == frozenset()

    async def test_the_log_of_the_run_before_is_kept(self, bench: Bench) -> None:
        for number in (1, 2, 3):
            name = f"one-{number}"
            await run(bench, Acts(exits=1, says=(f"run {number}",)), instance=name, model="org/name:tag")
            await bench.runtime.wait(name)

        assert "run 3" in bench.logs.current("org/name:tag").read_text()
        assert "run 2" in bench.logs.previous("org/name:tag").read_text()

    async def test_a_flood_of_words_holds_nothing_up_and_loses_nothing(self, bench: Bench) -> None:
        await run(bench, Acts(exits=0, flood=FLOOD))

        exit_ = await bench.runtime.wait("one-1")

        numbers = [int(line.split()[0]) for line in bench.logs.current("one").read_text().splitlines()]
        assert exit_.code == 0
        assert numbers == list(range(FLOOD))

    async def test_secrets_are_in_the_environment_and_not_in_what_one_can_print(self, bench: Bench) -> None:
        spec = await bench.spec(Acts(exits=0, says_env="KEY"), secrets={"KEY": "hush-hush"})
        await bench.runtime.start(spec, Heard())

        assert (await bench.runtime.wait("one-1")).log_tail == ("hush-hush",)
        assert "hush-hush" not in repr(spec)

    async def test_several_run_side_by_side_and_end_alone(self, bench: Bench) -> None:
        for name in ("a", "b"):
            await bench.answers(await run(bench, instance=f"{name}-1", model=name))

        await bench.runtime.stop("a-1", grace_s=20)

        assert bench.runtime.processes("a-1") == frozenset()
        assert await asyncio.to_thread(bench.runtime.processes, "b-1") != frozenset()

    async def test_what_it_does_not_run_is_refused_with_advice(self, bench: Bench) -> None:
        with pytest.raises(EngineFailed, match="cannot run") as refused:
            await bench.runtime.start(bench.foreign_spec(), Heard())

        assert refused.value.failure.reason is Reason.RUNTIME_UNAVAILABLE
        assert refused.value.failure.advice


async def _outcome(runtime: Runtime, spec: AnySpec) -> str:
    try:
        await runtime.start(spec, Heard())
    except EngineFailed:
        return "called off"
    return "started"
