"""Which changes of an entry need the operator's permission when they come over the network.

Whoever may write these fields can run programs on this machine, read its files, or reach what listens on it.
That is for whoever may write models.json, not for whoever may use the API. Entries are compared as written:
what `defaults` adds is the operator's own, and comes from no request.

    image               any program, with a GPU
    container, port     start and stop what is not ours, and send requests to whatever listens there
    mounts, path        a folder of this machine, shown to an engine; a `path` inside the state folder is free
    env                 LD_PRELOAD, PYTHONPATH and the like run code inside the engine
    extra_args          any flag, and some of them load code
    engine_args.trust_remote_code           runs code that comes with the weights; switching it off is free, but
                                            while it is on, other weights (repo, revision, path) are other code
    engine_args.chat_template, .tokenizer   may be paths, which the engine reads and can be made to repeat
"""

from collections.abc import Iterator, Mapping
from typing import Any

from switchyard_contracts.catalog.paths import STATE

Entry = Mapping[str, Any]  # as `entry_of` gives it

ALWAYS = ("image", "container", "port", "mounts", "env", "extra_args")
WEIGHTS = ("repo", "revision", "path")
ARGS_THAT_MAY_BE_PATHS = ("chat_template", "tokenizer")


def guarded_fields(before: Entry | None, after: Entry) -> tuple[str, ...]:
    """The guarded fields in which an entry differs from the one that stands in the file, or from none."""
    return tuple(_guarded(before or {}, after))


def _guarded(before: Entry, after: Entry) -> Iterator[str]:
    yield from (field for field in ALWAYS if _said(before, field) != _said(after, field))
    old, new = _args(before), _args(after)
    for field in WEIGHTS:
        is_other = before.get(field) != after.get(field)
        if is_other and (new.get("trust_remote_code") or (field == "path" and _is_elsewhere(after))):
            yield field
    if new.get("trust_remote_code") and not old.get("trust_remote_code"):
        yield "engine_args.trust_remote_code"
    yield from (f"engine_args.{arg}" for arg in ARGS_THAT_MAY_BE_PATHS if old.get(arg) != new.get(arg))


def _said(entry: Entry, field: str) -> object:
    """A field's value. Empty `env` and `extra_args` say nothing; empty `mounts` undo those of `defaults`."""
    value = entry.get(field)
    return None if field != "mounts" and value in ({}, []) else value


def _is_elsewhere(entry: Entry) -> bool:
    path = entry.get("path")
    return path is not None and not str(path).startswith(STATE)


def _args(entry: Entry) -> Entry:
    args = entry.get("engine_args")
    return args if isinstance(args, Mapping) else {}
