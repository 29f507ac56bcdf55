"""Find an engine's program on this machine, and the environment it gets from the catalog."""

import shutil

from switchyard_contracts.catalog import Model
from switchyard_contracts.errors import Reason
from switchyard_manager.errors import EngineFailed
from switchyard_manager.places import Places


def program(command: str, *, model: str, engine: str, advice: str) -> str:
    found = shutil.which(command)
    if found is None:
        raise EngineFailed.because(
            Reason.ENGINE_MISSING, f"cannot start {model}: {engine} is not installed here ({command})", advice
        )
    return found


def weights(model: Model, places: Places) -> str:
    """The folder or repository to load. A folder that is not there is told before anything starts."""
    if model.path is None:
        return model.repo or model.name
    folder = places.weights(model.path)
    if not folder.exists():
        raise EngineFailed.because(
            Reason.MODEL_NOT_FOUND,
            f"cannot start {model.name}: there is no {folder}",
            "check `path` in models.json; demo models are made by ./setup.sh up",
        )
    return str(folder)


def environment(model: Model) -> dict[str, str]:
    env = dict(model.env)
    if isinstance(model.gpus, tuple):
        env["CUDA_VISIBLE_DEVICES"] = ",".join(model.gpus)
    elif model.gpus == 0:
        env["CUDA_VISIBLE_DEVICES"] = ""
    return env
