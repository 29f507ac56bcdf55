"""What keys have used of the day, kept over a restart: `usage.json` in the proxy's folder. Blocks.

Written every few seconds if it changed, and when the proxy stops. A crash loses what was used since then; a
file that cannot be read is an empty one, and said in the log.
"""

import json
import logging
from pathlib import Path

from switchyard_proxy.access.limits import Usage
from switchyard_proxy.access.private_file import ensure_folder, write_private
from switchyard_proxy.access.tally import DayUse, day_of

log = logging.getLogger(__name__)


class UsageFile:
    """Of one proxy; one process writes it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "usage.json"
        self._written: bytes | None = None

    def read(self, now: float) -> Usage:
        """Today's; nothing if the file is from another day."""
        try:
            kept = json.loads(self.path.read_bytes())
            if kept["day"] != day_of(now):
                return {}
            return {
                str(id_): DayUse(max(int(use["requests"]), 0), max(int(use["tokens"]), 0))
                for id_, use in kept["keys"].items()
            }
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            log.warning(
                "cannot read what keys have used today in %s: %s; it counts as nothing", self.path, error
            )
            return {}

    def write(self, usage: Usage, now: float) -> None:
        """Does nothing if it is what was last written."""
        used = {id_: use for id_, use in usage.items() if use.requests or use.tokens}
        keys = {id_: {"requests": use.requests, "tokens": use.tokens} for id_, use in used.items()}
        text = json.dumps({"day": day_of(now), "keys": keys}).encode()
        if text == self._written or (self._written is None and not keys):
            return
        try:
            ensure_folder(self.path.parent)
            write_private(self.path, text)
        except OSError as error:
            log.warning("cannot write what keys have used today to %s: %s", self.path, error.strerror)
            return
        self._written = text
