"""How keys are written down. Pure: from bytes to records, and back.

A file from a later version is read as far as it is understood, and what is not is kept when it is written.
"""

import hashlib
import json
import logging
import math
from dataclasses import asdict, dataclass
from typing import Any

from switchyard_proxy.access.callers import Limits, Role
from switchyard_proxy.access.keys import KeyRecord

log = logging.getLogger(__name__)
Entry = dict[str, Any]
Records = tuple[KeyRecord, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """What is written: all of it, and what of it is understood."""

    whole: Entry
    entries: list[Entry]
    records: Records


EMPTY = Document({"version": 1}, [], ())


def read_document(data: bytes) -> Document:
    """Raises `ValueError` or `TypeError` for what is no file of keys."""
    whole = json.loads(data)
    if not isinstance(whole, dict) or not isinstance(whole.get("keys"), list):
        raise TypeError('it is no JSON object with a list "keys"')
    entries = whole["keys"]
    if not all(isinstance(entry, dict) for entry in entries):
        raise TypeError('something in "keys" is no object')
    return Document(whole, entries, tuple(record for entry in entries if (record := _record_or_none(entry))))


def _record_or_none(entry: Entry) -> KeyRecord | None:
    """A key that we do not understand opens nothing, and takes no other key with it."""
    try:
        return _record(entry)
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        log.warning("the key %r in keys.json is not understood and opens nothing: %r", entry.get("name"), error)
        return None


def _record(entry: Entry) -> KeyRecord:
    models, limits = entry.get("models"), entry.get("limits") or {}
    if not isinstance(models, list | None) or not isinstance(limits, dict):
        raise TypeError("its models are no list, or its limits no object")
    digest = _str(entry["digest"]).lower()
    if len(bytes.fromhex(digest)) != hashlib.sha256().digest_size:
        raise ValueError("the digest is no SHA-256")
    return KeyRecord(
        id=_str(entry["id"]),
        name=_str(entry["name"]),
        digest=digest,
        prefix=_str(entry.get("prefix", "")),
        created_at=_time(entry.get("created_at", 0)),
        role=Role[_str(entry["role"]).upper()],
        models=None if models is None else frozenset(map(_str, models)),
        limits=Limits(**{name: _count(limits.get(name)) for name in Limits.__dataclass_fields__}),
        priority=_int(entry.get("priority", 0)),
        beats=None if entry.get("beats") is None else _str(entry["beats"]),
        expires_at=None if entry.get("expires_at") is None else _time(entry["expires_at"]),
        revoked_at=None if entry.get("revoked_at") is None else _time(entry["revoked_at"]),
    )


def text_of(document: Document, records: Records) -> bytes:
    """Entries keep what we did not understand of them; those that we understood nothing of stay as they are."""
    known = [record.id for record in document.records]
    foreign = [entry for entry in document.entries if entry.get("id") not in known]
    before = {entry["id"]: entry for entry in document.entries if entry.get("id") in known}
    kept = [_merged(before.get(record.id, {}), _entry(record)) for record in records]
    return (json.dumps(document.whole | {"keys": foreign + kept}, indent=2) + "\n").encode()


def _merged(before: Entry, now: Entry) -> Entry:
    return before | now | {"limits": (before.get("limits") or {}) | now["limits"]}


def _entry(record: KeyRecord) -> Entry:
    models = None if record.models is None else sorted(record.models)
    return asdict(record) | {"role": record.role.name.lower(), "models": models}


def _str(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _int(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{value!r} is no whole number")
    return value


def _count(value: object) -> int | None:
    """A limit that is no limit would let everything through: such a key is not understood."""
    if value is None:
        return None
    if _int(value) < 1:
        raise ValueError(f"{value!r} is no limit")
    return _int(value)


def _time(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise TypeError(f"{value!r} is no time")
    return float(value)
