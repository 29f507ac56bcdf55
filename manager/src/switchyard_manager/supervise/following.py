"""Read an engine's log as it grows, and say what it tells of progress. It only reads: nobody is held up."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from switchyard_manager.supervise.readiness import LOOK_S, SHARE, pauses

TELL_EVERY_S = 0.25
MOST_AT_ONCE = 256_000
LINE_END = re.compile(r"[\r\n]+")  # progress bars overwrite themselves


@dataclass(frozen=True, slots=True)
class Heard:
    """What is done with what an engine says."""

    progress: Callable[[str], str | None]
    announces: Callable[[str], bool]
    tell: Callable[[str | None], None]  # None: it said something, and nothing of how far it is
    announced: asyncio.Event


async def follow_progress(log: Path, heard: Heard) -> None:
    """Until cancelled. It looks often, as a line may say that the engine is up, and tells seldom."""
    at, rest = 0, ""
    lines: list[str] = []
    untold_s = TELL_EVERY_S
    for pause_s in pauses(LOOK_S, SHARE, TELL_EVERY_S):
        text, at = await asyncio.to_thread(_grown, log, at)
        if text:
            *new, rest = LINE_END.split(rest + text)
            lines += new
            if any(map(heard.announces, new)):
                heard.announced.set()
        if (text or lines) and untold_s >= TELL_EVERY_S:
            found = [said for line in lines if (said := heard.progress(line)) is not None]
            heard.tell(found[-1] if found else None)
            lines, untold_s = [], 0.0
        await asyncio.sleep(pause_s)
        untold_s += pause_s


def _grown(log: Path, at: int) -> tuple[str, int]:
    """What has been added since; a file that became shorter is another one."""
    try:
        size = log.stat().st_size
        if size == at:
            return "", at
        with log.open("rb") as opened:
            start = at if size >= at else 0
            opened.seek(start)
            data = opened.read(MOST_AT_ONCE)
    except OSError:
        return "", at
    return data.decode(errors="replace"), start + len(data)
