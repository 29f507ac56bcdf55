"""`load` and `switch`: ask for a model, show how far it is, end when it serves or cannot.

The load belongs to the manager: Ctrl-C ends the looking on, and nothing else.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Annotated

import typer

from switchyard_contracts.admin import ModelChange
from switchyard_contracts.errors import ErrorCode
from switchyard_contracts.events import EventKind, ManagerEvent
from switchyard_contracts.status import ModelStatus, Phase
from switchyard_manager.cli.arguments import ModelName
from switchyard_manager.cli.asking import Failed, Manager, ask
from switchyard_manager.cli.loading_line import LoadingLine
from switchyard_manager.cli.printing import Json, say, say_json
from switchyard_manager.cli.words import happened, span

FIRST_OF_ALL = 100  # nothing in models.json is above it
LOOK_EVERY_S = 0.5
INTERRUPTED = 130
COMING = frozenset({Phase.STARTING, Phase.LOADING, Phase.WARMING, Phase.WAKING})


def load(
    model: ModelName,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Stay until it serves; or ask for it and return.")
    ] = True,
    json_output: Json = False,
) -> None:
    """Load a model, and show how far it is. Ctrl-C leaves the load be."""
    _load(model, wait=wait, priority=0, json_output=json_output)


def switch(model: ModelName, json_output: Json = False) -> None:
    """Load a model before everybody else's, and tell what made room for it."""
    _load(model, wait=True, priority=FIRST_OF_ALL, json_output=json_output)


def _load(model: str, *, wait: bool, priority: int, json_output: bool) -> None:
    if not wait:
        change = ask(lambda manager: manager.wish(model, "load", priority=priority))
        _say_change(change, _asked_for(change), json_output=json_output)
        return
    with LoadingLine(is_silent=json_output) as shown:
        try:
            change, took_s = ask(lambda manager: _Loading(manager, shown, priority).until_it_serves(model))
        except KeyboardInterrupt:
            shown.close()
            say(f"The load of {model} goes on; `switchyard cancel {model}` would end it.", err=True)
            raise typer.Exit(INTERRUPTED) from None
    said = f"{change.model} is ready" + (f" after {span(took_s)}" if change.changed else " already")
    _say_change(change, said, json_output=json_output)


def _asked_for(change: ModelChange) -> str:
    if change.status is not None and change.status.phase is Phase.READY:
        return f"{change.model} is ready already"
    return f"{change.model} is asked for; `switchyard status` shows how far it is"


def _say_change(change: ModelChange, text: str, *, json_output: bool) -> None:
    if json_output:
        say_json(change)
    else:
        say(text)


@dataclass(slots=True)
class _Loading:
    """One load, looked on at. Events tell at once; looking again tells what an event was missed for."""

    manager: Manager
    shown: LoadingLine
    priority: int
    served: bool = False
    refused: str | None = None
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def until_it_serves(self, model: str) -> tuple[ModelChange, float]:
        clock = asyncio.get_running_loop().time
        began = clock()
        first = await self.manager.wish(model, "load", priority=self.priority)
        async with asyncio.TaskGroup() as both:
            listening = both.create_task(self._listen(first.model))
            end = await self._look_on(first)
            listening.cancel()
        if isinstance(end, Failed):
            raise end
        return first.model_copy(update={"status": end}), clock() - began

    async def _look_on(self, first: ModelChange) -> ModelStatus | Failed:
        """What it came to. A failure is no exception here: that would leave in a group."""
        status, served = first.status, False
        while True:
            if status is not None:
                self.shown.status(status)
                if (end := self._end(status, served=served)) is not None:
                    return end
            await self._happens()
            served = self.served  # before it is looked at: what is seen then is no older
            try:
                status = await self.manager.model(first.model)
            except Failed as failed:
                return failed

    def _end(self, status: ModelStatus, *, served: bool) -> ModelStatus | Failed | None:
        if served or status.phase is Phase.READY:
            return status
        if self.refused is None and (status.waiting or status.phase in COMING):
            return None
        if status.failure is not None:
            why = status.failure.sentence()
        else:
            why = (
                self.refused
                or f"cannot load {status.name}: it is {status.phase}, and nobody asks for it any more"
            )
        return Failed.because(ErrorCode.MODEL_LOAD_FAILED, why)

    async def _happens(self) -> None:
        try:
            async with asyncio.timeout(LOOK_EVERY_S):
                await self.news.wait()
        except TimeoutError:
            return
        self.news.clear()

    async def _listen(self, model: str) -> None:
        try:
            async for event in self.manager.events():
                self._hear(event, model)
        except Failed:
            return  # the looking tells what is the matter

    def _hear(self, event: ManagerEvent, model: str) -> None:
        match event.kind:
            case EventKind.MADE_ROOM if event.data.get("for_model") in {None, model} and event.model != model:
                self.shown.aside(f"{event.model} {happened(event)}")
            case EventKind.PHASE if event.model == model:
                self.served = self.served or event.data.get("after") == Phase.READY
                self.news.set()
            case EventKind.REFUSED if event.model == model:
                self.refused = str(event.data.get("message"))
                self.news.set()
            case EventKind.PROGRESS if event.model == model:
                self.news.set()
            case _:
                pass
