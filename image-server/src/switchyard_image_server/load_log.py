"""Tell the log how far a load is: a line for each component, and for each tenth of the whole.

A supervisor reads these lines, so their form is fixed: `loading transformer: 40 % (3 of 7 files)`.
"""

import logging
from collections.abc import Callable

from switchyard_image_server.progress import Progress

logger = logging.getLogger(__name__)

Tell = Callable[[Progress], None]
TENTH = 10


def logged(tell: Tell, say: Callable[[str], None] = logger.info) -> Tell:
    """Passes all on, and says what is new of it."""
    last: Progress | None = None

    def heard(progress: Progress) -> None:
        nonlocal last
        tell(progress)
        if is_news(last, progress):
            last = progress
            say(line(progress))

    return heard


def is_news(last: Progress | None, now: Progress) -> bool:
    if last is None or last.component != now.component:
        return bool(now.component)
    return share(now) // TENTH > share(last) // TENTH


def share(progress: Progress) -> int:
    """Percent of the weights, rounded down: 100 is all of them."""
    return 100 * progress.bytes_done // progress.bytes if progress.bytes else 0


def line(progress: Progress) -> str:
    return (
        f"loading {progress.component or 'weights'}: {share(progress)} % "
        f"({progress.files_done} of {progress.files} files)"
    )
