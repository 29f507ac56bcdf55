"""What the manager reports of each model: to the proxy, the command line and the page. Values only."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from switchyard_contracts.catalog import Capability, Engine, ModelType
from switchyard_contracts.errors import Reason
from switchyard_contracts.serving import Serving


class Phase(StrEnum):
    """Where an engine's life is. The legal moves are the manager's (`lifecycle.MOVES`)."""

    STOPPED = "stopped"
    STARTING = "starting"
    LOADING = "loading"
    WARMING = "warming"
    READY = "ready"
    DRAINING = "draining"
    SLEEPING = "sleeping"
    ASLEEP = "asleep"
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


class FilesAt(StrEnum):
    """Where a model's files are."""

    UNKNOWN = "unknown"  # it is being looked at
    ABSENT = "absent"  # not here, or not all of them
    FETCHING = "fetching"
    HERE = "here"


class FilesStatus(BaseModel):
    """A model's files, and how far a download of them is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: FilesAt
    done_bytes: int | None = None
    total_bytes: int | None = None


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
    pinned: bool = False
    can_sleep: bool = False  # it would if it were told to now; if not, it would be stopped
    gpus: tuple[str, ...] = ()  # where it is, by UUID
    claim_mib: int | None = None  # on each of them
    measured_mib: int | None = None  # on the fullest of them, at most, in this run
    progress: str | None = None  # how far it is while it comes up, or while its files are fetched
    files: FilesStatus | None = None  # None: they are none of the manager's business
    blocked: str | None = None  # what it waits for while somebody waits for it
    waited_s: float | None = None  # the longest anybody has
    expected_s: float | None = None  # until it serves, as past loads or wakes went; None: not known
    serving: Serving = Serving()


class GpuModel(BaseModel):
    """A model's part of a GPU."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    claim_mib: int


class GpuProcess(BaseModel):
    """A process that holds memory of a GPU; `model` says whose engine it is, None that it is a stranger."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pid: int
    name: str
    used_mib: int | None = None
    model: str | None = None


class GpuStatus(BaseModel):
    """One GPU: what it has, what is claimed, what is measured."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    uuid: str
    name: str
    total_mib: int
    reserve_mib: int
    claimed_mib: int = 0
    used_mib: int | None = None
    free_mib: int = 0  # for one more model, by the ledger
    models: tuple[GpuModel, ...] = ()
    processes: tuple[GpuProcess, ...] = ()
    utilisation_pct: int | None = None
    temperature_c: int | None = None
    power_w: float | None = None


class RamStatus(BaseModel):
    """This machine's RAM, and what sleeping models keep in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    total_mib: int
    available_mib: int
    reserve_mib: int
    sleepers_mib: int = 0


class Queued(BaseModel):
    """A model that somebody waits for, in the order in which their turns come."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    waiting: int
    waited_s: float
    priority: float  # with what waiting has added
    blocked: str | None = None


class ManagerStatus(BaseModel):
    """The manager's whole answer to "what is going on?"."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    manager: str
    version: str
    runtime: str
    proxies: int = 0
    models: tuple[ModelStatus, ...] = ()
    gpus: tuple[GpuStatus, ...] = ()
    ram: RamStatus | None = None
    queue: tuple[Queued, ...] = ()
    trouble: tuple[str, ...] = ()  # what the operator should know of the manager itself
