"""What a client has been told so far, and what may be said next: hold, commit, beat, pass on, fail.

    HELD ──the engine answers──────────────────────▶ its status, its bytes
      └──a streamed request waits `commit_after_s`──▶ 200 and a beat; from here on, errors are events

As long as nothing has gone out, a failure has a real status. Afterwards a stream ends with an error in its own
words, and anything else is left incomplete, so that the connection breaks under it: never a polite end.
"""

import asyncio
from collections.abc import Callable
from enum import Enum, auto

from switchyard_proxy.asgi import Header
from switchyard_proxy.dialects.voice import Dialect, Opening, Voice
from switchyard_proxy.errors import ProxyError
from switchyard_proxy.replies import JSON, Sink
from switchyard_proxy.sse import Events
from switchyard_proxy.wire.headers import STREAM_HEADERS
from switchyard_proxy.wire.pulse import Pulse

COMMITTED: list[Header] = [(b"content-type", b"text/event-stream; charset=utf-8"), *STREAM_HEADERS]
BLANK = b"\n"


class Kind(Enum):
    """How a reply may show life before it is there."""

    STREAM = auto()
    PLAIN = auto()
    SILENT = auto()


class Answer:
    """To one request."""

    __slots__ = (
        "_began",
        "_every_s",
        "_kind",
        "_opening",
        "_voice",
        "beats",
        "committed",
        "dialect",
        "events",
        "limits",
        "pulse",
        "sink",
    )

    def __init__(
        self,
        sink: Sink,
        dialect: Dialect,
        kind: Kind,
        pulse: Pulse,
        every_s: float,
        opening: Callable[[], Opening],
    ) -> None:
        self.sink = sink
        self.dialect = dialect
        self.pulse = pulse
        self.events = Events()
        self.committed = False
        self.beats = 0
        self.limits: tuple[Header, ...] = ()  # what is left to the caller, for one that has limits
        self._kind = kind
        self._every_s = every_s
        self._began = pulse.since
        self._opening = opening
        self._voice: Voice | None = None

    @property
    def voice(self) -> Voice:
        if self._voice is None:
            self._voice = self.dialect.voice(self._opening())
        return self._voice

    @property
    def is_stream(self) -> bool:
        return self._kind is Kind.STREAM

    async def begin_stream(self, status: int, headers: list[Header]) -> None:
        """The engine sends events, whether the client asked for them or not."""
        self._kind = Kind.STREAM
        await self._begin(status, headers)

    async def begin(self, status: int, headers: list[Header]) -> None:
        """The engine sends something else, whatever the client asked for: no event may get into it."""
        if self._kind is Kind.STREAM:
            self._kind = Kind.SILENT
        await self._begin(status, headers)

    async def _begin(self, status: int, headers: list[Header]) -> None:
        """The engine's own beginning, unless it comes after ours."""
        self.pulse.every_s = self._every_s
        self.pulse.moved = True
        if not self.committed:
            await self.sink.start(status, [*headers, *self.limits] if self.limits else headers)

    def silent_for(self, now: float) -> float | None:
        """How long there is nothing to say, while it waits for an engine; None: until there is one."""
        return self.pulse.left_s(now) if self._may_beat() else None

    async def waits(self) -> None:
        """Say something, if it is time and nothing is half said."""
        now = asyncio.get_running_loop().time()
        if not self.pulse.is_due(now) or not self._may_beat():
            return
        self.pulse.felt(now)
        self.pulse.every_s = self._every_s
        said = self.voice.beat(now - self._began) if self.is_stream else BLANK
        if not said:
            return
        if not self.sink.started:
            self.committed = True
            kind = COMMITTED if self.is_stream else [JSON]
            await self.sink.start(200, [*kind, *self.limits])
        self.beats += 1
        if self.dialect.beats_are_events and not said.startswith(b":"):
            await self.sink.body(said, last=False)
        else:
            await self.sink.beat(said)

    def _may_beat(self) -> bool:
        """A plain reply only while an engine makes it: a failure afterwards can no longer be said."""
        match self._kind:
            case Kind.STREAM:
                return not self.events.is_inside
            case Kind.PLAIN:
                return self.pulse.wake is not None
            case Kind.SILENT:
                return False

    async def fail(self, error: ProxyError) -> None:
        """After something has gone out."""
        if self.is_stream and not self.sink.complete:
            await self.sink.body(self.events.close() + self.voice.error(error.body), last=True)
