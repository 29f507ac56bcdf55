"""Whether all that a model needs is on this machine. Blocking; asks no network, and loads no library for it."""

import json
from pathlib import Path
from typing import Any

from switchyard_contracts.catalog import Model
from switchyard_contracts.errors import Reason
from switchyard_contracts.status import Failure
from switchyard_manager.model_files import choice
from switchyard_manager.model_files.cache import Cache
from switchyard_manager.model_files.job import failure
from switchyard_manager.model_files.needs import Need, Part, needs_of
from switchyard_manager.places import Places


def is_here(model: Model, places: Places) -> bool:
    cache = Cache(places.hub)
    has = cache.has if cache.is_writable() else lambda need: _is_whole(cache, need)
    return missing_folder(model, places) is None and all(map(has, needs_of(model)))


def missing_folder(model: Model, places: Places) -> Failure | None:
    """Said before anything is moved out of the way for a model that could not start."""
    if model.path is None:
        return None
    folder = places.weights(model.path)
    if folder.exists():
        return None
    advice = "check `path` in models.json, and that its disk is there; demo models are made by ./setup.sh up"
    return failure(Reason.MODEL_NOT_FOUND, f"cannot start {model.name}: there is no {folder}", advice)


def whole_by_its_lists(cache: Cache, need: Need) -> dict[str, int]:
    """The files of a repository that somebody else downloaded, with their sizes, if its own lists miss none."""
    folder = cache.snapshot(need)
    if folder is None:
        return {}
    sizes = {str(file.relative_to(folder)): file.stat().st_size for file in folder.rglob("*") if file.is_file()}
    told = {
        name: read_json(folder / name) for name in sizes if name.endswith((".index.json", *choice.TOLD_FIRST))
    }
    if need.file is not None:
        return sizes if need.file in sizes else {}
    if need.part in {Part.MODEL, Part.MISTRAL} and not choice.is_whole(sizes, told):
        return {}
    return sizes


def read_json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def _is_whole(cache: Cache, need: Need) -> bool:
    """In a cache that others fill, and where nothing can be noted down."""
    return cache.has(need) or bool(whole_by_its_lists(cache, need)) or not (need.must or cache.snapshot(need))
