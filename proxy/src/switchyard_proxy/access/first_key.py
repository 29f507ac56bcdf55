"""The first key: made when keys are asked for and there is none, so that a new proxy can be used at all.

It may do everything, stands in `first-key` beside the keys, readable by the owner alone, and never in the log.
Blocks: called before the proxy serves.
"""

import logging
from dataclasses import dataclass, replace
from pathlib import Path

from switchyard_proxy.access.callers import Role
from switchyard_proxy.access.key_file import KeyFile, KeysUnreadable
from switchyard_proxy.access.key_text import Records
from switchyard_proxy.access.keys import make_key
from switchyard_proxy.access.private_file import write_private
from switchyard_proxy.settings import Settings

log = logging.getLogger(__name__)
NAME = "first"


@dataclass(frozen=True, slots=True)
class FirstKey:
    """The key, and where it may be read again."""

    key: str
    path: Path


def first_key_file(folder: Path) -> Path:
    return folder / "first-key"


def ensure_first_key(settings: Settings, now: float) -> FirstKey | None:
    """The key if it was made just now. Raises `ProxyError` if the folder cannot be written."""
    if not settings.asks_for_keys or settings.api_key is not None:
        return None
    keys, path = KeyFile(settings.folder), first_key_file(settings.folder)
    record, key = make_key(NAME, now)
    made: list[FirstKey] = []

    def first(records: Records) -> Records:
        if records:
            return records
        # Before the record: a key that nobody can read would keep another from being made.
        write_private(path, f"{key}\n".encode())
        made.append(FirstKey(key, path))
        return (replace(record, role=Role.ADMIN),)

    try:
        if keys.read().records:
            return None
        keys.change(first)
    except KeysUnreadable as error:
        log.error("%s", error)  # the proxy starts and refuses everybody: the gatekeeper says so
        return None
    if not made:
        return None
    log.info("made a first key, `%s`; it is in %s", NAME, path)
    return made[0]
