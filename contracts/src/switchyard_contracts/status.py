"""What the manager reports of each model: to the proxy, the command line and the page. Values only."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from switchyard_contracts.catalog import Capability, Engine, ModelType
from switchyard_contracts.errors import Reason


class Phase(StrEnum):
    """Where an engine's life is. The legal moves are the manager's (`lifecycle.MOVES`)."""

    STOPPED = "stopped"
    STARTING = "starting"
    LOADING = "loading"
    WARMING = "warming"
    READY = "ready"
    DRAINING = "draining"
    SLEEPING = "sleeping"
    WAKING = "waking"
    STOPPING = "stopping"
    FAILED = "failed"
    STOP_FAILED = "stop_failed"


class Failure(BaseModel):
    """Why a model does not run, and what to do about it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: Reason
    message: str
    advice: str
    exit_code: int | None = None
    log_tail: tuple[str, ...] = ()

    def sentence(self) -> str:
        return f"{self.message}: {self.advice}"


class ModelStatus(BaseModel):
    """One model, as it is now. Everything a proxy needs to list and route it without asking again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    aliases: tuple[str, ...] = ()
    type: ModelType
    engine: Engine
    capabilities: tuple[Capability, ...] = ()
    description: str | None = None
    context_length: int | None = None
    phase: Phase = Phase.STOPPED
    in_flight: int = 0
    waiting: int = 0
    idle_s: float | None = None
    failure: Failure | None = None
    retry_in_s: float | None = None


class ManagerStatus(BaseModel):
    """The manager's whole answer to "what is going on?"."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    manager: str
    version: str
    runtime: str
    proxies: int = 0
    models: tuple[ModelStatus, ...] = ()
