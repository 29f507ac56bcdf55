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
    share: Share | None = None  # None: no GPU, or nothing is known of it; the engine's own default holds
    api_key: str = field(default="", repr=False)  # this run's own; see `Adapter.headers`


@dataclass(frozen=True, slots=True)
class Probe:
    """One HTTP request whose success means something. No body: GET; with one: POST."""

    path: str
    timeout_s: float
    body: Mapping[str, Any] | None = None


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

    def explain(self, model: Model, exit_: Exit) -> Failure:
        """Why it ended, from how it ended and what it said."""
        ...


CANARY_TIMEOUT_S = 120.0
CHATS = frozenset({Capability.CHAT, Capability.VISION, Capability.TOOLS, Capability.REASONING})


def openai_canary(model: Model) -> Probe | None:
    """One small request for what the model can do. Of voices, recordings and edits there are no small ones."""
    can = frozenset(model.capabilities)
    for abilities, path, body in CANARIES:
        if can & abilities:
            return Probe(path, CANARY_TIMEOUT_S, {"model": model.name, **body})
    return None


CANARIES: tuple[tuple[frozenset[Capability], str, Mapping[str, Any]], ...] = (
    (CHATS, "/v1/chat/completions", {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 1}),
    (frozenset({Capability.COMPLETIONS}), "/v1/completions", {"prompt": "hi", "max_tokens": 1}),
    (frozenset({Capability.EMBEDDINGS}), "/v1/embeddings", {"input": "hi"}),
    (frozenset({Capability.RERANK}), "/v1/rerank", {"query": "hi", "documents": ["hi"]}),
    (
        frozenset({Capability.IMAGES}),
        "/v1/images/generations",
        {"prompt": "a grey square", "size": "64x64", "num_inference_steps": 2},
    ),
)


def bearer(api_key: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {api_key}"} if api_key else {}
