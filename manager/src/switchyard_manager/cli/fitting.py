"""Which models of the catalog can never run on this machine, whatever else is loaded. Pure; it refuses nothing.

The rules are the scheduler's own: what it would refuse for good is told here before anybody asks for it.
"""

from switchyard_contracts.catalog import Catalog, Model
from switchyard_contracts.status import Phase
from switchyard_manager.cli.findings import Finding, ok, warn
from switchyard_manager.gpu import Reading
from switchyard_manager.gpu.overrides import overridden
from switchyard_manager.scheduler import Gpu, Machine, Seen
from switchyard_manager.scheduler.sites import sites
from switchyard_manager.supervise.cards import reserves_mib

NAMES_SHOWN = 5
REMEDY = "they are listed, and refused when asked for; `switchyard remove MODEL` takes one out"


def of_fit(catalog: Catalog, reading: Reading) -> Finding:
    machine, models = _machine(catalog, reading), list(catalog.models.values())
    lacking = [model.name for model in models if not sites(model, Seen(Phase.STOPPED), machine)]
    large = [model.name for model in models if model.name not in lacking and not _has_room(model, machine)]
    said = [*_lacking(lacking, len(models), machine), *_large(large, len(models), machine)]
    return warn(f"models: {'; '.join(said)}", REMEDY) if said else ok("models: none wants more than is here")


def _machine(catalog: Catalog, reading: Reading) -> Machine:
    """As the manager takes it: with what models.json says of the GPUs."""
    said, usual = reserves_mib(catalog), catalog.settings.vram_reserve_mib
    cards = overridden(reading, catalog.gpus).gpus
    return Machine(tuple(Gpu(card.uuid, card.total_mib, said.get(card.uuid, usual)) for card in cards))


def _has_room(model: Model, machine: Machine) -> bool:
    room = {gpu.uuid: gpu.total_mib - gpu.reserve_mib for gpu in machine.gpus}
    found = sites(model, Seen(Phase.STOPPED), machine)
    return any(all(room[uuid] >= (model.vram_mib or 0) for uuid in site) for site in found)


def _lacking(names: list[str], total: int, machine: Machine) -> list[str]:
    if not names:
        return []
    has = f"it has {len(machine.gpus)}" if machine.gpus else "it has none"
    return [f"{len(names)} of {total} want GPUs that this machine lacks ({has}): {_some(names)}"]


def _large(names: list[str], total: int, machine: Machine) -> list[str]:
    if not names:
        return []
    largest = max(gpu.total_mib - gpu.reserve_mib for gpu in machine.gpus)
    want = f"want a bigger card than is here ({largest} MiB at most)"
    return [f"{len(names)} of {total} {want}: {_some(names)}"]


def _some(names: list[str]) -> str:
    more = len(names) - NAMES_SHOWN
    return ", ".join(names[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
