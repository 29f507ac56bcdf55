"""Ask for a model and wait for what comes of it. Whoever asked may leave; the load is the manager's."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from switchyard_contracts.errors import ErrorBody, ErrorCode
from switchyard_contracts.events import EventKind, ManagerEvent
from switchyard_contracts.status import Phase
from switchyard_manager.api.desk import Desk
from switchyard_manager.api.errors import Problem
from switchyard_manager.api.sse import Streams
from switchyard_manager.supervise.chronicle import Chronicle
from switchyard_manager.supervise.commands import Answer, Command, Verb
from switchyard_manager.supervise.news import Asked

CALLED_OFF = frozenset({Verb.UNLOAD, Verb.CANCEL})


def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


@dataclass(slots=True)
class _Watch:
    """Begins to listen in the very step that records the wish: what comes of it may follow in the same."""

    chronicle: Chronicle
    answered: asyncio.Future[Answer] = field(default_factory=lambda: _loop().create_future())
    ended: asyncio.Future[ErrorBody | None] = field(default_factory=lambda: _loop().create_future())
    stop: Callable[[], None] = lambda: None

    def answer(self, answer: Answer) -> None:
        if self.answered.done():  # whoever asked has left already
            return
        self.answered.set_result(answer)
        if answer.error is None:
            self.stop = self.chronicle.listen(lambda event: self._hear(answer.model, event))

    def _hear(self, model: str, event: ManagerEvent) -> None:
        if event.model != model or self.ended.done():
            return
        said = event.data
        match event.kind:
            case EventKind.PHASE if said.get("after") == Phase.READY:
                self.ended.set_result(None)
            case EventKind.REFUSED:
                self.ended.set_result(ErrorBody.of(ErrorCode.MODEL_LOAD_FAILED, str(said.get("message"))))
            case EventKind.OPERATOR if said.get("command") in CALLED_OFF:
                message = f"cannot load {model}: the operator called it off ({said['command']})"
                self.ended.set_result(ErrorBody.of(ErrorCode.MODEL_LOAD_FAILED, message))


async def bring_up(desk: Desk, streams: Streams, command: Command, wait_s: float) -> Answer:
    """What came of the wish, once the model is ready or the time is over. Raises `Problem` if it failed."""
    watch = _Watch(desk.world.chronicle)
    desk.supervisor.post(Asked(command, watch.answer))
    try:
        answer = await watch.answered
        if answer.error is not None:
            raise Problem(answer.error)
        status = desk.model(answer.model)
        if status is None or status.phase is not Phase.READY:
            await _wait(desk, streams, watch, wait_s)
        return answer
    finally:
        watch.stop()


async def _wait(desk: Desk, streams: Streams, watch: _Watch, wait_s: float) -> None:
    if await streams.is_done_within(watch.ended, wait_s) and (error := watch.ended.result()) is not None:
        raise Problem(error)
