"""What a job is made from, and where its ticket waits. Values and interfaces only."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from switchyard_image_server.images.events import ImageEvent
from switchyard_image_server.worker import Ticket

Collect = Callable[[AsyncIterator[ImageEvent]], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class JobOrder:
    """What is to be done: `collect` makes the reply's body out of what the ticket delivers."""

    kind: str  # "image.generation" or "image.edit"
    ticket: Ticket[ImageEvent]
    collect: Collect
    webhook: str | None = None
    prefix: str = ""  # what a proxy in front has before our paths


class Queue(Protocol):
    """Where tickets wait: the worker."""

    def position(self, ticket: Ticket[Any]) -> int | None: ...

    @property
    def usual_s(self) -> float: ...
