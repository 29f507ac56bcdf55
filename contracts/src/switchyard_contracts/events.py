"""What happened, as the manager tells it to whoever watches: the command line, the page, a script.

The stream begins with a `snapshot`; then come changes, each with the next sequence number. Whoever misses one
(a gap in the numbers) asks for a snapshot again. Only a stream that is resumed may have gaps that mean nothing:
what is never stored is not told again.
"""

from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class EventKind(StrEnum):
    """Every kind of event."""

    SNAPSHOT = "snapshot"  # data: the whole ManagerStatus; never stored
    MANAGER = "manager"  # it began; data: version, found_running (instances)
    CATALOG = "catalog"  # models.json was read again, or refused
    PHASE = "phase"  # data: before, after, why
    PROGRESS = "progress"  # data: text; never stored
    MADE_ROOM = "made_room"  # it was moved out; data: for_model, how (sleep, stop)
    FAILURE = "failure"  # data: reason, message
    REFUSED = "refused"  # data: message, waiting
    FILES = "files"  # data: at (FilesAt), message; a download began, ended, failed or was called off
    OPERATOR = "operator"  # data: command; somebody asked for it by hand


FLEETING = frozenset({EventKind.PROGRESS, EventKind.SNAPSHOT})  # of no use tomorrow: never kept


class ManagerEvent(BaseModel):
    """One thing that happened. `seq` grows by one; it starts anew with nothing but a new state folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seq: int
    at: float = Field(description="Seconds since 1970.")
    kind: EventKind
    model: str | None = None
    data: dict[str, Any] = Field(default_factory=dict)


class RunRecord(BaseModel):
    """One run of an engine, as history keeps it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    instance: str
    model: str
    began_at: float
    ready_after_s: float | None = None
    ended_at: float | None = None
    exit_code: int | None = None
    ended_because: str | None = None  # a stop's reason, or a failure's
    gpus: tuple[str, ...] = ()
    peak_mib: int | None = None  # on the fullest of its GPUs
    logged: bool = False  # it began a log of its own; each model keeps the last two
    log: Literal["current", "previous"] | None = None  # where that is now; worked out when it is asked for
