"""What manager and proxy say to each other, on one long-lived connection. Values and their JSON, nothing else.

A **grant** is the manager's word that a proxy may send requests for a model to an endpoint, until revoked.
While the proxy holds it, requests cost no message. Each grant has its own id, so that a `drained` which
crosses a new grant on the wire cannot be taken for the new one. Spans of time are seconds from now:
the two machines' clocks need not agree.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from switchyard_contracts.errors import ErrorBody, ErrorCode
from switchyard_contracts.serving import Routing
from switchyard_contracts.status import ModelStatus, Phase

PROTOCOL = 1
PATH = "/control"


class Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Held(Message):
    """A grant that a proxy still holds when it comes back, with what runs on it."""

    model: str
    grant: str
    in_flight: int = 0


class Hello(Message):
    """proxy → manager, first: who I am and what I still hold."""

    kind: Literal["hello"] = "hello"
    protocol: int = PROTOCOL
    proxy: str
    holds: tuple[Held, ...] = ()


class Want(Message):
    """proxy → manager: a request waits for this model."""

    kind: Literal["want"] = "want"
    model: str
    ticket: str
    priority: int = 0
    deadline_s: float | None = None
    looks: bool = False  # at the engine, if it runs: nothing is loaded for that


class Unwant(Message):
    """proxy → manager: the request left, or has been served; its ticket is void. The load is not."""

    kind: Literal["unwant"] = "unwant"
    model: str
    ticket: str


class Drained(Message):
    """proxy → manager: nothing of mine runs on this grant any more, and nothing will."""

    kind: Literal["drained"] = "drained"
    model: str
    grant: str


class InFlight(Message):
    """proxy → manager: how many requests run on this grant, and since when none does."""

    kind: Literal["in_flight"] = "in_flight"
    model: str
    grant: str
    n: int
    idle_s: float = 0.0


class Broken(Message):
    """proxy → manager: the engine behind this grant refused or dropped a connection. Look again."""

    kind: Literal["broken"] = "broken"
    model: str
    grant: str


class Welcome(Message):
    """manager → proxy, first."""

    kind: Literal["welcome"] = "welcome"
    protocol: int = PROTOCOL
    manager: str
    version: str


class Models(Message):
    """manager → proxy: every model as it is now. Sent at first and whenever anything changed."""

    kind: Literal["models"] = "models"
    models: tuple[ModelStatus, ...]
    routing: Routing = Routing()


class Granted(Message):
    """manager → proxy: send requests for `model` to `endpoint`, with these headers, until revoked."""

    kind: Literal["granted"] = "granted"
    model: str
    grant: str
    endpoint: str
    headers: dict[str, str] = Field(default_factory=dict)


class Revoke(Message):
    """manager → proxy: start nothing new on this grant; say `drained` when the last request is done."""

    kind: Literal["revoke"] = "revoke"
    model: str
    grant: str
    drain_s: float | None = None


class Loading(Message):
    """manager → proxy: how far the model is that somebody waits for."""

    kind: Literal["loading"] = "loading"
    model: str
    phase: Phase
    elapsed_s: float
    progress: str | None = None


class Refused(Message):
    """manager → proxy: this ticket will not be served, and why."""

    kind: Literal["refused"] = "refused"
    model: str
    ticket: str
    error: ErrorBody
    retry_after_s: int | None = None


FromProxy = Hello | Want | Unwant | Drained | InFlight | Broken
FromManager = Welcome | Models | Granted | Revoke | Loading | Refused

_FROM_PROXY: TypeAdapter[FromProxy] = TypeAdapter(Annotated[FromProxy, Field(discriminator="kind")])
_FROM_MANAGER: TypeAdapter[FromManager] = TypeAdapter(Annotated[FromManager, Field(discriminator="kind")])


def read_from_proxy(text: str | bytes) -> FromProxy:
    """Raises pydantic's `ValidationError` for anything that is not one of the messages."""
    return _FROM_PROXY.validate_json(text)


def read_from_manager(text: str | bytes) -> FromManager:
    """Raises pydantic's `ValidationError` for anything that is not one of the messages."""
    return _FROM_MANAGER.validate_json(text)


def not_to_be_seen(model: str) -> ErrorBody:
    """Why a look is refused, by whichever side knows it first."""
    message = f"cannot look at the engine of {model!r}: it is not loaded, and looking does not load it"
    return ErrorBody.of(ErrorCode.NOT_POSSIBLE_NOW, message)
