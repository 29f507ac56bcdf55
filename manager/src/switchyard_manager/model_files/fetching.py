"""All that one job needs, from the list of its files to the branch that stands at the new commit. Blocking."""

import contextlib
import os
import threading
import traceback
from collections.abc import Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from switchyard_contracts.errors import Reason
from switchyard_contracts.status import Failure
from switchyard_manager.model_files import choice, looking, transfer, words
from switchyard_manager.model_files.cache import Cache
from switchyard_manager.model_files.hub import Hub, Listing
from switchyard_manager.model_files.job import Done, Job, failure
from switchyard_manager.model_files.needs import Need, Part
from switchyard_manager.model_files.telling import Teller, say
from switchyard_manager.model_files.transfer import FetchFailed, Remote, Ways

AT_ONCE = 4  # files
LOOK_EVERY_S = 0.5
PLAIN_HTTP_LIMIT = 50_000_000_000  # larger ones the Hub hands out in another way only
SMALLEST_TOLD = 10_000_000  # files below this come first
LARGEST_READ = 32 * 2**20  # of those that tell which others are needed


@dataclass(frozen=True, slots=True)
class Chosen:
    """One need, with the files that it comes to."""

    need: Need
    listing: Listing
    names: tuple[str, ...]

    @property
    def files(self) -> dict[str, Remote]:
        return {name: self.listing.files[name] for name in self.names}


