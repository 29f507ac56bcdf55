"""What a container of an engine sees of this machine: weights, the operator's mounts, the caches that last."""

from pathlib import Path

from switchyard_contracts.catalog import Model
from switchyard_contracts.errors import Reason
from switchyard_manager.engines import hub, programs
from switchyard_manager.errors import EngineFailed
from switchyard_manager.places import Places
from switchyard_manager.runtimes import Bind

# A private segment rather than the host's: workers that share the host's outlive their container.
SHM_MIB = 8192
WEIGHTS = "/switchyard/weights"
HUB_CACHE = "/cache/huggingface/hub"
# What is shared may only be read. What the Hub's libraries write beside it, each container keeps for itself.
HUB = {"HF_HUB_CACHE": HUB_CACHE, "HF_HOME": "/tmp/huggingface"} | hub.OFFLINE  # noqa: S108 - inside


def weights(model: Model, places: Places) -> tuple[str, tuple[Bind, ...]]:
    """What the engine is told to load, and the bind that makes it so. A repository needs none. Blocking."""
    source = programs.weights(model, places)
    if model.path is None:
        return source, ()
    target = WEIGHTS if Path(source).is_dir() else f"{WEIGHTS}/{Path(source).name}"
    return target, (Bind(source, target),)


def mounts(model: Model, places: Places) -> tuple[Bind, ...]:
    return tuple(
        Bind(str(places.weights(mount.source)), mount.target, mount.read_only) for mount in model.mounts
    )


def hub_cache(places: Places) -> Bind:
    """What was downloaded, of all models: files are shared between revisions, so no part can be told apart.

    Not the folder that it is in: the Hub's libraries keep the operator's token there. Blocking.
    """
    try:
        places.hub.mkdir(parents=True, exist_ok=True)  # nothing can be mounted from where nothing is
    except OSError as error:
        raise EngineFailed.because(
            Reason.RUNTIME_UNAVAILABLE,
            f"cannot make {places.hub}, which engines read their files from: {error.strerror}",
            "make its folder writable for the manager, or set SWITCHYARD_HF_CACHE to another",
        ) from error
    return Bind(str(places.hub), HUB_CACHE)
