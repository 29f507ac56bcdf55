"""The forms a path in `models.json` may take. Only the form: whether anything is there, the manager finds out.

Absolute, relative to the folder of models.json, `~/...` for the home folder of whoever runs Switchyard, or
`state:...` for a folder inside Switchyard's state folder.
"""

import re
from pathlib import PurePosixPath, PureWindowsPath

SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")  # two letters at least: "C:\models" is a path
STATE = "state:"


def path_fault(path: str) -> str | None:
    """Why a path of this machine cannot be meant as it stands."""
    if path.startswith(STATE):
        inside = PureWindowsPath(path.removeprefix(STATE))
        if not inside.parts or inside.anchor or ".." in inside.parts:
            return "cannot leave the state folder; write state: and a folder inside it, as in state:demo/chat"
    elif path.startswith("~") and not re.match(r"~(/|\\|$)", path):
        return "cannot look into another user's home; write an absolute path, or one that begins with ~/"
    elif SCHEME.match(path):
        return (
            "cannot fetch anything for a path; write a folder of this machine, or a Hub repository under repo"
        )
    return None


def target_fault(target: str) -> str | None:
    """Why nothing can be mounted at a path inside a container."""
    path = PurePosixPath(target)
    if not path.is_absolute() or len(path.parts) < 2 or ".." in path.parts:
        return "cannot mount there; write an absolute path inside the container, as in /models"
    return None
