"""Requests as they are written down, for whoever looks on: frames of a stream of events.

Reads the file, so that those of every worker are in it. Keeps nothing for a slow reader, but tells of the gap.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass

import msgspec

from switchyard_proxy.accounting.entries import Entry, Wanted
from switchyard_proxy.accounting.ledger import Ledger

LOOK_EVERY_S = 0.5
KEEP_ALIVE = b": keepalive\n\n"
KEEP_ALIVE_EVERY = 30  # looks without news
MOST_AT_ONCE = 200  # rows in a frame's worth
MOST_BEHIND = 2_000  # rows, from which on a reader is told of a gap


@dataclass(frozen=True, slots=True)
class Pace:
    """How a reader is served."""

    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    at_once: int = MOST_AT_ONCE
    behind: int = MOST_BEHIND


async def frames(
    ledger: Ledger, wanted: Wanted, after: int | None, pace: Pace | None = None
) -> AsyncGenerator[bytes, None]:
    """Those above the row `after`, else from now on. Each frame is asked for when the last one is taken."""
    pace = pace or Pace()
    newest = await asyncio.to_thread(ledger.newest)
    last = newest if after is None else min(after, newest)
    quiet = 0
    yield KEEP_ALIVE
    while True:
        newest = await asyncio.to_thread(ledger.newest)
        if newest < last:  # a new file was begun
            last = 0
        if newest - last > pace.behind:
            missed, last = newest - pace.at_once - last, newest - pace.at_once
            yield _frame(b"gap", last, msgspec.json.encode({"missed": missed}))
        found = await asyncio.to_thread(ledger.after, last, wanted, pace.at_once) if newest > last else []
        if found:
            yield b"".join(_frame(b"request", entry.id, _told(entry)) for entry in found)
        # Rows that were not wanted are behind us, too.
        more = len(found) == pace.at_once
        last = found[-1].id if more else max([newest, *(entry.id for entry in found)])
        quiet = 0 if found else quiet + 1
        if quiet >= KEEP_ALIVE_EVERY:
            quiet = 0
            yield KEEP_ALIVE
        if not more:
            await pace.pause(LOOK_EVERY_S)


def _told(entry: Entry) -> bytes:
    return msgspec.json.encode(entry)


def _frame(kind: bytes, row: int, data: bytes) -> bytes:
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (row, kind, data)
