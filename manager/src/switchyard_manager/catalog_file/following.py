"""Notice what the operator changes in models.json. A file that cannot be used is refused whole.

The folder is watched, not the file: editors replace a file by another of its name. Nothing is told of a change
through a single file that is mounted into a container, nor on most network drives: so it is also read at
intervals.
"""

import asyncio
import contextlib
import functools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from watchfiles import Change, awatch

from switchyard_contracts.catalog import Catalog, CatalogRefused, read_catalog
from switchyard_manager.catalog_file.reading import content_of, text_of
from switchyard_manager.errors import Refused

log = logging.getLogger(__name__)

LOOK_EVERY_S = 3.0
SETTLE_S = 0.2  # a file must stay as it is for this long: whoever writes it may be half-way
SETTLE_LOOKS = 25
RETRY_S = 10.0
WATCH_AGAIN_S = 60.0
GROUPED_MS = 400

OnChange = Callable[[Catalog], None]
OnFault = Callable[[tuple[str, ...]], None]


async def follow(file: Path, on_change: OnChange, on_fault: OnFault, known: Catalog | None = None) -> None:
    """Until cancelled: tell each catalog that differs from the last one, and each time what is wrong instead.

    No faults at all means: mended. While there are some, the catalog told last stays the one in use. `known` is
    the catalog in use at the start; without it, what the file holds at the start is taken to be in use.
    """
    follower = _Follower(file, on_change, on_fault, known)
    changed = asyncio.Event()
    async with asyncio.TaskGroup() as own:
        own.create_task(_watch(file, changed))
        while True:
            changed.clear()
            await follower.look_and_survive()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await changed.wait()


@dataclass(slots=True)
class _Follower:
    file: Path
    on_change: OnChange
    on_fault: OnFault
    known: Catalog | None
    judged: bytes | str | None = None  # the content judged last, or why there was none
    faults: tuple[str, ...] = ()

    async def look_and_survive(self) -> None:
        """Whatever goes wrong in here must not be the last time that anyone looks."""
        try:
            await self._look()
        except Exception:
            log.exception("cannot follow %s; the next look is in %g s", self.file, RETRY_S)
            await asyncio.sleep(RETRY_S)

    async def _look(self) -> None:
        content = await self._settled()
        if content == self.judged:
            return
        if isinstance(content, str):
            self._refuse((content,))
        else:
            await self._judge(content)
        self.judged = content

    async def _settled(self) -> bytes | str:
        """The content once it no longer changes; if it always does, as it is."""
        content = await asyncio.to_thread(_content, self.file)
        for _ in range(SETTLE_LOOKS):
            if content == self.judged:
                break
            await asyncio.sleep(SETTLE_S)
            before, content = content, await asyncio.to_thread(_content, self.file)
            if content == before:
                break
        return content

    async def _judge(self, content: bytes) -> None:
        try:
            catalog = await asyncio.to_thread(_catalog, self.file, content)
        except CatalogRefused as refused:
            self._refuse(tuple(map(str, refused.faults)))
        except Refused as refused:
            self._refuse((str(refused),))
        except Exception as error:
            log.exception("cannot read %s", self.file)
            self._refuse((f"cannot read {self.file.name}: {error!r}; the log says more, and change it back",))
        else:
            self._accept(catalog)

    def _refuse(self, faults: tuple[str, ...]) -> None:
        if faults == self.faults:
            return
        for fault in faults:
            log.error("%s: %s", self.file.name, fault)
        log.error("cannot use %s as it is now: the models stay as they were", self.file.name)
        self.on_fault(faults)
        self.faults = faults

    def _accept(self, catalog: Catalog) -> None:
        if self.faults:
            log.info("%s is good again", self.file.name)
            self.on_fault(())
            self.faults = ()
        if self.known is None and self.judged is None:
            self.known = catalog
        if self.known is None or not _says_the_same(catalog, self.known):
            log.info("read %s again: %d models", self.file.name, len(catalog.models))
            self.on_change(catalog)
            self.known = catalog


async def _watch(file: Path, changed: asyncio.Event) -> None:
    """Say at once when something happens to the file. Where nobody can know, the looks at intervals do."""
    told = ""
    while True:
        try:
            folders, names = await asyncio.to_thread(_where, file)
            events = awatch(
                *folders,
                watch_filter=functools.partial(_is_named, names),
                debounce=GROUPED_MS,
                recursive=False,
            )
            async for _ in events:
                changed.set()
        except Exception as error:
            if str(error) != told:
                log.warning("cannot watch %s, so it is read every %g s: %s", file, LOOK_EVERY_S, error)
            told = str(error)
        await asyncio.sleep(WATCH_AGAIN_S)


def _is_named(names: set[str], _: Change, path: str) -> bool:
    return Path(path).name in names


def _where(file: Path) -> tuple[set[Path], set[str]]:
    """The folders and names to watch: of the file, and of what it links to."""
    target = file.resolve()
    return {file.parent, target.parent}, {file.name, target.name}


def _content(file: Path) -> bytes | str:
    try:
        return content_of(file)
    except Refused as refused:
        return str(refused)


def _catalog(file: Path, content: bytes) -> Catalog:
    return read_catalog(text_of(file, content))


def _says_the_same(one: Catalog, other: Catalog) -> bool:
    return one == other and list(one.models) == list(other.models)
