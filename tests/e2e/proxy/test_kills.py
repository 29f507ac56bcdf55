"""SIGKILL, at random points, of all that 200 streams depend on: each client hears the whole, or that it broke.

Never a silent truncation: no polite end without [DONE]. The points are drawn from two seeds, which are said;
`SWITCHYARD_TEST_KILLS=20` draws from twenty.
"""

import asyncio
import contextlib
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import psutil
import pytest

from tests.e2e.proxy.conftest import ENGINE, ROUNDS, House, Round, rounds
from tests.e2e.proxy.hearing import Verdict, ask, chat, error_in, judge
from tests.e2e.proxy.processes import OPERATOR, Program, Proxy, proxy_of
from tests.proxy.managers import GrantsWhatIsWanted, status

STREAMS = 200
SHORTEST, LONGEST = 4, 30  # pieces of a stream: up to one and a half seconds
ARRIVE_WITHIN_S = 1.5

pytestmark = pytest.mark.timeout(60 + 20 * ROUNDS)

Kill = Callable[[], Awaitable[None]]


async def verdicts_when(proxy: Proxy, this: Round, *kills: Kill) -> Counter[Verdict]:
    """Of so many streams that run while something dies, each at a moment of its own."""

    chance = this.chance

    async def one(model: str, pieces: int, after_s: float) -> tuple[Verdict, str]:
        await asyncio.sleep(after_s)
        heard = await ask(proxy.port, chat(model, pieces, OPERATOR))
        return judge(heard, pieces), (error_in(heard) or {}).get("code", "")

    async def strike(kill: Kill, after_s: float) -> None:
        await asyncio.sleep(after_s)
        await kill()

    async with asyncio.TaskGroup() as all_of_them:
        asking = [
            all_of_them.create_task(
                one(
                    chance.choice(this.models),
                    chance.randint(SHORTEST, LONGEST),
                    chance.uniform(0, ARRIVE_WITHIN_S),
                )
            )
            for _ in range(STREAMS)
        ]
        for kill in kills:
            all_of_them.create_task(strike(kill, chance.uniform(0.1, 2.0)))
    found = [task.result() for task in asking]
    sys.stdout.write(f"{Counter(found)}\n")
    return Counter(verdict for verdict, _ in found)


async def each_engine_of(house: House, this: Round) -> list[Kill]:
    """Those that serve now, once each: what is killed while it loads has failed to load, and is left alone."""

    def killing(process: psutil.Process) -> Kill:
        async def kill() -> None:
            with contextlib.suppress(psutil.NoSuchProcess):  # it may have gone with its manager
                process.kill()

        return kill

    serving = await house.engines(this.models)
    assert len(serving) == len(this.models)
    return [killing(process) for process in this.chance.sample(serving, len(serving))]


def and_again(program: Program, chance: random.Random) -> Kill:
    """Killed, and started again after a moment."""

    async def kill() -> None:
        await program.end()
        await asyncio.sleep(chance.uniform(0, 0.7))
        await program.start()

    return kill


async def test_a_killed_engine_is_told_to_everyone_whose_stream_it_cuts(house: House) -> None:
    for this in rounds():
        await house.warm(this.models)
        kills = await each_engine_of(house, this)

        found = await verdicts_when(house.proxy, this, *kills)

        assert found[Verdict.BROKEN] == 0, "the proxy lives, and can say what happened"
        assert found[Verdict.WHOLE] > 0
        assert found[Verdict.TOLD] > 0
        await house.warm(this.models)
        await house.until_nothing_is_left()


async def test_with_a_killed_manager_end_its_engines_and_what_they_left_unsaid_is_told(house: House) -> None:
    """Those that are processes are its children, and go with it."""
    for this in rounds():
        await house.warm(this.models)

        found = await verdicts_when(house.proxy, this, and_again(house.manager, this.chance))

        assert found[Verdict.BROKEN] == 0
        await house.warm(this.models)
        await house.until_nothing_is_left()


async def test_a_killed_proxy_breaks_connections_and_ends_nothing_politely(house: House) -> None:
    for this in rounds():
        await house.warm(this.models)

        found = await verdicts_when(house.proxy, this, and_again(house.proxy, this.chance))

        assert found[Verdict.BROKEN] > 0
        await house.warm(this.models)
        await house.until_nothing_is_left()


async def test_whatever_dies_together_no_part_is_taken_for_the_whole_and_all_come_back(house: House) -> None:
    for this in rounds():
        await house.warm(this.models)
        everything = (
            *await each_engine_of(house, this),
            and_again(house.manager, this.chance),
            and_again(house.proxy, this.chance),
        )

        await verdicts_when(house.proxy, this, *everything)

        await house.warm(this.models)
        await house.until_nothing_is_left()


@pytest.fixture
async def outliving(tmp_path: Path) -> AsyncIterator[tuple[GrantsWhatIsWanted, Proxy]]:
    """A manager whose engines outlive it, as containers do."""
    async with contextlib.AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
        engine = await asyncio.create_subprocess_exec(
            *(sys.executable, ENGINE, "--host", "127.0.0.1", "--port", "0"), stdout=asyncio.subprocess.PIPE
        )
        stack.push_async_callback(engine.wait)
        stack.callback(engine.kill)
        assert engine.stdout is not None
        endpoint = f"http://127.0.0.1:{int((await engine.stdout.readline()).split()[1])}"
        names = [name for number in range(1, ROUNDS + 1) for name in Round.nth(number).models]
        manager = GrantsWhatIsWanted([status(name) for name in names], dict.fromkeys(names, endpoint))
        await manager.start()
        stack.push_async_callback(manager.close)
        proxy = proxy_of(tmp_path, http, manager.url)
        stack.push_async_callback(proxy.end)
        await proxy.start()
        await proxy.until_met()
        for model in names:
            await ask(proxy.port, chat(model, 1, OPERATOR))
        yield manager, proxy


async def test_a_manager_that_dies_and_comes_back_cuts_no_stream(
    outliving: tuple[GrantsWhatIsWanted, Proxy],
) -> None:
    manager, proxy = outliving
    for this in rounds():

        async def die_and_come_back(away_s: float = this.chance.uniform(0, 1.0)) -> None:
            await manager.vanish()
            await asyncio.sleep(away_s)
            await manager.start()

        found = await verdicts_when(proxy, this, die_and_come_back)

        assert found == {Verdict.WHOLE: STREAMS}
        await proxy.until_met()
