"""How the engine stands, in the words of `/health`, `/ready`, `/v1/status` and `/metrics`. Asks nobody to do
anything, and waits for nothing: it answers at once, whatever the worker does.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from switchyard_image_server.engine import (
    Engine,
    Failed,
    Loading,
    Model,
    Ready,
    Shutting,
    Sleeping,
    Turning,
)


class Standing(StrEnum):
    LOADING = "loading"
    OK = "ok"
    TURNING = "turning"
    ASLEEP = "asleep"
    FAILED = "failed"
    STOPPING = "stopping"


LIVE = frozenset({Standing.OK, Standing.TURNING, Standing.ASLEEP})


@dataclass(frozen=True, slots=True)
class Word:
    """`live`: the process has its model and can be made to answer; `ready`: it would answer now.

    `more` goes beside it; `message` says what to do, where it is not ready.
    """

    standing: Standing
    message: str | None = None
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def live(self) -> bool:
        return self.standing in LIVE

    @property
    def ready(self) -> bool:
        return self.standing is Standing.OK


def word_of(engine: Engine) -> Word:
    if engine.worker.lost:
        message = "cannot serve any more: the engine's worker was lost; restart it (its log has the reason)"
        return Word(Standing.FAILED, message, {"code": "internal_error"})
    match engine.phase:
        case Loading(progress):
            message = "cannot answer yet: the model is still loading; try again"
            return Word(Standing.LOADING, message, {"progress": progress.told()})
        case Ready():
            return Word(Standing.OK)
        case Turning(_, towards):
            message = f"cannot answer: the model is turning {towards}; try again when it is awake"
            return Word(Standing.TURNING, message, {"towards": towards})
        case Sleeping():
            return Word(Standing.ASLEEP, "cannot answer: the model is asleep; POST /wake wakes it")
        case Failed(failure):
            return Word(Standing.FAILED, failure.message, {"code": str(failure.code)})
        case Shutting():
            return Word(Standing.STOPPING, "cannot answer: the engine is being stopped")


def model_of(engine: Engine) -> Model | None:
    """The model, awake or not, if there is one."""
    match engine.phase:
        case Ready(model) | Turning(model) | Sleeping(model):
            return model
        case Loading() | Failed() | Shutting():
            return None
