"""Streams logged in this process's memory: nothing to set up, seen by no other, gone with it."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from switchyard_proxy.streams.log import Change, Ended, Event, Grown, Opened, Started, Totals
from switchyard_proxy.streams.stream import Stream


@dataclass(slots=True)
class _Log:
    stream: Stream
    request: bytes
    events: list[bytes] = field(default_factory=list)  # from `stream.first` on
    cancel: bool = False
    heard: dict[str, tuple[float, int]] = field(default_factory=dict)

    def grow(self, change: Grown) -> None:
        known = self.stream.last + 1 - change.first
        self.events += change.events[max(known, 0) :]
        last = max(self.stream.last, change.first + len(change.events) - 1)
        oldest = max(self.stream.first, change.oldest)
        del self.events[: oldest - self.stream.first]
        self.stream = replace(self.stream, first=oldest, last=last, size=change.size)


class MemoryStore:
    lasts = False

    def __init__(self) -> None:
        self._logs: dict[str, _Log] = {}
        self._news = asyncio.Condition()

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        self._logs.clear()

    async def write(self, changes: Sequence[Change]) -> None:
        for change in changes:
            self._apply(change)
        async with self._news:
            self._news.notify_all()

    def _apply(self, change: Change) -> None:
        if isinstance(change, Opened):
            self._logs.setdefault(change.stream.id, _Log(change.stream, change.request))
            return
        log = self._logs.get(change.id)
        if log is None:
            return
        match change:
            case Started():
                log.stream = replace(log.stream, code=change.code, headers=change.headers)
            case Grown():
                log.grow(change)
            case Ended() if not log.stream.status.over:
                log.stream = replace(log.stream, status=change.status, ended_at=change.at)
            case Ended():
                pass
            case _:
                assert_never(change)

    async def head(self, stream_id: str) -> Stream | None:
        log = self._logs.get(stream_id)
        return None if log is None else log.stream

    async def request(self, stream_id: str) -> bytes:
        log = self._logs.get(stream_id)
        return b"" if log is None else log.request

    async def read(self, stream_id: str, after: int, limit: int) -> list[Event]:
        log = self._logs.get(stream_id)
        if log is None:
            return []
        found: list[Event] = []
        number = max(after + 1, log.stream.first)
        while number <= log.stream.last and limit > 0:
            event = log.events[number - log.stream.first]
            found.append((number, event))
            limit -= len(event)
            number += 1
        return found

    async def newest(self, conversation: str, owner: str | None) -> Stream | None:
        of_it = (stream for stream in await self.streams(owner, len(self._logs)))
        return next((stream for stream in of_it if stream.conversation == conversation), None)

    async def streams(self, owner: str | None, limit: int) -> list[Stream]:
        newest_first = (log.stream for log in reversed(self._logs.values()))
        return [stream for stream in newest_first if owner in (None, stream.owner)][:limit]

    async def news(self, stream_id: str, after: int, within_s: float) -> None:
        def come() -> bool:
            log = self._logs.get(stream_id)
            return log is None or log.stream.last > after or log.stream.status.over

        try:
            async with asyncio.timeout(within_s), self._news:
                await self._news.wait_for(come)
        except TimeoutError:
            pass

    async def ask_cancel(self, stream_id: str) -> None:
        if (log := self._logs.get(stream_id)) is not None:
            log.cancel = True

    async def cancel_asked(self, ids: Collection[str]) -> set[str]:
        return {name for name in ids if (log := self._logs.get(name)) is not None and log.cancel}

    async def hear(self, stream_id: str, listener: str, at: int, until: float) -> None:
        if (log := self._logs.get(stream_id)) is not None:
            log.heard[listener] = (until, at)

    async def leave(self, stream_id: str, listener: str) -> None:
        if (log := self._logs.get(stream_id)) is not None:
            log.heard.pop(listener, None)

    async def heard(self, ids: Collection[str], now: float) -> dict[str, int]:
        logs = ((name, log) for name in ids if (log := self._logs.get(name)) is not None)
        there = {name: [at for until, at in log.heard.values() if until > now] for name, log in logs}
        return {name: min(places) for name, places in there.items() if places}

    async def delete(self, stream_id: str) -> None:
        self._logs.pop(stream_id, None)

    async def expire(self, before: float) -> None:
        for stream in self._over():
            if stream.ended_at is not None and stream.ended_at < before:
                del self._logs[stream.id]

    async def shrink(self, size: int) -> None:
        total = (await self.totals()).size
        for stream in self._over():
            if total <= size:
                return
            total -= _size(self._logs.pop(stream.id))

    async def totals(self) -> Totals:
        logs = self._logs.values()
        over = (log for log in logs if log.stream.status.over)
        return Totals(len(logs), sum(map(_size, logs)), sum(map(_size, over)))

    async def present(self) -> None:
        pass

    async def adopt(self) -> list[Stream]:
        return []

    def _over(self) -> list[Stream]:
        """The streams that are over, the oldest end first."""
        over = [log.stream for log in self._logs.values() if log.stream.status.over]
        return sorted(over, key=lambda stream: stream.ended_at or 0)


def _size(log: _Log) -> int:
    return log.stream.size + len(log.request)
