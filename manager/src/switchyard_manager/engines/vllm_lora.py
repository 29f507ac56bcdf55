"""LoRA adapters that one vLLM serves beside its model, each under a name of its own: where they are, which
flags.

Finding them blocks. The flags are decided purely.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from switchyard_contracts.catalog import Lora, Model, VllmArgs, lora_name
from switchyard_contracts.errors import Reason
from switchyard_manager.engines import checkpoint, inside
from switchyard_manager.errors import EngineFailed
from switchyard_manager.places import Places
from switchyard_manager.runtimes import Bind

RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)  # all that vLLM has room for
USUAL_RANK = 16
TOGETHER = 4  # each has its room on the GPU, used or not
INSIDE = "/switchyard/lora"


@dataclass(frozen=True, slots=True)
class Served:
    """An adapter as its engine is told of it."""

    name: str
    path: str  # as the engine sees it
    rank: int | None = None  # None: it is not here to be read
    bind: Bind | None = None


def adapters(model: Model, places: Places, *, in_container: bool) -> tuple[Served, ...]:
    """Raises `EngineFailed` where a folder is not there. Blocking."""
    found = [(lora_name(model, name), one.lora) for name, one in model.variants.items() if one.lora is not None]
    return tuple(
        _served(model.name, name, lora, places, f"{INSIDE}/{index}" if in_container else None)
        for index, (name, lora) in enumerate(found)
    )


def flags(model: Model, served: Sequence[Served], args: VllmArgs) -> Iterator[str]:
    if not served:
        return
    yield "--enable-lora"
    if args.max_lora_rank is None:
        yield from ("--max-lora-rank", str(room_for([one.rank for one in served])))
    if args.max_loras is None:
        yield from ("--max-loras", str(min(len(served), TOGETHER)))
    yield "--lora-modules"
    for one in served:
        yield json.dumps({"name": one.name, "path": one.path, "base_model_name": model.name})


def room_for(ranks: Sequence[int | None]) -> int:
    """The least of what vLLM takes that holds them all; where one is not known, no less than what is usual."""
    most = max((USUAL_RANK if rank is None else rank for rank in ranks), default=USUAL_RANK)
    return next((rank for rank in RANKS if rank >= most), RANKS[-1])


def _served(model: str, name: str, lora: Lora, places: Places, target: str | None) -> Served:
    folder = checkpoint.folder_of(lora, places)
    if folder is None:
        return Served(name, _repository(model, name, lora, places))
    rank = checkpoint.lora_rank(folder)
    if target is None:
        return Served(name, str(folder), rank)
    if lora.path is not None:
        return Served(name, target, rank, Bind(str(folder), target))
    return Served(name, _in_the_cache(folder, places), rank)


def _repository(model: str, name: str, lora: Lora, places: Places) -> str:
    """The engine fetches it itself. A folder it could not."""
    if lora.path is not None:
        raise EngineFailed.because(
            Reason.MODEL_NOT_FOUND,
            f"cannot start {model}: there is no {places.weights(lora.path)} for its adapter {name!r}",
            "check `path` of its `lora` in models.json",
        )
    return lora.repo or ""


def _in_the_cache(folder: Path, places: Places) -> str:
    return str(Path(inside.HUB_CACHE) / folder.relative_to(places.hub))
