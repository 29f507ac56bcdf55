"""`switchyard status --watch`: the page again at each event, and every two seconds for what no event tells.

A terminal gets it in place. Elsewhere it is the page once and then a line for each event, or with `--json` the
whole status at each change. The manager may go and come back meanwhile.
"""

import asyncio
import sys
from collections.abc import Callable
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from switchyard_contracts.events import EventKind, ManagerEvent
from switchyard_contracts.status import ManagerStatus
from switchyard_manager.cli.asking import Failed, Manager, ask
from switchyard_manager.cli.event_lines import line
from switchyard_manager.cli.printing import console, say, say_json, show
from switchyard_manager.cli.status_page import page

REFRESH_S = 2.0
AT_MOST_EVERY_S = 0.2
TRY_AGAIN_S = 1.0


class Screen(Protocol):
    """What shows it."""

    def status(self, status: ManagerStatus) -> None: ...

    def event(self, event: ManagerEvent) -> None: ...

    def away(self, why: Failed) -> None: ...


def watch(*, json_output: bool) -> None:
    ask(Manager.status)  # one that is away at the outset is an error, and no news
    try:
        if json_output:
            _run(_Json())
        elif not sys.stdout.isatty():
            _run(_Plain())
        else:
            out = console()
            with Live(console=out, auto_refresh=False, vertical_overflow="crop") as live:
                _run(_InPlace(out, live))
    except KeyboardInterrupt:
        return


def _run(screen: Screen) -> None:
    ask(lambda manager: keep_showing(manager, screen))


async def keep_showing(manager: Manager, screen: Screen) -> None:
    news = asyncio.Event()
    async with asyncio.TaskGroup() as both:
        both.create_task(_hear(manager, screen, news.set))
        while True:
            news.clear()
            try:
                screen.status(await manager.status())
            except Failed as failed:
                screen.away(failed)
            await asyncio.sleep(AT_MOST_EVERY_S)
            await _happens(news, REFRESH_S)


async def _hear(manager: Manager, screen: Screen, ring: Callable[[], None]) -> None:
    while True:
        try:
            async for event in manager.events():
                if event.kind is not EventKind.SNAPSHOT:
                    screen.event(event)
                ring()
        except Failed:
            ring()
        await asyncio.sleep(TRY_AGAIN_S)


async def _happens(news: asyncio.Event, limit_s: float) -> None:
    try:
        async with asyncio.timeout(limit_s):
            await news.wait()
    except TimeoutError:
        return


class _InPlace:
    def __init__(self, out: Console, live: Live) -> None:
        self._out = out
        self._live = live

    def status(self, status: ManagerStatus) -> None:
        self._live.update(Group(*page(status), Text("\nCtrl-C ends this; nothing else ends.", style="dim")))
        self._live.refresh()

    def event(self, event: ManagerEvent) -> None:
        pass

    def away(self, why: Failed) -> None:
        self._live.update(Text(f"{why} (looking again)", style="yellow"))
        self._live.refresh()


class _Plain:
    """The page is shown once, and again when the manager was away; between them, a line for each event."""

    def __init__(self) -> None:
        self._is_shown = False
        self._is_away = False

    def status(self, status: ManagerStatus) -> None:
        if not self._is_shown or self._is_away:
            show(*page(status))
        self._is_shown, self._is_away = True, False

    def event(self, event: ManagerEvent) -> None:
        say(line(event))

    def away(self, why: Failed) -> None:
        if not self._is_away:
            say(f"{why} (looking again)")
        self._is_away = True


class _Json:
    """One line for each status that differs from the one before."""

    def __init__(self) -> None:
        self._last: ManagerStatus | None = None

    def status(self, status: ManagerStatus) -> None:
        if status != self._last:
            say_json(status, indent=None)
        self._last = status

    def event(self, event: ManagerEvent) -> None:
        pass

    def away(self, why: Failed) -> None:
        if self._last is not None:
            say_json(why.envelope, indent=None)
        self._last = None
