"""What must hold for the fields that may stand in an entry and under `defaults` alike."""

import re
from collections.abc import Iterator, Mapping, Sequence

from switchyard_contracts.catalog.faults import Found, Place, quoted
from switchyard_contracts.catalog.fields import ENV_NAME_PATTERN
from switchyard_contracts.catalog.model import Defaults, Mount
from switchyard_contracts.catalog.paths import path_fault, target_fault

# Set by Switchyard for every engine it makes; another value would point past the ledger or past the key.
OWN_ENV = {
    "CUDA_VISIBLE_DEVICES": "remove it, and name the GPUs under gpus",
    "NVIDIA_VISIBLE_DEVICES": "remove it, and name the GPUs under gpus",
    "HIP_VISIBLE_DEVICES": "remove it, and name the GPUs under gpus",
    "ROCR_VISIBLE_DEVICES": "remove it, and name the GPUs under gpus",
    "VLLM_API_KEY": "remove it: Switchyard gives every engine a key of its own",
}


def shared_faults(said: Defaults, place: Place) -> Iterator[Found]:
    yield from _env_faults(said.env, (*place, "env"))
    yield from _mount_faults(said.mounts, (*place, "mounts"))
    if isinstance(said.gpus, tuple):
        yield from _gpu_list_faults(said.gpus, (*place, "gpus"))


def repeat_faults(items: Sequence[str], place: Place) -> Iterator[Found]:
    """A list that names the same thing twice, at each later place."""
    seen: set[str] = set()
    for index, item in enumerate(items):
        if item in seen:
            yield (*place, index), f"cannot name {quoted(item)} twice; remove one of the two"
        seen.add(item)


def _gpu_list_faults(gpus: tuple[str, ...], place: Place) -> Iterator[Found]:
    if not gpus:
        yield place, "cannot place a model on an empty list of GPUs; name one, or write 0 for none"
    yield from repeat_faults(gpus, place)


def _env_faults(env: Mapping[str, str], place: Place) -> Iterator[Found]:
    for name in env:
        if advice := OWN_ENV.get(name.upper()):
            yield (*place, name), f"cannot set {name}; {advice}"
        elif not re.fullmatch(ENV_NAME_PATTERN, name):
            what = "write letters, digits and _, beginning with a letter or _"
            yield (*place, name), f"cannot use {quoted(name)} as the name of a variable; {what}"


def _mount_faults(mounts: tuple[Mount, ...], place: Place) -> Iterator[Found]:
    targets: set[str] = set()
    for index, mount in enumerate(mounts):
        if why := path_fault(mount.source):
            yield (*place, index, "source"), why
        if why := target_fault(mount.target):
            yield (*place, index, "target"), why
        elif mount.target in targets:
            what = f"cannot mount two things at {quoted(mount.target)}; change one of them"
            yield (*place, index, "target"), what
        targets.add(mount.target)
