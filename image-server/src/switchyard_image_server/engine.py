"""The one model of this process: where its life is, and the only way to give it work.

Phases are values, one at a time: loading, ready, turning (falling asleep or waking), asleep, failed, shutting.
Only the event loop writes the phase, in the same step in which it decides.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeVar

from switchyard_image_server.chat.protocol import Talks
from switchyard_image_server.errors import (
    Asleep,
    Busy,
    Cancelled,
    ServerError,
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
from switchyard_image_server.importing import once_for_all
from switchyard_image_server.memory.report import MemoryReport
from switchyard_image_server.progress import Progress
from switchyard_image_server.settings import ModelSettings
from switchyard_image_server.worker import Crew, Steps, Ticket, Worker

logger = logging.getLogger(__name__)

Event = TypeVar("Event")


class Draws(Protocol):
    """An image pipeline."""

    @property
    def kind(self) -> Literal["image"]: ...

    @property
    def facts(self) -> PipelineFacts: ...

    @property
    def memory(self) -> MemoryReport:
        """May be asked from any thread, and answers at once."""
        ...

    def draw(self, order: Order, ticket: Ticket[ImageEvent]) -> None: ...

    def sleep(self) -> None:
        """On the worker thread. Raises `Busy` with a reason, and stays awake, where it cannot."""
        ...

    def wake(self) -> None:
        """On the worker thread. Stays asleep if it raises."""
        ...


Model = Talks | Draws
Tell = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Loading:
    progress: Progress = field(default_factory=Progress)


@dataclass(frozen=True, slots=True)
class Ready:
    model: Model


@dataclass(frozen=True, slots=True)
class Turning:
    """On the way from ready to asleep, or back."""

    model: Model
    towards: Literal["asleep", "awake"]


@dataclass(frozen=True, slots=True)
class Sleeping:
    model: Model


@dataclass(frozen=True, slots=True)
class Failed:
    failure: StartFailure


@dataclass(frozen=True, slots=True)
class Shutting:
    pass


Phase = Loading | Ready | Turning | Sleeping | Failed | Shutting


def load_model(settings: ModelSettings, tell: Tell = lambda _: None) -> Model:
    """On the worker thread. What is no model is told before seconds are spent on imports."""
    identity = _identity(settings)
    with once_for_all():
        from switchyard_image_server.loading import load

    return load(settings, identity, tell)


def _identity(settings: ModelSettings) -> Identity:
    if settings.folder is not None:
        return identify_folder(settings.folder)
    from switchyard_image_server.repository import identify_repository

    return identify_repository(settings.model, settings.revision)


def free_memory() -> None:
    from switchyard_image_server.device import free_memory as free

    free()


class Engine:
    def __init__(self, name: str, worker: Worker, load: Callable[[Tell], Model]) -> None:
        self.name = name
        self.phase: Phase = Loading()
        self.worker = worker
        self._load = load

    async def load(self) -> None:
        """Load on the worker thread; the phase says how it goes. Never raises what the load raised."""

        def work(ticket: Ticket[Loading | Ready | Failed]) -> None:
            try:
                ticket.send(Ready(self._load(lambda progress: ticket.send(Loading(progress)))))
            except BaseException as error:  # libraries have been seen to exit
                if not isinstance(error, StartFailure):
                    logger.exception("cannot load %s", self.name)
                ticket.send(Failed(as_start_failure(error, self.name)))

        last: Loading | Ready | Failed = Loading()
        try:
            async for outcome in self.worker.submit(work, alone=True).events():
                last = outcome
                if isinstance(outcome, Loading) and not isinstance(self.phase, Shutting):
                    self.phase = outcome
        except (Stopping, Cancelled):
            logger.info("the load was given up")
            return
        except ServerError as lost:  # the worker was, and the load with it
            last = Failed(as_start_failure(lost, self.name))
        # Only now is the worker idle: whoever sends a model to sleep that is ready must not be refused.
        if not isinstance(self.phase, Shutting):
            if isinstance(last, Ready) and last.model.kind != "image":
                self.worker.employ(Crew(last.model.concurrency, last.model.together))
            self.phase = last

    def stop(self) -> None:
        """Take no more work, and settle what there is."""
        self.phase = Shutting()
        self.worker.cancel_all(Stopping())

    async def sleep(self) -> None:
        """Give the device's memory back. Refused while anything runs or waits."""
        if isinstance(self.phase, Sleeping):
            return
        model = self.model_named(None)
        ticket: Ticket[None] = self.worker.submit_if_idle(lambda _: model.sleep(), "fall asleep")
        await self._turn(Turning(model, "asleep"), ticket, done=Sleeping(model), undone=Ready(model))

    async def wake(self) -> None:
        """Take the device's memory again; nothing to do where it is awake."""
        match self.phase:
            case Sleeping(model):
                ticket: Ticket[None] = self.worker.submit_if_idle(lambda _: model.wake(), "wake")
                await self._turn(Turning(model, "awake"), ticket, done=Ready(model), undone=Sleeping(model))
            case Turning():
                raise Busy("cannot wake: the model is about to fall asleep or to wake; try again")
            case _:
                self.model_named(None)

    async def _turn(self, turning: Turning, ticket: Ticket[None], *, done: Phase, undone: Phase) -> None:
        """Shielded by nothing: whoever asked may leave, so the caller must see this through."""
        self.phase = turning
        outcome = undone
        try:
            async for _ in ticket.events():
                pass
            outcome = done
        finally:
            if self.phase is turning:
                self.phase = outcome

    def model_named(self, asked: str | None) -> Model:
        """The model, if it is ready and the request means it. There is only one, so a name may be left out."""
        match self.phase:
            case Ready(model):
                if asked not in {None, "", self.name}:
                    raise UnknownModel(
                        f"cannot find the model {asked[:64]!r}: this server has {self.name!r} only",
                        param="model",
                    )
                return model
            case Loading():
                raise StillLoading
            case Sleeping() | Turning():
                raise Asleep
            case Failed() | Shutting():
                raise Stopping

    def submit(self, work: Callable[[Ticket[Event]], Steps | None], lane: str = "") -> Ticket[Event]:
        return self.worker.submit(work, lane)
