"""The file of keys: `keys.json` in the proxy's folder. Blocks: call it in a thread.

Whoever changes it holds `keys.lock` meanwhile and replaces the file whole, so readers need no lock.
A file that cannot be read at all is an error, never an empty ring; a copy of it is put aside.
"""

import contextlib
import fcntl
import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.access.key_text import EMPTY, Document, Records, read_document, text_of
from switchyard_proxy.access.keys import KeyRecord, Ring, check_record
from switchyard_proxy.access.private_file import ensure_folder, write_private
from switchyard_proxy.errors import ProxyError, Refused

LOCK_WAIT_S = 5.0
LOCK_LOOK_S = 0.02
Stamp = tuple[int, int, int]


class KeysUnreadable(ProxyError):
    """The file is there, and cannot be used. The message is for the operator: it names paths."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorCode.INTERNAL_ERROR, message)


class KeyFile:
    """One proxy's keys on disk."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "keys.json"
        self._lock = folder / "keys.lock"

    def stamp(self) -> Stamp | None:
        """Differs after every change; None while there is no file."""
        try:
            seen = self.path.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise KeysUnreadable(f"cannot read the keys in {self.path}: {error.strerror}") from error
        return seen.st_mtime_ns, seen.st_ino, seen.st_size

    def read(self) -> Ring:
        """Raises `KeysUnreadable`. No file is an empty ring."""
        return Ring(self._document().records)

    def add(self, record: KeyRecord, now: float) -> None:
        """Raises `Refused` if the record is not fit to be kept."""

        def adding(records: Records) -> Records:
            check_record(record, records, now)
            return (*records, record)

        self.change(adding)

    def update(self, id_: str, edit: Callable[[KeyRecord], KeyRecord], now: float) -> KeyRecord:
        """Raises `Refused` if there is no such live key, or it may not become that."""
        changed: list[KeyRecord] = []

        def updating(records: Records) -> Records:
            old = next((record for record in records if record.id == id_ and record.revoked_at is None), None)
            if old is None:
                raise no_such_key(id_)
            new = edit(old)
            # A time that has passed is refused only where it is new: the rest of an expired key may change.
            judged = replace(new, expires_at=None) if new.expires_at == old.expires_at else new
            if new.is_live(now):
                check_record(judged, records, now)
            else:
                check_record(judged, (), now)
            changed.append(new)
            return tuple(new if record.id == id_ else record for record in records)

        self.change(updating)
        return changed[0]

    def revoke(self, id_or_name: str, now: float) -> KeyRecord:
        """Raises `Refused` if no key that could still be used has that id or name."""
        revoked: list[KeyRecord] = []

        def revoking(records: Records) -> Records:
            kept = [record for record in records if record.revoked_at is None]
            named = [record for record in kept if record.id == id_or_name] or [
                record for record in kept if record.name == id_or_name
            ]
            if not named:
                raise no_such_key(id_or_name)
            revoked.extend(replace(record, revoked_at=now) for record in named)
            by_id = {record.id: record for record in revoked}
            return tuple(by_id.get(record.id, record) for record in records)

        self.change(revoking)
        return revoked[-1]

    def change(self, edit: Callable[[Records], Records]) -> None:
        """The one way to change the file. Raises what `edit` raises, and then changes nothing."""
        try:
            ensure_folder(self.path.parent)
            with self._owned():
                document = self._document()
                write_private(self.path, text_of(document, edit(document.records)))
        except OSError as error:
            raise ProxyError(
                ErrorCode.INTERNAL_ERROR,
                f"cannot write the keys in {self.path}: {error.strerror}; see that its folder may be written",
            ) from error

    @contextlib.contextmanager
    def _owned(self) -> Iterator[None]:
        with self._lock.open("a") as opened:
            deadline = time.monotonic() + LOCK_WAIT_S
            while not _locked(opened.fileno()):
                if time.monotonic() > deadline:
                    raise ProxyError(
                        ErrorCode.INTERNAL_ERROR,
                        f"cannot change the keys: another process holds {self._lock}",
                    )
                threading.Event().wait(LOCK_LOOK_S)
            yield

    def _document(self) -> Document:
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return EMPTY
        except OSError as error:
            raise KeysUnreadable(f"cannot read the keys in {self.path}: {error.strerror}") from error
        try:
            return read_document(data)
        except (ValueError, TypeError, RecursionError) as error:
            raise KeysUnreadable(
                f"cannot read the keys in {self.path}: {error}; mend the file, or delete it and make new keys."
                f" {self._set_aside(data)}"
            ) from error

    def _set_aside(self, data: bytes) -> str:
        """Named for what it holds, so that however often it is found there is one copy."""
        copy = self.path.with_name(f"keys.json.corrupt-{hashlib.sha256(data).hexdigest()[:8]}")
        try:
            if not copy.exists():
                write_private(copy, data)
        except OSError as error:
            return f"It could not be put aside: {error.strerror}"
        return f"A copy was put aside as {copy}"


def no_such_key(wanted: str) -> Refused:
    return Refused(ErrorCode.UNKNOWN_URL, f"cannot find a key `{wanted}` that is not revoked; list them first")


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
