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
    gpus[].devices          a device file of this machine, shown to an engine
    engine_args.chat_template, .tokenizer   may be paths, which the engine reads and can be made to repeat
"""

from collections.abc import Iterator, Mapping
from typing import Any

from switchyard_contracts.catalog.faults import path_of
from switchyard_contracts.catalog.json_text import NotJson, read_json
from switchyard_contracts.catalog.paths import STATE
from switchyard_contracts.catalog.reading import SECTIONS

Entry = Mapping[str, Any]  # as `entry_of` gives it

ALWAYS = ("image", "container", "port", "mounts", "env", "extra_args")
WEIGHTS = ("repo", "revision", "path")
ARGS_THAT_MAY_BE_PATHS = ("chat_template", "tokenizer")


def guarded_fields(before: Entry | None, after: Entry) -> tuple[str, ...]:
    """The guarded fields in which an entry differs from the one that stands in the file, or from none."""
    return tuple(_guarded(before or {}, after))


def guarded_places(before: str, after: str) -> tuple[str, ...]:
    """The same for whole texts: the paths of what differs in guarded fields, of `defaults` and of GPUs, too.

    Of a text that is no JSON nothing is known: then all that the new one has counts as new.
    """
    old, new = _read(before), _read(after)
    places = []
    for section, name, entry in _entries(new):
        fields = guarded_fields(_entry(old, name), entry)
        places += [f"{path_of((*section, name))}.{field}" for field in fields]
    places += [
        f"defaults.{field}" for field in guarded_fields(_object(old, "defaults"), _object(new, "defaults"))
    ]
    if _devices(old) != _devices(new):
        places.append("gpus")
    return tuple(places)


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


def _read(text: str) -> Entry:
    try:
        value = read_json(text).value
    except NotJson:
        return {}
    return value if isinstance(value, Mapping) else {}


def _models(top: Entry) -> tuple[tuple[str, ...], Entry]:
    """Where the models stand, and all of them, in either form of the file."""
    if top.keys() & set(SECTIONS):
        return ("models",), _object(top, "models")
    return (), top


def _entries(top: Entry) -> Iterator[tuple[tuple[str, ...], str, Entry]]:
    section, models = _models(top)
    for name, entry in models.items():
        if isinstance(entry, Mapping):
            yield section, name, entry


def _entry(top: Entry, name: str) -> Entry | None:
    found = _models(top)[1].get(name)
    return found if isinstance(found, Mapping) else None


def _object(top: Entry, key: str) -> Entry:
    found = top.get(key)
    return found if isinstance(found, Mapping) else {}


def _devices(top: Entry) -> dict[str, object]:
    """The device files that containers are given, by GPU."""
    gpus = top.get("gpus")
    found = [gpu for gpu in gpus if isinstance(gpu, Mapping)] if isinstance(gpus, list) else []
    return {str(gpu.get("uuid")): gpu.get("devices") for gpu in found if gpu.get("devices") is not None}
