"""Read an engine's log as it grows, and say what it tells of progress. It only reads: nobody is held up."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

LOOK_EVERY_S = 0.25
MOST_AT_ONCE = 256_000
LINE_END = re.compile(r"[\r\n]+")  # progress bars overwrite themselves


async def follow_progress(
    log: Path, read: Callable[[str], str | None], tell: Callable[[str | None], None]
) -> None:
    """Until cancelled. `tell(None)`: it said something, and nothing of how far it is."""
    at = 0
    rest = ""
    while True:
        text, at = await asyncio.to_thread(_grown, log, at)
        if text:
            *lines, rest = LINE_END.split(rest + text)
            found = [said for line in lines if (said := read(line)) is not None]
            tell(found[-1] if found else None)
        await asyncio.sleep(LOOK_EVERY_S)


def _grown(log: Path, at: int) -> tuple[str, int]:
    """What has been added since; a file that became shorter is another one."""
    try:
        with log.open("rb") as opened:
            size = log.stat().st_size
            start = at if size >= at else 0
            opened.seek(start)
            data = opened.read(MOST_AT_ONCE)
    except OSError:
        return "", at
    return data.decode(errors="replace"), start + len(data)