class Fetch:
    def __init__(self, given: Job, http: httpx.Client, teller: Teller) -> None:
        self._job = given
        self._cache = Cache(Path(given.hub))
        self._hub = Hub(given.endpoint, given.token)
        self._teller = teller
        self._http = http
        self._fetched = 0
        self._counting = threading.Lock()

    def run(self) -> Done:
        """Raises `FetchFailed`."""
        try:
            self._cache.make()
            return self._run()
        except OSError as error:
            raise FetchFailed(transfer.disk_failure(error, self._cache.hub)) from error

    def _run(self) -> Done:
        with contextlib.ExitStack() as held:
            for repo in sorted({need.repo for need in self._job.needs}):
                why = f"waits: another download of {repo} is under way"
                held.enter_context(self._cache.alone_with(repo, partial(self._teller.waits, LOOK_EVERY_S, why)))
            chosen = self._choose_all()
            self._fetch_all(chosen)
            for one in chosen:
                self._put_in_place(one)
        return Done(self._fetched)

    def _ways(self, need: Need, *, counted: bool = True) -> Ways:
        return Ways(
            http=self._http,
            headers=self._hub.headers,
            tell=self._teller.more if counted else lambda _: None,
            pause=self._teller.waits,
            refusal=lambda status, headers: self._hub.refusal(need, status, headers),
            what=need.repo,
            pause_s=self._job.pause_s,
        )

    # What there is to fetch

    def _choose_all(self) -> list[Chosen]:
        found: list[Chosen] = []
        needs = list(self._job.needs)
        for need in needs:
            one = self._choose_if_it_must_be(need)
            if one is None:
                continue
            found.append(one)
            if need.code:
                others = choice.other_repositories(self._told(need, one.listing))
                needs += [Need(repo, part=Part.SMALL) for repo in others if repo != need.repo]
        return found

    def _choose_if_it_must_be(self, need: Need) -> Chosen | None:
        """None: it is here, or it is none of the Hub's."""
        try:
            if self._job.offline:
                raise FetchFailed(_offline(need))
            return self._choose(need)
        except FetchFailed as failed:
            reason = failed.failure.reason
            if reason is Reason.HUB_UNREACHABLE and not self._job.refresh and self._is_whole_here(need):
                return None
            if need.must or reason not in {Reason.MODEL_NOT_FOUND, Reason.HUB_UNREACHABLE}:
                raise
            return None

    def _choose(self, need: Need) -> Chosen:
        listings: list[Listing] = []
        transfer.persistently(
            lambda: listings.append(self._hub.listing(need)), self._ways(need), tries=self._tries(need)
        )
        (listing,) = listings
        try:
            names = choice.choose(need, tuple(listing.files), self._told(need, listing))
        except choice.Unclear as unclear:
            advice = "name another repository, or download the file that you want and give its folder as `path`"
            said = f"cannot use {need.repo}: {unclear}"
            raise FetchFailed(failure(Reason.MODEL_NOT_FOUND, said, advice)) from unclear
        return Chosen(need, listing, names)

    def _tries(self, need: Need) -> int:
        return 1 if not self._job.refresh and self._is_whole_here(need) else transfer.TRIES

    def _is_whole_here(self, need: Need) -> bool:
        """Somebody else has downloaded it. From now on we know."""
        commit, sizes = self._cache.commit_of(need), looking.whole_by_its_lists(self._cache, need)
        if commit is None or not sizes:
            return False
        self._cache.finish(need, commit, sizes)
        return True

    def _told(self, need: Need, listing: Listing) -> Mapping[str, Any]:
        """What the small files say that tell which others are needed."""
        said: dict[str, Any] = {}
        for name in choice.TOLD_FIRST:
            remote = listing.files.get(name)
            if remote is not None and remote.size <= LARGEST_READ:
                self._fetch(need, remote, self._ways(need, counted=False))
                said[name] = looking.read_json(self._cache.blob(need.repo, remote.etag))
        return said

    # Fetching it

    def _fetch_all(self, chosen: list[Chosen]) -> None:
        # Two needs may share a file, and two names its bytes.
        wanted = {(one.need.repo, file.etag): (one, name) for one in chosen for name, file in one.files.items()}
        files = [(one, name, one.listing.files[name]) for one, name in wanted.values()]
        total = sum(remote.size for _, _, remote in files)
        here = sum(self._here(one.need.repo, remote) for one, _, remote in files)
        self._check_room(total - here)
        self._teller.expect(here, total)
        missing = [(one, name, file) for one, name, file in files if not self._is_here(one.need.repo, file)]
        # The small ones first: where something is wrong with a repository, it shows in them.
        missing.sort(key=lambda item: item[2].size >= SMALLEST_TOLD)
        with ThreadPoolExecutor(AT_ONCE) as threads:
            running = [threads.submit(self._fetch_one, one, name, remote) for one, name, remote in missing]
            done, waiting = wait(running, return_when=FIRST_EXCEPTION)
            if any(future.exception() for future in done):
                for future in waiting:
                    future.cancel()
                self._leave(next(error for future in done if (error := future.exception())))
        self._teller.say()

    def _leave(self, error: BaseException) -> None:
        """What else is on its way would go on for long: the process ends, and what has come is kept."""
        if isinstance(error, OSError):
            error = FetchFailed(transfer.disk_failure(error, self._cache.hub))
        if isinstance(error, FetchFailed):
            say(error.failure)
            os._exit(0)
        traceback.print_exception(error)
        os._exit(1)

    def _fetch_one(self, one: Chosen, name: str, remote: Remote) -> None:
        if remote.size > PLAIN_HTTP_LIMIT:
            transfer.persistently(partial(self._fetch_very_large, one, name, remote), self._ways(one.need))
            return
        self._fetch(one.need, remote, self._ways(one.need))

    def _fetch_very_large(self, one: Chosen, name: str, remote: Remote) -> None:
        told = 0

        def tell(number: int) -> None:
            nonlocal told
            told += number
            self._teller.more(number)

        try:
            self._hub.fetch_with_its_own_library(one.need, one.listing.commit, name, self._cache.hub, tell)
        except transfer.Broken:
            self._teller.more(-told)  # it begins again
            raise
        self._teller.more(remote.size - told)
        self._count(remote.size)

    def _fetch(self, need: Need, remote: Remote, ways: Ways) -> None:
        if not self._is_here(need.repo, remote):
            self._count(transfer.fetch(remote, self._cache.blob(need.repo, remote.etag), ways))

    def _count(self, number: int) -> None:
        with self._counting:
            self._fetched += number

    def _is_here(self, repo: str, remote: Remote) -> bool:
        """A file of another size was cut by a disk, or by another program."""
        return _size(self._cache.blob(repo, remote.etag)) == remote.size

    def _here(self, repo: str, remote: Remote) -> int:
        if self._is_here(repo, remote):
            return remote.size
        blob = self._cache.blob(repo, remote.etag)
        return min(_size(blob.with_name(f"{blob.name}.incomplete")), remote.size)

    def _check_room(self, missing: int) -> None:
        free, headroom = self._cache.room()
        if missing and missing + headroom > free:
            raise FetchFailed(
                failure(
                    Reason.DISK_FULL,
                    f"cannot download {self._job.model}: {words.size(missing)} are missing, and the disk of"
                    f" {self._cache.hub} has {words.size(free)} free ({words.size(headroom)} are left free)",
                    "free disk space there (`switchyard models` shows what models take), or set"
                    " SWITCHYARD_HF_CACHE to a folder on a larger disk",
                )
            )

    def _put_in_place(self, one: Chosen) -> None:
        for name, remote in one.files.items():
            self._cache.link(one.need.repo, one.listing.commit, name, remote.etag)
        sizes = {name: remote.size for name, remote in one.files.items()}
        self._cache.finish(one.need, one.listing.commit, sizes)
        self._cache.sweep(one.need.repo, {remote.etag for remote in one.listing.files.values()})


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _offline(need: Need) -> Failure:
    said = (
        f"cannot download {need.repo}: HF_HUB_OFFLINE keeps Switchyard from asking the Hub, and it is not here"
    )
    advice = "unset HF_HUB_OFFLINE for the manager, or download it elsewhere and give its folder as `path`"
    return failure(Reason.HUB_UNREACHABLE, said, advice)
