"""What must hold between the entries of a file and its parts: names, ports, containers, GPUs, times."""

from collections.abc import Iterator, Sequence

from switchyard_contracts.catalog.entries import Entry
from switchyard_contracts.catalog.faults import Found, Place, path_of, quoted
from switchyard_contracts.catalog.settings import GpuOverride, Settings

Placed = tuple[Place, GpuOverride]


def alias_faults(entries: Sequence[Entry]) -> Iterator[Found]:
    names = {entry.own.name: entry for entry in entries}
    owners: dict[str, Entry] = {}
    for entry in entries:
        for index, alias in enumerate(entry.own.aliases):
            place = entry.at("aliases", index)
            if alias == entry.own.name:
                yield place, f"cannot use a model's own name {quoted(alias)} as its alias; remove it"
            elif alias in names:
                yield (
                    place,
                    f"cannot use the alias {quoted(alias)}, which is the name of another model; choose another",
                )
            elif alias not in owners:
                owners[alias] = entry
            elif owners[alias] is entry:
                yield place, f"cannot name {quoted(alias)} twice; remove one of the two"
            else:
                where = path_of(owners[alias].place)
                yield place, f"cannot use the alias {quoted(alias)}, which {where} has already; choose another"


def container_faults(entries: Sequence[Entry]) -> Iterator[Found]:
    """Two entries for one container would fight over it; two containers on one port can never both run."""
    containers: dict[str, Entry] = {}
    ports: dict[int, Entry] = {}
    for entry in entries:
        own = entry.own
        if own.container is None:
            continue
        if (other := containers.setdefault(own.container, entry)) is not entry:
            what = f"cannot manage the container {own.container} twice; {path_of(other.place)} does already"
            yield entry.at("container"), f"{what}: make the second name an alias of the first"
        elif own.port is not None and (other := ports.setdefault(own.port, entry)) is not entry:
            what = f"cannot reach two containers at port {own.port}; {path_of(other.place)} has it already"
            yield entry.at("port"), f"{what}: publish one of them on another port"


def gpu_faults(overrides: Sequence[Placed], entries: Sequence[Entry], defaults_gpus: object) -> Iterator[Found]:
    seen: dict[str, Place] = {}
    for place, override in overrides:
        if override.uuid in seen:
            yield (
                (*place, "uuid"),
                f"cannot describe {override.uuid} twice; {path_of(seen[override.uuid])} does already",
            )
        if override.vram_mib is not None and (override.reserve_mib or 0) >= override.vram_mib:
            what = f"cannot keep {override.reserve_mib} MiB free of {override.vram_mib}"
            yield (*place, "reserve_mib"), f'{what}; lower it, or write "use": false'
        seen.setdefault(override.uuid, place)
    switched_off = {override.uuid: place for place, override in overrides if not override.use}
    named = [(("defaults", "gpus"), defaults_gpus), *((entry.at("gpus"), entry.own.gpus) for entry in entries)]
    for place, gpus in named:
        for index, uuid in enumerate(gpus if isinstance(gpus, tuple) else ()):
            if uuid in switched_off:
                what = f"cannot use {uuid}, which {path_of(switched_off[uuid])} switches off"
                yield (*place, index), f"{what}; name another, or switch it on"


def settings_faults(settings: Settings) -> Iterator[Found]:
    if settings.min_resident_s >= settings.max_wait_s:
        stays, waits = settings.min_resident_s, settings.max_wait_s
        what = f"cannot keep a model for {stays:g} s when nobody may wait for more than {waits:g} s"
        yield ("settings", "min_resident_s"), f"{what}; make it shorter than max_wait_s"
