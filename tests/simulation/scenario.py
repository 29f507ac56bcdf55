"""An evening as data: what there is, what is asked, and what goes wrong. All of it, so that it can be shrunk.

Nothing here acts and nothing is left to chance: a scenario that is run twice runs the same way twice.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from switchyard_contracts.catalog import Catalog, Engine, Model, Settings, SleepPolicy
from switchyard_manager.supervise.commands import Verb
from tests.manager.simulated_card import Lie

ENDLESS = None  # a stream that nobody ends before the evening does


class Load(StrEnum):
    """What becomes of a start."""

    WELL = "well"
    CRASHES = "crashes"
    HANGS = "hangs"  # never answers
    SLOW = "slow"  # three times as long, and says so
    MUTE = "mute"  # answers its health check, and no request
    NO_RUNTIME = "no runtime"  # nothing could be launched at all


class Stop(StrEnum):
    """What becomes of a stop."""

    WELL = "well"
    LOST = "lost"  # nobody ever hears of it again; the next one may do
    FAILS = "fails"
    FAILS_THEN_ENDS = "fails, then ends"


class Sleep(StrEnum):
    """What becomes of a sleep."""

    WELL = "well"
    KEEPS = "keeps its memory"
    LOST = "lost"


class Wake(StrEnum):
    """What becomes of a wake."""

    WELL = "well"
    FAILS = "fails"
    HANGS = "hangs"


class Fetch(StrEnum):
    """What becomes of a download."""

    WELL = "well"
    FAILS = "fails"  # the Hub is away
    GATED = "gated"
    HANGS = "hangs"  # until it is called off, or the manager ends


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """One model: what the catalog says of it, and what is true of its engine."""

    name: str
    takes_mib: int = 8_000  # of each GPU, in truth
    declared: bool = True  # and said so in the catalog
    fills_share: bool = False  # it takes all that it is given, as vLLM does
    gpus: int | tuple[str, ...] | None = None
    tensor_parallel: int | None = None
    pinned: bool = False
    preload: bool = False
    priority: int = 0
    sleepy: bool = False  # its engine can sleep
    sleep: SleepPolicy = SleepPolicy.AUTO
    drain_limit_s: float | None = None
    idle_unload_s: float | None = 900.0
    startup_timeout_s: float = 300.0
    load_s: float = 30.0
    wake_s: float = 3.0
    sleep_s: float = 3.0
    stop_s: float = 2.0
    asleep_mib: int = 1_000
    loads: tuple[Load, ...] = (Load.WELL,)
    stops: tuple[Stop, ...] = (Stop.WELL,)
    sleeps: tuple[Sleep, ...] = (Sleep.WELL,)
    wakes: tuple[Wake, ...] = (Wake.WELL,)
    fetch_s: float = 0.0  # until its files are here; 0: they are from the start
    fetches: tuple[Fetch, ...] = (Fetch.WELL,)

    def model(self, revision: int = 0) -> Model:
        args = {} if self.tensor_parallel is None else {"tensor_parallel_size": self.tensor_parallel}
        return Model(
            name=self.name,
            path="/x",
            engine=Engine.VLLM,
            engine_args=args,
            revision=str(revision),
            gpus=self.gpus,
            vram_mib=self.takes_mib if self.declared else None,
            pinned=self.pinned,
            preload=self.preload,
            priority=self.priority,
            sleep=self.sleep,
            drain_limit_s=self.drain_limit_s,
            idle_unload_s=self.idle_unload_s,
            startup_timeout_s=self.startup_timeout_s,
        )


@dataclass(frozen=True, slots=True)
class GpuPlan:
    total_mib: int = 24_000
    lag_s: float = 0.0  # memory that is given back is free only so much later
    leaks_mib: int = 0  # and so much of it never
    lie: Lie | None = None


# What happens, and when


@dataclass(frozen=True, slots=True)
class Ask:
    """A request comes."""

    at: float
    model: str
    lasts_s: float | None = 5.0
    proxy: int = 0
    patience_s: float | None = None  # None: as long as it takes


@dataclass(frozen=True, slots=True)
class Crash:
    at: float
    model: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """A proxy loses a connection to an engine; perhaps the engine is really broken."""

    at: float
    model: str
    proxy: int = 0
    rightly: bool = False


@dataclass(frozen=True, slots=True)
class Stick:
    """An engine goes on answering its health check, and gets on with nothing any more."""

    at: float
    model: str


@dataclass(frozen=True, slots=True)
class Stranger:
    """Somebody else takes memory of a GPU, for a while or for good."""

    at: float
    gpu: int
    mib: int
    for_s: float | None = None


@dataclass(frozen=True, slots=True)
class Disconnect:
    at: float
    proxy: int = 0
    for_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Order:
    """The operator asks for something."""

    at: float
    verb: Verb
    model: str


@dataclass(frozen=True, slots=True)
class Reload:
    """models.json changes: one model gets another specification, or leaves; the next reload brings it back."""

    at: float
    model: str
    removed: bool = False


@dataclass(frozen=True, slots=True)
class Restart:
    """The manager is killed and comes back; perhaps it forgot what it had learned."""

    at: float
    down_s: float = 2.0
    forgets: bool = False


Step = Ask | Crash | Doubt | Stick | Stranger | Disconnect | Order | Reload | Restart


@dataclass(frozen=True, slots=True)
class Turn:
    """One request of a client that waits for each answer before it asks again."""

    pause_s: float  # since the last answer
    model: str
    lasts_s: float


@dataclass(frozen=True, slots=True)
class Client:
    turns: tuple[Turn, ...]
    starts_at: float = 0.0
    proxy: int = 0


@dataclass(frozen=True, slots=True)
class Scenario:
    models: tuple[ModelPlan, ...]
    gpus: tuple[GpuPlan, ...] = (GpuPlan(),)
    steps: tuple[Step, ...] = ()
    clients: tuple[Client, ...] = ()
    settings: Settings = field(default_factory=Settings)
    ram_mib: int = 64_000
    proxies: int = 1
    wire_s: float = 0.05  # how long a word is on its way between manager and proxy
    tick_s: float = 1.0  # how often the manager looks at the machine and thinks again

    def catalog(self) -> Catalog:
        models = {plan.name: plan.model() for plan in self.models}
        return Catalog(models=models, settings=self.settings)

    @property
    def ends_at(self) -> float:
        return max((step.at for step in self.steps), default=0.0)

    def plan(self, model: str) -> ModelPlan:
        return next(plan for plan in self.models if plan.name == model)


def uuid(index: int) -> str:
    return f"GPU-{index}"
