"""Change models.json from here, and have the change act at once. The file is the truth; this writes to it."""

import asyncio
import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from switchyard_contracts.admin import CatalogProblem, CatalogProblems, CatalogText, CatalogWritten
from switchyard_contracts.catalog import Catalog, CatalogRefused, Fault, read_catalog
from switchyard_contracts.errors import ErrorCode
from switchyard_contracts.events import EventKind, ManagerEvent
from switchyard_manager.api.errors import Problem
from switchyard_manager.catalog_edit import (
    NotInCatalog,
    Positions,
    entry_of,
    guarded_fields,
    guarded_places,
    remove_model,
    set_model,
)
from switchyard_manager.catalog_file import EditedMeanwhile, content_of, edit, text_of
from switchyard_manager.errors import Refused
from switchyard_manager.supervise import Supervisor
from switchyard_manager.supervise.news import CatalogRead
from switchyard_manager.supervise.world import World

HEARD_WITHIN_S = 10.0
GUARDED = (
    "over the network: edit models.json on the machine itself, or allow it with SWITCHYARD_ALLOW_REMOTE_SPECS=1"
)
CHANGED_MEANWHILE = (
    "cannot write models.json: it was changed since you read it; read it again, and make the change there"
)


@dataclass(frozen=True, slots=True)
class CatalogPlace:
    file: Path
    backups: Path  # a folder that exists
    allows_remote_specs: bool = False


class Editor:
    """The one way by which a new catalog reaches the supervisor, edited here or found in the file."""

    def __init__(self, place: CatalogPlace, world: World, supervisor: Supervisor) -> None:
        self._place = place
        self._world = world
        self._supervisor = supervisor
        self._told = world.catalog
        self._one_at_a_time = asyncio.Lock()

    def tell(self, fresh: Catalog) -> None:
        """What was told last is no news: the file's follower finds every edit of ours, too."""
        if not _says_the_same(fresh, self._told):
            self._told = fresh
            self._supervisor.post(CatalogRead(fresh))

    async def put(self, name: str, entry: Mapping[str, Any]) -> bool:
        """Whether the model is a new one."""
        is_new = False

        def change(text: str) -> str:
            nonlocal is_new
            before = entry_of(text, name)
            is_new = before is None
            if not self._place.allows_remote_specs:
                _check_allowed(name, guarded_fields(before, entry))
            return set_model(text, name, entry)

        await self._edit(change)
        return is_new

    async def delete(self, name: str) -> None:
        await self._edit(lambda text: remove_model(text, name))

    async def read(self) -> CatalogText:
        """The file as it is now. Raises `Problem`."""
        try:
            return await asyncio.to_thread(_read, self._place)
        except Refused as error:
            raise Problem.of(ErrorCode.NOT_POSSIBLE_NOW, str(error)) from error

    async def check(self, text: str) -> CatalogProblems:
        """What would keep this text from being written, all of it. Raises `Problem`."""
        guarded: tuple[str, ...] = ()
        if not self._place.allows_remote_specs:
            before = (await self.read()).text
            guarded = await asyncio.to_thread(guarded_places, before, text)
        return await asyncio.to_thread(_problems, text, guarded)

    async def replace(self, text: str, etag: str) -> CatalogWritten:
        """The whole text, if the file is still the one that was read. Raises `Problem`."""
        changed = False

        def change(before: str) -> str:
            nonlocal changed
            if etag not in ("*", etag_of(before)):
                raise Problem.of(ErrorCode.EDITED_MEANWHILE, CHANGED_MEANWHILE, "If-Match")
            if not self._place.allows_remote_specs and (fields := guarded_places(before, text)):
                raise Problem.of(ErrorCode.NOT_ALLOWED, f"cannot set {', '.join(fields)} {GUARDED}", fields[0])
            changed = before != text
            return text

        await self._edit(change)
        return CatalogWritten(changed=changed, etag=etag_of(text))

    async def _edit(self, change: Callable[[str], str]) -> None:
        async with self._one_at_a_time:  # what is told last must be what was written last
            try:
                fresh = await edit(self._place.file, change, self._place.backups)
            except CatalogRefused as refused:
                first = refused.faults[0].path or None
                raise Problem.of(ErrorCode.INVALID_VALUE, str(refused), first) from refused
            except NotInCatalog as error:
                raise Problem.of(ErrorCode.MODEL_NOT_FOUND, str(error), "name") from error
            except (EditedMeanwhile, Refused) as error:
                raise Problem.of(ErrorCode.NOT_POSSIBLE_NOW, str(error)) from error
            await self._until_heard(fresh)

    async def _until_heard(self, fresh: Catalog) -> None:
        heard = asyncio.Event()

        def look(event: ManagerEvent) -> None:
            if event.kind is EventKind.CATALOG and _says_the_same(self._world.catalog, fresh):
                heard.set()

        stop = self._world.chronicle.listen(look)
        try:
            self.tell(fresh)
            if not _says_the_same(self._world.catalog, fresh):
                async with asyncio.timeout(HEARD_WITHIN_S):
                    await heard.wait()
        finally:
            stop()


def etag_of(text: str) -> str:
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def _read(place: CatalogPlace) -> CatalogText:
    """Blocks."""
    text = text_of(place.file, content_of(place.file))
    target = place.file.resolve()
    return CatalogText(
        path=str(place.file),
        text=text,
        etag=etag_of(text),
        writable=os.access(target, os.W_OK) or os.access(target.parent, os.W_OK),
        guarded=not place.allows_remote_specs,
        problems=_problems(text, ()).problems,
    )


def _problems(text: str, guarded: tuple[str, ...]) -> CatalogProblems:
    """Blocks: a catalog may be large."""
    faults: tuple[Fault, ...] = ()
    try:
        read_catalog(text)
    except CatalogRefused as refused:
        faults = refused.faults
    positions = Positions(text)
    found = [*faults, *(Fault(path, f"cannot set this {GUARDED}") for path in guarded)]
    return CatalogProblems(problems=tuple(_problem(fault, positions.of(fault.path)) for fault in found))


def _problem(fault: Fault, position: tuple[int, int] | None) -> CatalogProblem:
    line, column = position or (None, None)
    return CatalogProblem(path=fault.path, message=fault.message, line=line, column=column)


def _check_allowed(name: str, fields: tuple[str, ...]) -> None:
    if fields:
        message = f"cannot set {', '.join(fields)} of {name} {GUARDED}"
        raise Problem.of(ErrorCode.NOT_ALLOWED, message, fields[0])


def _says_the_same(one: Catalog, other: Catalog) -> bool:
    return one == other and list(one.models) == list(other.models)
