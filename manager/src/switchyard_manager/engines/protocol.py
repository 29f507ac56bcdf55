"""The contract of an engine adapter, and the probes that all OpenAI-speaking engines share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from switchyard_contracts.catalog import Capability, Model
from switchyard_contracts.status import Failure
from switchyard_manager.places import Places
from switchyard_manager.runtimes import AnySpec, Exit, Kind, Listen


@dataclass(frozen=True, slots=True)
class Share:
    """How much of each of its GPUs an engine may take."""

    claim_mib: int
    total_mib: int  # of the smallest of them


@dataclass(frozen=True, slots=True)
class Run:
    """What an adapter is told of the run that it is to describe."""

    instance: str
    spec_hash: str
    kind: Kind
    listen: Listen
    gpus: tuple[str, ...] = ()
    devices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # see `ContainerSpec`
    beside_cache_mib: int | None = None  # what each GPU had to hold beside the cache, in a former run
    share: Share | None = None  # None: no GPU, or nothing is known of it; the engine's own default holds
    api_key: str = field(default="", repr=False)  # this run's own; see `Adapter.headers`


@dataclass(frozen=True, slots=True)
class Probe:
    """One HTTP request whose success means something. No body: GET; with one: POST."""

    path: str
    timeout_s: float
    body: Mapping[str, Any] | None = None
    missing_will_do: bool = False  # a 404 means success, too: it is up, and lacks this route
    instead: Mapping[str, Any] | None = None  # the body to ask with where `body` is refused with a 400


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request that makes an engine do something."""

    method: str
    path: str  # with its query
    timeout_s: float
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class SleepCalls:
    """How an engine is sent to sleep and woken, and how one asks which it is."""

    sleep: Call
    wake: Call
    asks: Probe
    key: str  # in the JSON answer to `asks`: true while it sleeps


class Adapter(Protocol):
    def settle(self, model: Model, places: Places) -> Model:
        """The model with what follows from its files here: flags, capabilities. The others are asked with this
        one. Blocking."""
        ...

    def kind(self, model: Model, places: Places) -> Kind:
        """Where it is to run on this machine. Blocking (it looks for programs)."""
        ...

    def spec(self, model: Model, run: Run, places: Places) -> AnySpec:
        """Raises `EngineFailed` if this machine lacks what the engine needs. Blocking (it looks at folders)."""
        ...

    def headers(self, model: Model, api_key: str) -> Mapping[str, str]:
        """What every request to a run of it must carry, the probes' among them; `api_key` is the run's."""
        ...

    def health(self, model: Model) -> Probe: ...

    def canary(self, model: Model) -> Probe | None:
        """One real inference, as small as can be. None: there is no small one, and health must do."""
        ...

    def sleep(self, model: Model) -> SleepCalls | None:
        """None: it cannot sleep, or must not, and is stopped instead.

        Whether a run gives anything back by sleeping is the caller's to know: one without a GPU does not.
        """
        ...

    def progress(self, line: str) -> str | None:
        """What a line of the log says of how far a load is, in a few words; None: nothing."""
        ...

    def vitals(self, model: Model) -> Probe | None:
        """Where the engine counts the work that it does; None: it does not."""
        ...

    def work_done(self, vitals: str) -> float | None:
        """That count, from the body of `vitals`. It grows while the engine gets on with its requests."""
        ...

    def takes_what_it_gets(self, model: Model) -> bool:
        """Whether what it was seen to hold says nothing of what it needs, as it fills the share it is given."""
        ...

    def beside_cache_mib(self, log: str) -> int | None:
        """What each GPU has to hold beside its cache, from the log of a start that measured it; None: it did
        not."""
        ...

    def explain(self, model: Model, exit_: Exit) -> Failure:
        """Why it ended, from how it ended and what it said."""
        ...


CANARY_TIMEOUT_S = 120.0
CHATS = frozenset({Capability.CHAT, Capability.VISION, Capability.TOOLS, Capability.REASONING})
PAINTS = frozenset({Capability.IMAGES})
PICTURE = {"prompt": "a grey square", "size": "64x64"}


def openai_canary(model: Model) -> Probe | None:
    """One small request for what the model can do. Of voices, recordings and edits there are no small ones."""
    can = frozenset(model.capabilities)
    for abilities, path, body in CANARIES:
        if can & abilities:
            named = {"model": model.name}
            instead = named | PICTURE if abilities is PAINTS else None  # some have steps of their own
            return Probe(path, CANARY_TIMEOUT_S, {**named, **body}, instead=instead)
    return None


CANARIES: tuple[tuple[frozenset[Capability], str, Mapping[str, Any]], ...] = (
    (CHATS, "/v1/chat/completions", {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 1}),
    (frozenset({Capability.COMPLETIONS}), "/v1/completions", {"prompt": "hi", "max_tokens": 1}),
    (frozenset({Capability.EMBEDDINGS}), "/v1/embeddings", {"input": "hi"}),
    (frozenset({Capability.RERANK}), "/v1/rerank", {"query": "hi", "documents": ["hi"]}),
    (PAINTS, "/v1/images/generations", PICTURE | {"num_inference_steps": 2}),
)


def bearer(api_key: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {api_key}"} if api_key else {}
