"""One request, from when it is queued until it is settled: what its work and whoever waits for it share.

Work sends through its ticket; what it sends arrives on the event loop. A ticket is settled once: by its work,
by `cancel`, or because the worker closes. Whoever waits hears of it at once; the work at its next `check`.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Generator
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from switchyard_image_server.errors import Cancelled, ServerError

logger = logging.getLogger(__name__)

Event = TypeVar("Event")
Steps = Generator[Any, Any, None]


@dataclass(frozen=True, slots=True)
class Settled:
    """How work ended. `ran_s` is None if it never began; `error` None if it was done.

    `alone` is the server's own work, and no request: loading, falling asleep, waking.
    """

    waited_s: float
    ran_s: float | None
    error: ServerError | Cancelled | None
    alone: bool = False


class Watch(Protocol):
    """Who counts. Called on the worker thread and on the event loop, at times under the worker's lock: it must
    neither wait nor ask the worker anything."""

    def sent(self, event: object) -> None: ...

    def computed(self, steps: int) -> None: ...

    def settled(self, outcome: Settled) -> None: ...


class NobodyWatches:
    """For a worker that nobody counts."""

    def sent(self, event: object) -> None:
        pass

    def computed(self, steps: int) -> None:
        pass

    def settled(self, outcome: Settled) -> None:
        pass


@dataclass(frozen=True, slots=True)
class _End:
    """The last thing a ticket delivers."""

    error: BaseException | None


class Ticket(Generic[Event]):
    """One request, waiting or running: `check` and `send` belong to the worker, the rest to the event loop."""

    def __init__(
        self,
        work: "Callable[[Ticket[Event]], Steps | None]",
        withdraw: "Callable[[Ticket[Event]], None]",
        lane: str,
        *,
        alone: bool,
        queued_at: float,
        watch: Watch,
    ) -> None:
        self.lane = lane
        self.alone = alone
        self.queued_at = queued_at
        self._watch = watch
        self._work = work
        self._withdraw = withdraw
        self._loop = asyncio.get_running_loop()
        self._sent: deque[Event | _End] = deque()
        self._waking: tuple[type, ...] | None = None  # None: everything
        self._delivered: asyncio.Queue[Event | _End] = asyncio.Queue()
        self._given_up = threading.Event()

    @property
    def cancelled(self) -> bool:
        return self._given_up.is_set()

    def check(self) -> None:
        """Leave the work if nobody waits for it any more."""
        if self._given_up.is_set():
            raise Cancelled

    def send(self, event: Event) -> None:
        self._watch.sent(event)
        self._deliver(event)

    def cancel(self, reason: ServerError | None = None) -> None:
        """Nobody wants this any more: give up the place in the queue, or stop at the next check."""
        self._given_up.set()
        self._withdraw(self)
        self._deliver(_End(reason or Cancelled()))

    async def events(self) -> AsyncIterator[Event]:
        """Everything the work sends, then what it raised, if it raised."""
        while not isinstance(event := await self._delivered.get(), _End):
            yield event
        if event.error is not None:
            raise event.error

    def wake_only_for(self, *kinds: type) -> None:
        """The rest comes along with these: to wake the event loop for each event costs the worker."""
        self._waking = kinds

    async def everything(self) -> list[Event]:
        """The same, all at once when the work has ended."""
        self.wake_only_for()
        return [event async for event in self.events()]

    def begin(self) -> Steps | None:
        """On the worker thread: all of the work, or the generator of its steps."""
        self.check()
        return self._work(self)

    def end(self, error: BaseException | None) -> None:
        self._deliver(_End(error))

    def _deliver(self, item: Event | _End) -> None:
        self._sent.append(item)
        if self._waking is not None and not isinstance(item, (_End, *self._waking)):
            return
        try:
            self._loop.call_soon_threadsafe(self._hand_over)
        except RuntimeError:
            logger.debug("nobody is left to hear of a finished request")

    def _hand_over(self) -> None:
        while self._sent:
            self._delivered.put_nowait(self._sent.popleft())
