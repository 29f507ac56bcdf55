"""How late the loop was is measured, and remembered for a minute."""

import asyncio

from switchyard_proxy.accounting.lag import KEPT, STEP_S, Lag


class Loop:
    """Wakes whoever sleeps as late as it is told, and stops when it was told enough."""

    def __init__(self, lateness: list[float]) -> None:
        self._lateness = iter(lateness)
        self._now = 0.0
        self.done = asyncio.Event()

    def clock(self) -> float:
        return self._now

    async def pause(self, seconds: float) -> None:
        late = next(self._lateness, None)
        if late is None:
            self.done.set()
            await asyncio.Event().wait()
        self._now += seconds + (late or 0.0)


async def measured(lateness: list[float]) -> Lag:
    loop = Loop(lateness)
    lag = Lag(loop.pause, loop.clock)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(lag.run())
        await loop.done.wait()
        running.cancel()
    return lag


def rounded(lag: Lag) -> dict[str, float]:
    return {quantile: round(seconds, 6) for quantile, seconds in lag.now().items()}


async def test_tells_the_middle_the_high_and_the_worst() -> None:
    lag = await measured([0.001 * at for at in range(101)])

    assert rounded(lag) == {"0.5": 0.05, "0.99": 0.099, "1": 0.1}


async def test_before_the_first_step_there_is_nothing_to_tell() -> None:
    assert Lag().now() == {}


async def test_what_is_older_than_a_minute_is_forgotten() -> None:
    lag = await measured([9.0, *[0.0] * KEPT])

    assert rounded(lag)["1"] == 0.0
    assert KEPT * STEP_S == 60
