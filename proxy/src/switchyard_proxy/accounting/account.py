"""What is kept of one request while it runs. The wire writes to it; it costs nothing until it is closed."""

from dataclasses import dataclass
from enum import StrEnum

from switchyard_proxy.accounting.captures import Capture


class Outcome(StrEnum):
    """How a request ended."""

    OK = "ok"
    REFUSED = "refused"  # with an error of ours, before any engine was asked
    ENGINE_ERROR = "engine_error"  # the engine answered with an error
    FAILED = "failed"  # no answer could be got, or it broke off
    CLIENT_LEFT = "client_left"
    CANCELLED = "cancelled"  # by id


ERRORS = frozenset({Outcome.REFUSED, Outcome.ENGINE_ERROR, Outcome.FAILED})


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the engine counted them."""

    tokens_in: int
    tokens_out: int
    cached: int | None = None  # of `tokens_in`


@dataclass(slots=True)
class Account:
    """One request. Times are of one monotonic clock, but for `at`; None: it never came to that."""

    id: str
    at: float  # Unix time at which it came
    began: float
    route: str
    key: str
    address: str
    asked: str = ""  # the model as the client named it
    model: str = ""  # the model that answered
    streams: bool = False
    retries: int = 0  # as the client counts its own
    retried: bool = False  # by us, on another engine
    fell_back: bool = False  # to another model
    queued: float | None = None  # when its turn in the model's line came
    leased: float | None = None  # when the model was there
    first: float | None = None  # when the first byte of the answer came
    ended: float | None = None
    status: int = 0
    outcome: Outcome = Outcome.OK
    code: str | None = None  # of an error of ours
    bytes_in: int = 0
    bytes_out: int = 0
    usage: Usage | None = None
    beats: int = 0  # signs of life sent
    capture: Capture | None = None  # of the bodies, where the operator wants that

    @property
    def queue_s(self) -> float | None:
        """How long it stood in the model's line."""
        return _span(self.began, self.queued)

    @property
    def load_s(self) -> float | None:
        """How long it waited for the model itself, after the line."""
        return _span(self.began if self.queued is None else self.queued, self.leased)

    @property
    def first_s(self) -> float | None:
        """How long the client waited for the first byte."""
        return _span(self.began, self.first)

    @property
    def total_s(self) -> float | None:
        return _span(self.began, self.ended)

    @property
    def tokens_per_second(self) -> float | None:
        """Made per second of the engine's work, reading the prompt included."""
        if self.usage is None or not self.usage.tokens_out or self.total_s is None:
            return None
        worked = self.total_s - (self.queue_s or 0) - (self.load_s or 0)
        return self.usage.tokens_out / worked if worked > 0 else None


def _span(begin: float, end: float | None) -> float | None:
    return None if end is None else max(end - begin, 0.0)
