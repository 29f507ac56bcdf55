"""What a container of an engine sees of this machine: weights, the operator's mounts, the caches that last."""

from pathlib import Path

from switchyard_contracts.catalog import Model
from switchyard_manager.engines import programs
from switchyard_manager.places import Places
from switchyard_manager.runtimes import Bind

# A private segment rather than the host's: workers that share the host's outlive their container.
SHM_MIB = 8192
WEIGHTS = "/switchyard/weights"
HUB_CACHE = "/cache/huggingface"
HUB_VOLUME = "switchyard-huggingface"


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


def hub_cache(places: Places) -> tuple[tuple[Bind, ...], dict[str, str]]:
    """The machine's own folder where the operator names one, else a named volume."""
    if places.hf_cache is None:
        return (), {HUB_VOLUME: HUB_CACHE}
    return (Bind(str(places.hf_cache), HUB_CACHE, read_only=False),), {}
