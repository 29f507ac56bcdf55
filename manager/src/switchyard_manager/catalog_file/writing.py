"""Change models.json: whatever happens meanwhile, the file is the old one or the new one, never a mixture.

It keeps its owner, its mode and the link that leads to it. A file that cannot be replaced (mounted by itself
into a container, or in a folder that is not ours to write) is written over, with a copy of the old one in the
state folder: then, and only then, a crash at that moment can spoil it.
"""

import asyncio
import contextlib
import errno
import fcntl
import glob
import io
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from switchyard_contracts.catalog import Catalog, read_catalog
from switchyard_manager.catalog_file.reading import content_of, text_of
from switchyard_manager.errors import ManagerError, Refused

log = logging.getLogger(__name__)

TRY_FOR_S = 5.0
TRY_EVERY_S = 0.05
CANNOT_REPLACE = {errno.EBUSY, errno.EXDEV, errno.EACCES, errno.EPERM, errno.EROFS}


class EditedMeanwhile(ManagerError):
    """Somebody else was writing the file all the time. Trying again may help."""

    def __init__(self, file: Path) -> None:
        super().__init__(f"cannot edit {file}: another program is changing it; try again")


async def edit(file: Path, change: Callable[[str], str], backups: Path) -> Catalog:
    """The catalog once its text is changed. Else the file is untouched, and raised is what `change` raised,
    `CatalogRefused` with every fault, `Refused` or `EditedMeanwhile`. `change` may be called again, with what
    others have written; `backups` is a folder that exists.
    """
    clock = asyncio.get_running_loop().time
    give_up_at = clock() + TRY_FOR_S
    while True:
        try:
            return await asyncio.to_thread(_edit, file, change, backups)
        except EditedMeanwhile:
            if clock() >= give_up_at:
                raise
        await asyncio.sleep(TRY_EVERY_S)


def _edit(file: Path, change: Callable[[str], str], backups: Path) -> Catalog:
    target = file.resolve()
    with _alone(target) as is_alone:
        before = content_of(file)
        text = change(text_of(file, before))
        catalog = read_catalog(text)
        after = text.encode()
        if after != before:
            try:
                _write(target, before, after, backups, may_tidy=is_alone)
            except OSError as error:
                what = "make the file and its folder writable for the manager"
                raise Refused(f"cannot write {file}: {error.strerror}; {what}") from error
        return catalog


@contextlib.contextmanager
def _alone(target: Path) -> Iterator[bool]:
    """Keep other edits by Switchyard away, in whatever process; says whether this file system can do that."""
    try:
        folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        yield False
        return
    try:
        yield _locked(folder, target)
    finally:
        os.close(folder)


def _locked(folder: int, target: Path) -> bool:
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise EditedMeanwhile(target) from None
    except OSError:
        return False
    return True


def _write(target: Path, before: bytes, after: bytes, backups: Path, *, may_tidy: bool) -> None:
    try:
        _replace(target, before, after, may_tidy=may_tidy)
    except OSError as error:
        if error.errno not in CANNOT_REPLACE:
            raise
        backup = backups / f"{target.name}.before-edit"
        _replace_or_make(backup, before)
        _write_over(target, before, after)
        reason = error.strerror
        log.warning(
            "wrote over %s, which cannot be replaced (%s); the one before is %s", target, reason, backup
        )


def _replace(target: Path, before: bytes, after: bytes, *, may_tidy: bool) -> None:
    prefix, suffix = f".{target.name}.", ".new"
    if may_tidy:  # what an edit left that was killed
        for left in target.parent.glob(f"{glob.escape(prefix)}*{suffix}"):
            left.unlink(missing_ok=True)
    with _fresh(target.parent, prefix, suffix, after) as fresh:
        facts = target.stat()
        os.chown(fresh, facts.st_uid, facts.st_gid)
        shutil.copystat(target, fresh)
        os.utime(fresh)
        _check_unchanged(target, before)
        fresh.replace(target)
    _sync_folder(target.parent)


def _replace_or_make(file: Path, content: bytes) -> None:
    with _fresh(file.parent, f".{file.name}.", ".new", content) as fresh:
        fresh.replace(file)
    _sync_folder(file.parent)


@contextlib.contextmanager
def _fresh(folder: Path, prefix: str, suffix: str, content: bytes) -> Iterator[Path]:
    """A file that is safely on the disk, private to us, and gone afterwards unless it was renamed."""
    descriptor, name = tempfile.mkstemp(suffix, prefix, folder)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _write_over(target: Path, before: bytes, after: bytes) -> None:
    with target.open("r+b", buffering=0) as opened:
        _check_unchanged(target, before)
        try:
            _fill(opened, after, at_least=len(before))
        except OSError:
            _fill(opened, before)
            raise


def _fill(opened: io.FileIO, content: bytes, at_least: int = 0) -> None:
    opened.seek(0)
    # JSON may end in blanks: killed before the cut, a shorter text has no tail of the longer one.
    left = memoryview(content.ljust(at_least))
    while left:
        left = left[opened.write(left) :]
    opened.truncate(len(content))
    os.fsync(opened.fileno())


def _check_unchanged(target: Path, before: bytes) -> None:
    if target.read_bytes() != before:
        raise EditedMeanwhile(target)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
