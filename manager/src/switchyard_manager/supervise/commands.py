"""What an operator can ask of the manager by hand, and what comes of it. Values."""

from dataclasses import dataclass
from enum import StrEnum

from switchyard_contracts.errors import ErrorBody


class Verb(StrEnum):
    LOAD = "load"
    UNLOAD = "unload"
    SLEEP = "sleep"
    WAKE = "wake"
    PIN = "pin"
    UNPIN = "unpin"
    CANCEL = "cancel"  # the load or the download that is under way
    PULL = "pull"  # its files, the newest there are


@dataclass(frozen=True, slots=True)
class Command:
    """Each is idempotent: asking for what is so already changes nothing, and is no error."""

    verb: Verb
    model: str  # a name or an alias
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """`model` is the name, even if an alias was given. `error` says why nothing was done."""

    model: str
    changed: bool = False
    error: ErrorBody | None = None


@dataclass(frozen=True, slots=True)
class Removal:
    """Of the files of repositories, and which models will have to fetch them again."""

    repos: tuple[str, ...]
    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Removed:
    """What came of it. `error` says why nothing was removed."""

    repos: tuple[str, ...] = ()
    freed_bytes: int = 0
    error: ErrorBody | None = None
