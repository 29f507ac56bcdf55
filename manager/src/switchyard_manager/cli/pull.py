"""`switchyard pull MODEL…`: have a model's files downloaded before anybody asks for it, and show how far it is.

The download belongs to the manager: Ctrl-C ends the looking on, and nothing else.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Annotated

import typer

from switchyard_contracts.errors import ErrorCode
from switchyard_contracts.events import EventKind, ManagerEvent
from switchyard_contracts.status import FilesAt, ModelStatus
from switchyard_manager.cli.asking import Failed, Manager, ask
from switchyard_manager.cli.loading_line import LoadingLine
from switchyard_manager.cli.printing import Json, say, say_json

LOOK_EVERY_S = 0.5
INTERRUPTED = 130

Models = Annotated[list[str], typer.Argument(metavar="MODEL…", help="Names of models, or their aliases.")]


def pull(models: Models, json_output: Json = False) -> None:
    """Download the files of models, or what is new of them. Ctrl-C leaves the downloads be."""
    with LoadingLine(is_silent=json_output) as shown:
        try:
            done = ask(lambda manager: _pull_all(manager, shown, models))
        except KeyboardInterrupt:
            shown.close()
            say("The downloads go on; `switchyard cancel MODEL` would end one.", err=True)
            raise typer.Exit(INTERRUPTED) from None
    if json_output:
        say_json([status.model_dump(mode="json") for status in done])


async def _pull_all(manager: Manager, shown: LoadingLine, models: list[str]) -> list[ModelStatus]:
    """One after the other to look at; the manager has them all from the start."""
    watched = [_Pull(manager, shown, (await manager.wish(model, "pull")).model) for model in models]
    done: list[ModelStatus] = []
    ends: list[Failed] = []
    async with asyncio.TaskGroup() as both:
        listening = both.create_task(_listen(manager, watched))
        for one in watched:
            end = await one.until_it_is_over()
            if isinstance(end, Failed):
                ends.append(end)
                shown.aside(str(end))
            else:
                done.append(end)
                shown.aside(f"{one.model} is here")
        listening.cancel()
    if ends:
        raise ends[0]
    return done


@dataclass(slots=True)
class _Pull:
    """One download, looked on at. Its end is told by an event; looking tells what an event was missed for."""

    manager: Manager
    shown: LoadingLine
    model: str
    ended: ManagerEvent | None = None
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def until_it_is_over(self) -> ModelStatus | Failed:
        while True:
            ended = self.ended  # before it is looked at: what is seen then is how it ended
            try:
                status = await self.manager.model(self.model)
            except Failed as failed:
                return failed
            if ended is not None:
                message = ended.data.get("message")
                return status if message is None else Failed.because(ErrorCode.MODEL_LOAD_FAILED, str(message))
            if status.files is not None and status.files.at is FilesAt.FETCHING:
                self.shown.status(status)
            await self._happens()

    async def _happens(self) -> None:
        try:
            async with asyncio.timeout(LOOK_EVERY_S):
                await self.news.wait()
        except TimeoutError:
            return
        self.news.clear()

    def hear(self, event: ManagerEvent) -> None:
        if event.model != self.model:
            return
        if event.kind is EventKind.FILES and event.data.get("at") != FilesAt.FETCHING:
            self.ended = event
        self.news.set()


async def _listen(manager: Manager, watched: list[_Pull]) -> None:
    try:
        async for event in manager.events():
            for one in watched:
                one.hear(event)
    except Failed:
        return  # the looking tells what is the matter
