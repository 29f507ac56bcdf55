"""The contract of an engine adapter, and the probes that all OpenAI-speaking engines share."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from switchyard_contracts.catalog import Capability, Model, ModelType
from switchyard_contracts.status import Failure
from switchyard_manager.places import Places
from switchyard_manager.runtimes import Exit, Listen, RunSpec


@dataclass(frozen=True, slots=True)
class Probe:
    """One HTTP request whose success means something. No body: GET; with one: POST."""

    path: str
    timeout_s: float
    body: Mapping[str, Any] | None = None


class Adapter(Protocol):
    def run_spec(self, model: Model, instance: str, listen: Listen, places: Places) -> RunSpec:
        """Raises `EngineFailed` when this machine lacks what the engine needs."""
        ...

    def health(self) -> Probe: ...

    def canary(self, model: Model) -> Probe:
        """One real inference, as small as can be."""
        ...

    def explain(self, model: Model, exit_: Exit) -> Failure:
        """Why it ended, from how it ended and what it said."""
        ...


CANARY_TIMEOUT_S = 120.0


def openai_canary(model: Model) -> Probe:
    if model.type is ModelType.IMAGE:
        body = {"model": model.name, "prompt": "a grey square", "size": "64x64", "num_inference_steps": 2}
        return Probe("/v1/images/generations", CANARY_TIMEOUT_S, body)
    if Capability.CHAT not in model.capabilities and Capability.EMBEDDINGS in model.capabilities:
        return Probe("/v1/embeddings", CANARY_TIMEOUT_S, {"model": model.name, "input": "hi"})
    body = {"model": model.name, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 1}
    return Probe("/v1/chat/completions", CANARY_TIMEOUT_S, body)
