"""`switchyard events`: what happened; with `--follow`, what happens."""

import asyncio
from typing import Annotated

import typer

from switchyard_contracts.events import EventKind, ManagerEvent
from switchyard_manager.cli.arguments import EveryModel, Limit
from switchyard_manager.cli.asking import Failed, Manager, ask
from switchyard_manager.cli.event_lines import line
from switchyard_manager.cli.printing import Json, say, say_json

TRY_AGAIN_S = 1.0


def events(
    model: EveryModel = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what happens, until Ctrl-C.")
    ] = False,
    limit: Limit = 20,
    json_output: Json = False,
) -> None:
    """Show what happened last: phases, failures, what made room for what."""
    if not follow:
        _show(ask(lambda manager: kept(manager, model, limit)), json_output=json_output)
        return
    try:
        ask(lambda manager: _Follower(manager, limit, json_output).follow(model))
    except KeyboardInterrupt:
        return


async def kept(manager: Manager, model: str | None, limit: int) -> list[ManagerEvent]:
    """Of a model that was removed, too; a name that never was one is an error."""
    found = await manager.happened(model, limit)
    if model is not None and not found:
        await manager.model(model)
    return found


def _show(found: list[ManagerEvent], *, json_output: bool) -> None:
    if json_output:
        say_json([event.model_dump(mode="json") for event in found])
        return
    for event in found:
        say(line(event))
    if not found:
        say("Nothing has happened yet.")


class _Follower:
    """What was kept, and then the stream: listened to first, so that nothing falls between the two."""

    def __init__(self, manager: Manager, limit: int, json_output: bool) -> None:
        self._manager = manager
        self._limit = limit
        self._json_output = json_output
        self._last: int | None = None  # the number of the last that came, of whatever model
        self._shown = 0

    async def follow(self, model: str | None) -> None:
        name = None if model is None else (await self._manager.model(model)).name
        await self._manager.status()  # one that is away at the outset is an error
        while True:
            try:
                async for event in self._manager.events(self._last):
                    await self._hear(event, name)
            except Failed as failed:
                if not failed.is_away:
                    raise
            await asyncio.sleep(TRY_AGAIN_S)

    async def _hear(self, event: ManagerEvent, name: str | None) -> None:
        self._last = event.seq
        if event.kind is EventKind.SNAPSHOT:
            for earlier in await self._manager.happened(name, self._limit):
                self._show_new(earlier)
        elif name in {None, event.model}:
            self._show_new(event)

    def _show_new(self, event: ManagerEvent) -> None:
        if event.seq <= self._shown:
            return
        self._shown = event.seq
        if self._json_output:
            say_json(event, indent=None)
        else:
            say(line(event))
