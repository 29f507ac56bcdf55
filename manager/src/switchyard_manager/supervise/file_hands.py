"""Carry out what is to be done about models' files: look, fetch, call off, remove. Tells; never decides."""

import asyncio
import logging

from switchyard_contracts.errors import ErrorBody, ErrorCode, Reason
from switchyard_contracts.status import Failure
from switchyard_manager.model_files import words
from switchyard_manager.model_files.cache import Cache
from switchyard_manager.model_files.fetcher import Fetcher
from switchyard_manager.model_files.job import Told
from switchyard_manager.model_files.looking import is_here
from switchyard_manager.supervise.commands import Removed
from switchyard_manager.supervise.means import Means
from switchyard_manager.supervise.news import FetchOver, FilesProgress, FilesRemoved, FilesSeen
from switchyard_manager.supervise.wording import failure
from switchyard_manager.supervise.work import CallOffFetch, FetchFiles, FileWork, LookForFiles, RemoveFiles

log = logging.getLogger(__name__)


class FileHands:
    def __init__(self, means: Means) -> None:
        self._means = means
        self._fetcher = Fetcher(means.places)

    async def perform(self, work: FileWork) -> None:
        match work:
            case LookForFiles():
                await self._look(work)
            case FetchFiles():
                await self._fetch(work)
            case CallOffFetch(number=number):
                self._fetcher.call_off(number)
            case RemoveFiles():
                await self._remove(work)

    async def _look(self, work: LookForFiles) -> None:
        try:
            here = await asyncio.to_thread(is_here, work.model, self._means.places)
        except Exception:
            log.exception("cannot tell whether the files of %s are here", work.model.name)
            here = False
        self._means.post(FilesSeen(work.model.name, work.look, here))

    async def _fetch(self, work: FetchFiles) -> None:
        name, number = work.model.name, work.number

        def tell(told: Told) -> None:
            self._means.post(FilesProgress(name, number, _words(told), told.done_bytes, told.total_bytes))

        failed: Failure | None = None
        try:
            failed = await self._fetcher.fetch(number, work.model, tell, refresh=work.refresh)
        except Exception as error:
            log.exception("cannot fetch the files of %s", name)
            text = f"cannot download {name}: a fault in the manager ({error})"
            failed = failure(Reason.RUNTIME_UNAVAILABLE, text)
        self._means.post(FetchOver(name, number, failed))

    async def _remove(self, work: RemoveFiles) -> None:
        repos, cache = work.removal.repos, Cache(self._means.places.hub)
        try:
            freed = await asyncio.to_thread(lambda: sum(map(cache.remove, repos)))
            removed = Removed(repos, freed)
        except OSError as error:
            text = f"cannot remove {', '.join(repos)}: {error.strerror or error} ({error.filename})"
            removed = Removed(error=ErrorBody.of(ErrorCode.NOT_POSSIBLE_NOW, text))
        self._means.post(FilesRemoved(work.removal.models))
        work.answer(removed)


def _words(told: Told) -> str:
    if told.text is not None:
        return told.text
    if not told.total_bytes:
        return "looking what there is to download"
    return words.progress(told.done_bytes, told.total_bytes)
