"""The one model of this process: where its life is, and the only way to give it work.

Phases are values, one at a time: loading, ready, failed, stopping. Only the event loop writes the phase.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from switchyard_image_server.chat.conversation import Conversation
from switchyard_image_server.chat.events import ChatEvent
from switchyard_image_server.chat.request import ChatRequest
from switchyard_image_server.errors import (
    Cancelled,
    StartFailure,
    StillLoading,
    Stopping,
    UnknownModel,
    as_start_failure,
)
from switchyard_image_server.identity import Identity, identify_folder
from switchyard_image_server.images.classes import PipelineFacts
from switchyard_image_server.images.events import ImageEvent
from switchyard_image_server.images.order import Order
from switchyard_image_server.settings import ModelSettings
from switchyard_image_server.worker import Ticket, Worker

logger = logging.getLogger(__name__)

Event = TypeVar("Event")


class Talks(Protocol):
    """A language model, or one that sees. Both methods' work is for the worker thread."""

    @property
    def kind(self) -> Literal["text", "vision"]: ...

    @property
    def context(self) -> int: ...

    def answer(self, request: ChatRequest, conversation: Conversation, ticket: Ticket[ChatEvent]) -> None: ...


class Draws(Protocol):
    """An image pipeline."""

    @property
    def kind(self) -> Literal["image"]: ...

    @property
    def facts(self) -> PipelineFacts: ...

    def draw(self, order: Order, ticket: Ticket[ImageEvent]) -> None: ...


Model = Talks | Draws


@dataclass(frozen=True, slots=True)
class Loading:
    pass


@dataclass(frozen=True, slots=True)
class Ready:
    model: Model


@dataclass(frozen=True, slots=True)
class Failed:
    failure: StartFailure


@dataclass(frozen=True, slots=True)
class Shutting:
    pass


Phase = Loading | Ready | Failed | Shutting


def load_model(settings: ModelSettings) -> Model:
    """On the worker thread. What is no model is told before seconds are spent on imports."""
    identity = _identity(settings)
    from switchyard_image_server.loading import load

    return load(settings, identity)


def _identity(settings: ModelSettings) -> Identity:
    if settings.folder is not None:
        return identify_folder(settings.folder)
    from switchyard_image_server.repository import identify_repository

    return identify_repository(settings.model, settings.revision)


def free_memory() -> None:
    from switchyard_image_server.device import free_memory as free

    free()


class Engine:
    def __init__(self, name: str, worker: Worker, load: Callable[[], Model]) -> None:
        self.name = name
        self.phase: Phase = Loading()
        self.worker = worker
        self._load = load

    async def load(self) -> None:
        """Load on the worker thread; the phase says how it went. Never raises what the load raised."""

        def work(ticket: Ticket[Ready | Failed]) -> None:
            try:
                ticket.send(Ready(self._load()))
            except Exception as error:
                if not isinstance(error, StartFailure):
                    logger.exception("cannot load %s", self.name)
                ticket.send(Failed(as_start_failure(error, self.name)))

        try:
            async for outcome in self.worker.submit(work).events():
                if not isinstance(self.phase, Shutting):
                    self.phase = outcome
        except (Stopping, Cancelled):
            logger.info("the load was given up")

    def stop(self) -> None:
        """Take no more work, and settle what there is."""
        self.phase = Shutting()
        self.worker.cancel_all(Stopping())

    def model_named(self, asked: str | None) -> Model:
        """The model, if it is ready and the request means it. There is only one, so a name may be left out."""
        match self.phase:
            case Ready(model):
                if asked not in {None, self.name}:
                    raise UnknownModel(
                        f"cannot find the model {asked!r}: this server has {self.name!r} only", param="model"
                    )
                return model
            case Loading():
                raise StillLoading
            case Failed() | Shutting():
                raise Stopping

    def submit(self, work: Callable[[Ticket[Event]], None]) -> Ticket[Event]:
        return self.worker.submit(work)
