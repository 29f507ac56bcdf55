"""Files that only their owner may read, written whole or not at all. Blocks: call it in a thread."""

import contextlib
import os
import tempfile
from pathlib import Path


def ensure_folder(folder: Path) -> None:
    """The folder and the one above it are made private; what is above those is somebody else's."""
    folder.parent.parent.mkdir(parents=True, exist_ok=True)
    for each in (folder.parent, folder):
        each.mkdir(mode=0o700, exist_ok=True)


def write_private(path: Path, data: bytes) -> None:
    """A reader sees the old file or the new one, even after a power cut."""
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # for its owner alone
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(data)
            opened.flush()
            _give_to_owner_of(path.parent, descriptor)
            os.fsync(descriptor)
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise
    _sync_folder(path.parent)


def _give_to_owner_of(folder: Path, descriptor: int) -> None:
    """A key made with sudo must not lock the proxy out of its own file."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
