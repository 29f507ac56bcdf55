"""Read the text of `models.json` into a catalog, or say everything that is wrong with it. No file, no clock.

The file has two forms. The full one has `models` and may have the other `SECTIONS`; the flat one is the models
alone. A file that has any of those keys is of the full form.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel

from switchyard_contracts.catalog.engine_rules import engine_faults
from switchyard_contracts.catalog.entries import Entry, read_entry
from switchyard_contracts.catalog.entry_rules import entry_faults
from switchyard_contracts.catalog.faults import CatalogRefused, Fault, Found, Place, path_of, shown
from switchyard_contracts.catalog.file_rules import (
    Placed,
    alias_faults,
    container_faults,
    gpu_faults,
    settings_faults,
)
from switchyard_contracts.catalog.json_text import JsonText, NotJson, read_json
from switchyard_contracts.catalog.lora_rules import lora_faults
from switchyard_contracts.catalog.model import Defaults
from switchyard_contracts.catalog.name_rules import name_faults
from switchyard_contracts.catalog.serving_fields import Names, VirtualModel
from switchyard_contracts.catalog.settings import Catalog, GpuOverride, Settings
from switchyard_contracts.catalog.shape import read_object, read_shape
from switchyard_contracts.catalog.shared_rules import shared_faults
from switchyard_contracts.catalog.wording import nearest, unknown

T = TypeVar("T", bound=BaseModel)
SECTIONS = ("settings", "defaults", "gpus", "default_model", "virtual", "models")


@dataclass(slots=True)
class _Parts:
    """What could be read of each part of the file."""

    settings: Settings = field(default_factory=Settings)
    defaults: Defaults = field(default_factory=Defaults)
    gpus: list[Placed] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    default_model: str | None = None
    virtual: dict[str, VirtualModel] = field(default_factory=dict)
    unreadable: set[str] = field(default_factory=set)  # names of what is there, and could not be read


def read_catalog(text: str) -> Catalog:
    """The catalog that a text describes. Raises `CatalogRefused`, with every fault, and nothing else."""
    try:
        source = read_json(text)
    except NotJson as error:
        raise CatalogRefused([Fault(error.path, error.message)]) from None
    found: list[Found] = []
    parts = _read_parts(source.value, found)
    wrong_shape = {place for place, _ in found}
    found += [fault for fault in _rule_faults(parts) if fault[0] not in wrong_shape]
    if faults := _in_file_order(source, found):
        raise CatalogRefused(faults)
    return Catalog(
        models={entry.model.name: entry.model for entry in parts.entries},
        settings=parts.settings,
        gpus=tuple(override for _, override in parts.gpus),
        default_model=parts.default_model,
        virtual=parts.virtual,
    )


def _read_parts(value: object, found: list[Found]) -> _Parts:
    if not isinstance(value, dict):
        found.append(((), f'cannot use {shown(value)} as a catalog; write an object {{"models": {{...}}}}'))
        return _Parts()
    schema = value.get("$schema", "")
    if not isinstance(schema, str):
        found.append((("$schema",), f"cannot use {shown(schema)}; write the path of models.schema.json"))
    top = {key: inner for key, inner in value.items() if key != "$schema"}
    if top.keys() & set(SECTIONS):
        return _read_full(top, found)
    return _read_flat(top, found)


def _read_flat(top: dict[str, Any], found: list[Found]) -> _Parts:
    if misspelt := [key for key, value in top.items() if _holds_models(value) and nearest(key, SECTIONS)]:
        found += [((key,), _stray(key)) for key in misspelt]
        return _Parts()
    return _Parts(entries=_read_entries(top, (), Defaults(), found))


def _holds_models(value: object) -> bool:
    """Whether a value can be no model itself: all it holds are objects, as in {"modles": {"qwen3": {...}}}."""
    return isinstance(value, dict) and bool(value) and all(isinstance(inner, dict) for inner in value.values())


def _read_full(top: dict[str, Any], found: list[Found]) -> _Parts:
    found += [((key,), _stray(key)) for key in top if key not in SECTIONS]
    parts = _Parts()
    parts.settings = _read_part(Settings, top, "settings", found) or Settings()
    parts.defaults = _read_part(Defaults, top, "defaults", found) or Defaults()
    parts.gpus = _read_overrides(top.get("gpus", []), found)
    _read_names(top, parts, found)
    if isinstance(models := top.get("models"), dict):
        parts.entries = _read_entries(models, ("models",), parts.defaults, found)
        parts.unreadable |= models.keys() - {entry.own.name for entry in parts.entries}
    elif "models" in top:
        read_object(models, ("models",), found)
    elif not any(nearest(key, SECTIONS) == "models" for key in top):
        found.append((("models",), "cannot do without models; add 'models' with at least one model"))
    return parts


def _stray(key: str) -> str:
    if guess := nearest(key, SECTIONS):
        return f"{unknown(key)}; did you mean '{guess}'?"
    return f"{unknown(key)} beside models; put it inside models if it is one, or remove it"


def _read_part(kind: type[T], top: dict[str, Any], key: str, found: list[Found]) -> T | None:
    part, wrong = read_shape(kind, read_object(top.get(key, {}), (key,), found), (key,))
    found += wrong
    return part


def _read_overrides(raw: object, found: list[Found]) -> list[Placed]:
    if not isinstance(raw, list):
        found.append((("gpus",), f"cannot use {shown(raw)}; write a list [...] of GPUs"))
        return []
    placed: list[Placed] = []
    for index, item in enumerate(raw):
        place: Place = ("gpus", index)
        if isinstance(item, dict):
            override, wrong = read_shape(GpuOverride, item, place)
            found += wrong
            placed += [(place, override)] if override else []
        else:
            read_object(item, place, found)
    return placed


def _read_names(top: dict[str, Any], parts: _Parts, found: list[Found]) -> None:
    names, wrong = read_shape(Names, {key: top[key] for key in ("default_model",) if key in top}, ())
    found += wrong
    parts.default_model = names.default_model if names else None
    for name, item in read_object(top.get("virtual", {}), ("virtual",), found).items():
        place: Place = ("virtual", name)
        virtual, wrong = read_shape(VirtualModel, read_object(item, place, found), place)
        found += wrong if isinstance(item, dict) else []
        if virtual is None:
            parts.unreadable.add(name)
        else:
            parts.virtual[name] = virtual


def _read_entries(models: dict[str, Any], place: Place, defaults: Defaults, found: list[Found]) -> list[Entry]:
    if not models:
        found.append((place, "cannot run an empty catalog; add at least one model"))
    entries = (read_entry(name, raw, (*place, name), defaults, found) for name, raw in models.items())
    return [entry for entry in entries if entry]


def _rule_faults(parts: _Parts) -> Iterator[Found]:
    yield from settings_faults(parts.settings)
    yield from shared_faults(parts.defaults, ("defaults",))
    yield from gpu_faults(parts.gpus, parts.entries, parts.defaults.gpus)
    for entry in parts.entries:
        yield from entry_faults(entry)
        yield from engine_faults(entry)
        yield from lora_faults(entry)
    yield from alias_faults(parts.entries)
    yield from container_faults(parts.entries)
    if parts.entries:  # else nothing could be found, for one reason, which is told already
        yield from name_faults(parts.entries, parts.virtual, parts.default_model, parts.unreadable)


def _in_file_order(source: JsonText, found: Iterable[Found]) -> list[Fault]:
    """What the text itself was faulted for goes first at its place, and nothing else is said of it."""

    def position(fault: Found) -> int:
        place = fault[0]
        while place not in source.order:
            place = place[:-1]
        return source.order[place]

    told = [fault for fault in found if fault[0] not in source.unreadable]
    return [Fault(path_of(place), message) for place, message in sorted([*source.found, *told], key=position)]
