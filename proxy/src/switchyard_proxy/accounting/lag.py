"""How late the event loop is: a short sleep, over and over, and by how much it was too long."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping

STEP_S = 0.05
KEPT = 1200  # steps: the last minute


class Lag:
    def __init__(
        self,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._pause = pause
        self._clock = clock
        self._late: deque[float] = deque(maxlen=KEPT)

    async def run(self) -> None:
        """Until cancelled."""
        clock = self._clock or asyncio.get_running_loop().time
        while True:
            began = clock()
            await self._pause(STEP_S)
            self._late.append(max(clock() - began - STEP_S, 0.0))

    def now(self) -> Mapping[str, float]:
        """Seconds by quantile, over the last minute; nothing before the first step."""
        late = sorted(self._late)
        if not late:
            return {}
        last = len(late) - 1
        return {"0.5": late[last // 2], "0.99": late[last * 99 // 100], "1": late[last]}
