"""What a path of the manager's is for the Docker Engine, when the manager itself is in a container. Pure.

The Engine knows no path of a container's: a folder that the manager sees is, for an engine beside it, the same
part of whatever is mounted there. How the Engine writes the paths of its machine is its own affair, on Windows
as anywhere: they are passed back as they came.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from switchyard_contracts.errors import Reason
from switchyard_manager.errors import EngineFailed
from switchyard_manager.runtimes.docker.seen import Mounted
from switchyard_manager.runtimes.protocol import Bind

VOLUME, BIND = "volume", "bind"
SUBPATHS_FROM = 26  # the Engine's version
DRIVE = re.compile(r"[A-Za-z]:\\")


@dataclass(frozen=True, slots=True)
class Paths:
    """What is mounted into the manager's own container, and what the Engine can do with it."""

    mounted: tuple[Mounted, ...]
    subpaths: bool  # it mounts a part of a volume

    def mount(self, model: str, bind: Bind) -> dict[str, Any]:
        """The Engine's words for it. Raises `EngineFailed` for what nothing covers."""
        path = PurePosixPath(bind.source)
        over = _over(path, self.mounted)
        if over is None or over.kind not in {BIND, VOLUME}:
            raise _uncovered(model, bind.source, over)
        below = path.relative_to(over.target).parts
        if over.kind == VOLUME and (self.subpaths or not below):
            return _of_volume(over, below, bind)
        # An older Engine is given the folder in which it keeps the volume.
        return as_it_is(Bind(_joined(over.source, below), bind.target, bind.read_only))


def as_it_is(bind: Bind) -> dict[str, Any]:
    """A mount and no `Binds`: those make a missing folder, and root its owner."""
    return {"Type": BIND, "Source": bind.source, "Target": bind.target, "ReadOnly": bind.read_only}


def mounts_subpaths(version: str) -> bool:
    """Whether an Engine of this version can mount a part of a volume."""
    major = version.partition(".")[0]
    return major.isdecimal() and int(major) >= SUBPATHS_FROM


def _over(path: PurePosixPath, mounted: Sequence[Mounted]) -> Mounted | None:
    """The mount that the path is in: of several within each other, the innermost."""
    over = [mount for mount in mounted if path.is_relative_to(mount.target)]
    return max(over, key=lambda mount: len(PurePosixPath(mount.target).parts), default=None)


def _of_volume(mount: Mounted, below: Sequence[str], bind: Bind) -> dict[str, Any]:
    # An engine's image has nothing to put into a volume of the manager's.
    options: dict[str, Any] = {"NoCopy": True}
    if below:
        options["Subpath"] = "/".join(below)
    return {
        "Type": VOLUME,
        "Source": mount.volume,
        "Target": bind.target,
        "ReadOnly": bind.read_only,
        "VolumeOptions": options,
    }


def _joined(source: str, below: Sequence[str]) -> str:
    separator = "\\" if DRIVE.match(source) or source.startswith("\\\\") else "/"
    return separator.join((source.rstrip(separator) or "", *below)) if below else source


def _uncovered(model: str, path: str, over: Mounted | None) -> EngineFailed:
    why = (
        "no mount of the container covers it" if over is None else f"it is in a {over.kind} of that container's"
    )
    return EngineFailed.because(
        Reason.MODEL_NOT_FOUND,
        f"cannot start {model}: its engine needs {path}, a path in the manager's own container, and {why}",
        f"mount the folder into the manager's container (in compose.yaml: `- {path}:{path}:ro` below its"
        " `volumes`), or write the path at which the manager sees it",
    )
