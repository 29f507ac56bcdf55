"""Read models.json, and notice when the operator changes it. Decides nothing about models."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from switchyard_contracts.catalog import Catalog, CatalogRefused, read_catalog
from switchyard_manager.errors import Refused

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
Stamp = tuple[int, int, int] | None


def load(file: Path) -> Catalog:
    """Raises `Refused` (no such file, not text) or `CatalogRefused` (what is in it)."""
    try:
        return read_catalog(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise Refused(
            f"cannot read {file}: {error.strerror}; set SWITCHYARD_CATALOG to your models.json"
        ) from error
    except UnicodeDecodeError as error:
        raise Refused(
            f"cannot read {file}: it is not UTF-8 text (byte {error.start}); save it as UTF-8"
        ) from error


async def follow(file: Path, on_change: Callable[[Catalog], None]) -> None:
    """Until cancelled. A file that cannot be used is refused whole, and the catalog before it stays."""
    last = await asyncio.to_thread(_stamp, file)
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        stamp = await asyncio.to_thread(_stamp, file)
        if stamp is None or stamp == last:
            continue
        last = stamp
        try:
            catalog = await asyncio.to_thread(load, file)
        except CatalogRefused as refused:
            for fault in refused.faults:
                log.error("%s: %s", file.name, fault)
            log.error("cannot use the changed %s: the models stay as they were", file.name)
        except Refused as refused:
            log.error("%s", refused)
        else:
            log.info("read %s again: %d models", file.name, len(catalog.models))
            on_change(catalog)


def _stamp(file: Path) -> Stamp:
    try:
        facts = file.stat()
    except OSError:
        return None
    return (facts.st_mtime_ns, facts.st_size, facts.st_ino)
