"""What the manager's admin API takes and gives, beyond `status` and `events`. Values only."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from switchyard_contracts.status import Failure, GpuProcess, ModelStatus, Phase


class ModelChange(BaseModel):
    """What came of a wish of the operator's. To ask for what is so already changes nothing, and is no error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(description="The model's name, even if it was asked for by an alias.")
    changed: bool = Field(description="Whether this request changed anything.")
    status: ModelStatus | None = Field(
        None, description="The model as it is now; null once it has left the catalog and its engine is gone."
    )


class CatalogProblem(BaseModel):
    """One thing to mend in models.json: where it is, and a sentence that begins with "cannot"."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str = Field(description='Keys joined by dots, as in `models["qwen2.5"].aliases[0]`; empty: the file.')
    message: str
    line: int | None = Field(None, description="Where that stands, from 1; of what is missing, where it would.")
    column: int | None = None


class CatalogProblems(BaseModel):
    """Everything there is to mend; nothing: the text may be written."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    problems: tuple[CatalogProblem, ...] = ()


class CatalogText(CatalogProblems):
    """models.json as it is written."""

    path: str = Field(description="Where it is, on the manager's machine.")
    text: str
    etag: str = Field(description="Of this text: for `If-Match` of the change.")
    writable: bool = Field(description="Whether the manager can write it.")
    guarded: bool = Field(
        description="Whether fields that can run programs are only changed on the machine itself."
    )


class CatalogWritten(BaseModel):
    """What came of a new text for models.json."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    changed: bool
    etag: str


class KeptRepository(BaseModel):
    """What one repository of the Hub takes on this machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    repo: str
    bytes: int = Field(description="On the disk, each file once.")
    incomplete_bytes: int = Field(0, description="Of these, of files that are not whole yet.")
    revisions: tuple[str, ...] = Field((), description="Branches, tags and commits that are whole.")
    models: tuple[str, ...] = Field((), description="The models that need it.")


class KeptFiles(BaseModel):
    """What was downloaded, and the room that is left for more."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: str
    free_bytes: int | None = Field(None, description="On its disk; null: that cannot be told.")
    repositories: tuple[KeptRepository, ...] = ()


class FilesGone(BaseModel):
    """What came of a wish to remove files."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    repositories: tuple[str, ...]
    freed_bytes: int


class Authority(StrEnum):
    """By whose word a model needs so much memory."""

    DECLARED = "declared"  # `vram_mib` in models.json
    SHARE = "share"  # `gpu_memory_utilization` of that GPU
    MEASURED = "measured"  # what its last good run held
    UNKNOWN = "unknown"  # nobody's: it gets a GPU of its own


class Outcome(StrEnum):
    """What would come of it if somebody asked for the model now."""

    LOADED = "loaded"  # its engine runs already
    NOW = "now"
    SOON = "soon"  # somebody leaves already, or freed memory is on its way back
    EVICT = "evict"  # others would be moved out at once
    BLOCKED = "blocked"  # those in the way must not be moved yet
    SHORT = "short"  # moving out all that may be moved would not do
    NO_GPU = "no_gpu"  # this machine lacks the GPUs that it asks for


class Occupant(BaseModel):
    """A model on a GPU, as another that wants room there meets it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    phase: Phase
    claim_mib: int | None = Field(description="What is claimed for it there; null: the whole GPU.")
    measured_mib: int | None = Field(None, description="What it holds there, where the driver tells.")
    pinned: bool = False
    in_flight: int = 0
    waiting: int = 0
    idle_s: float = 0.0
    may_leave: bool = Field(description="Whether it may be moved out now for the model that is explained.")
    stays_because: str | None = Field(None, description="Why it may not.")
    frees_mib: int = Field(description="What its leaving would free there.")


class GpuExplained(BaseModel):
    """One GPU as the model finds it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    uuid: str
    name: str
    total_mib: int
    reserve_mib: int
    used_mib: int | None = Field(None, description="Measured, whoever holds it; null: cannot be measured.")
    free_mib: int = Field(description="Left for this model, by the ledger: its own claim is not in its way.")
    eligible: bool = Field(description="Whether the model may run here at all.")
    need_mib: int | None = Field(description="What the model needs here; null: a GPU of its own.")
    authority: Authority
    shortfall_mib: int | None = Field(
        None, description="By how much what is free falls short of the need; null: the need is not known."
    )
    models: tuple[Occupant, ...] = ()
    strangers: tuple[GpuProcess, ...] = Field((), description="Processes that are no engine of ours.")


class Explanation(BaseModel):
    """Why a model is where it is, and what would have to move for it to load."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    phase: Phase
    why: str
    failure: Failure | None = None
    retry_in_s: float | None = None
    waiting: int = 0
    waited_s: float | None = None
    outcome: Outcome
    site: tuple[str, ...] = Field((), description="The GPUs, by UUID, that the plan would take.")
    victims: tuple[str, ...] = Field((), description="The models that the plan would move out now.")
    in_the_way: tuple[str, ...] = ()
    gpus: tuple[GpuExplained, ...] = ()
    sentences: tuple[str, ...] = Field(description="The same for people, to be shown line by line.")
