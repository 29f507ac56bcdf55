"""Whether all that a model needs is on this machine. Blocking; asks no network, and loads no library for it."""

from switchyard_contracts.catalog import Model
from switchyard_contracts.errors import Reason
from switchyard_contracts.status import Failure
from switchyard_manager.model_files.cache import Cache
from switchyard_manager.model_files.job import failure
from switchyard_manager.model_files.needs import needs_of
from switchyard_manager.places import Places


def is_here(model: Model, places: Places) -> bool:
    cache = Cache(places.hub)
    return missing_folder(model, places) is None and all(map(cache.has, needs_of(model)))


def missing_folder(model: Model, places: Places) -> Failure | None:
    """Said before anything is moved out of the way for a model that could not start."""
    if model.path is None:
        return None
    folder = places.weights(model.path)
    if folder.exists():
        return None
    advice = "check `path` in models.json, and that its disk is there; demo models are made by ./setup.sh up"
    return failure(Reason.MODEL_NOT_FOUND, f"cannot start {model.name}: there is no {folder}", advice)
