"""The Engine's socket as it is mounted into the manager's container. Starts and stops nothing.

An Engine that starts anew puts a new file in the old one's place, unless somebody (systemd) holds the socket
for it. The mount goes on to show the old one, at which nothing will ever answer: only a start of the container
mounts the new one.
"""

import asyncio
import logging
import os
from collections.abc import Callable
from pathlib import Path

log = logging.getLogger(__name__)

USUAL = "/var/run/docker.sock"
LOOK_EVERY_S = 2.0


def mounted_socket(host: str | None) -> Path | None:
    """None: there is none, or the file itself is what is looked up, and the next one is found by its name."""
    path = Path((host or f"unix://{USUAL}").removeprefix("unix://"))
    return path if os.path.ismount(path) else None


def is_replaced(path: Path) -> bool:
    try:
        return path.stat().st_nlink == 0
    except OSError:
        return False  # where it cannot be told, it is not so


async def follow(path: Path | None, end: Callable[[], None], *, every_s: float = LOOK_EVERY_S) -> None:
    """`end` is called once, if it comes to that."""
    if path is None or await asyncio.to_thread(is_replaced, path):
        return  # a file system that counts no links
    while not await asyncio.to_thread(is_replaced, path):  # noqa: ASYNC110 - nobody tells of it
        await asyncio.sleep(every_s)
    log.warning(
        "ending, so that Docker starts this container again: %s was replaced, and only so the new one is seen;"
        " engines and streams run on",
        path,
    )
    end()
