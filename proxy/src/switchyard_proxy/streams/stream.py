"""What a stream is: one request's reply as a log of numbered events. Values only.

Events are numbered from 1, in the order in which the engine sent them. What has a number never changes.
"""

import secrets
from dataclasses import dataclass
from enum import StrEnum

from switchyard_proxy.asgi import Header

EVENT_STREAM = b"text/event-stream"


class Kind(StrEnum):
    """The API that the reply speaks."""

    CHAT = "chat"
    COMPLETIONS = "completions"
    MESSAGES = "messages"
    RESPONSES = "responses"
    IMAGES = "images"


class Status(StrEnum):
    """Where a stream's life is. It leaves `running` once, and for good."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"  # by id, or because nobody listened any more
    INTERRUPTED = "interrupted"  # the proxy that made it stopped or died

    @property
    def over(self) -> bool:
        return self is not Status.RUNNING


@dataclass(frozen=True, slots=True)
class Order:
    """What is known of a stream when it is opened."""

    owner: str  # the caller's name
    model: str
    kind: Kind
    conversation: str | None = None
    background: bool = False  # it runs on though nobody listens
    request: bytes = b""  # the body, where something of it is asked for later
    id: str | None = None  # None: a new one


@dataclass(frozen=True, slots=True)
class Stream:
    """What is known of a stream beside its events. Times are Unix times."""

    id: str
    owner: str
    model: str
    kind: Kind
    created_at: float
    process: str  # that makes it
    conversation: str | None = None
    background: bool = False
    status: Status = Status.RUNNING
    code: int | None = None  # None: the reply has not begun
    headers: tuple[Header, ...] = ()
    first: int = 1  # the oldest event that is still kept
    last: int = 0
    size: int = 0  # of what is kept, in bytes
    ended_at: float | None = None

    @property
    def content_type(self) -> bytes:
        return next((value for name, value in self.headers if name == b"content-type"), b"")

    @property
    def has_events(self) -> bool:
        """Whether the reply is a stream of events rather than one document."""
        return self.content_type.split(b";")[0].strip().lower() == EVENT_STREAM


def new_id(kind: Kind) -> str:
    return ("resp_" if kind is Kind.RESPONSES else "stream_") + secrets.token_hex(16)
