"""Where an engine runs on this machine, and what a program of this machine is given: weights, environment."""

import re
import shutil
from collections.abc import Mapping

from switchyard_contracts.catalog import Model
from switchyard_contracts.errors import Reason
from switchyard_manager.engines import hub
from switchyard_manager.engines.protocol import Run
from switchyard_manager.errors import EngineFailed
from switchyard_manager.places import Places
from switchyard_manager.runtimes import Kind

SECRET = re.compile(r"(TOKEN|KEY|SECRET|PASSWORD)$", re.IGNORECASE)


def where(model: Model, command: str, places: Places) -> Kind:
    """What only a container can give goes into one; else the operator's choice, else what is installed."""
    if model.image is not None or model.container is not None:
        return Kind.DOCKER
    if places.runtime != "auto":
        return Kind(places.runtime)
    return Kind.PROCESS if shutil.which(command) and not model.mounts else Kind.DOCKER


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


def refuse_what_needs_a_container(model: Model) -> None:
    """A process sees this machine as it is: another image, or a folder in another place, it cannot have."""
    if model.image is not None:
        raise EngineFailed.because(
            Reason.RUNTIME_UNAVAILABLE,
            f"cannot start {model.name}: it needs the image {model.image!r}, and engines run as processes here",
            "remove `image` from the model, or set SWITCHYARD_RUNTIME to docker",
        )
    if model.mounts:
        raise EngineFailed.because(
            Reason.BAD_ENGINE_ARGUMENT,
            f"cannot start {model.name}: its mounts need a container, and engines run as processes here",
            "remove `mounts` from the model, or set SWITCHYARD_RUNTIME to docker",
        )


def own_gpus(model: Model, run: Run) -> tuple[str, ...]:
    """Those that the run was given; where nobody could choose any, those that the model names."""
    return run.gpus or (model.gpus if isinstance(model.gpus, tuple) else ())


def environment(model: Model, run: Run, places: Places) -> dict[str, str]:
    """A process's, beyond what it inherits from the manager."""
    env = hub.environment(places) | open_part(model.env)
    if gpus := own_gpus(model, run):
        env |= {"CUDA_VISIBLE_DEVICES": ",".join(gpus), "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    elif model.gpus == 0:
        env["CUDA_VISIBLE_DEVICES"] = ""
    return env


def open_part(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if not SECRET.search(name)}


def secret_part(env: Mapping[str, str]) -> dict[str, str]:
    """What the operator gives an engine under a name that says it must not be shown."""
    return {name: value for name, value in env.items() if SECRET.search(name)}
