"""The bytes of one file over HTTP: resumed where they broke off, checked by their hash. Blocking.

A transfer that breaks is taken up again as long as it gets on: only tries in a row that bring nothing new end
it. What the server asks to wait, it waits. A file is put in its place only when its hash is what was announced,
and no more of it is taken than was announced.
"""

import errno
import hashlib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import httpx

from switchyard_contracts.errors import Reason
from switchyard_contracts.status import Failure
from switchyard_manager.model_files.job import failure

TRIES = 6
LONGEST_PAUSE_S = 30.0
LONGEST_ASKED_PAUSE_S = 300.0  # by the server
CHUNK = 2**20
WRONG_TIMES = 2  # the first may be an older file's beginning, taken up; what comes anew is not
CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-\d+/")
WHOLE, PART, BEYOND_THE_END = 200, 206, 416


@dataclass(frozen=True, slots=True)
class Remote:
    """A file as the Hub announces it."""

    url: str
    etag: str  # the hash of its bytes: SHA-256 of large files, git's own of small ones
    size: int
    is_large: bool

    def hasher(self) -> "hashlib._Hash":
        if self.is_large:
            return hashlib.sha256()
        return hashlib.sha1(f"blob {self.size}\0".encode(), usedforsecurity=False)


class FetchFailed(Exception):
    """Asking again would not help."""

    def __init__(self, failed: Failure) -> None:
        super().__init__(failed.sentence())
        self.failure = failed


class Broken(Exception):
    """It broke off, and may go on."""

    def __init__(self, why: str, asked_s: float | None = None) -> None:
        super().__init__(why)
        self.asked_s = asked_s  # how long the server wants us to wait

    @classmethod
    def of_reply(cls, who: str, status: int, headers: Mapping[str, str]) -> "Broken":
        asked = headers.get("Retry-After", "")
        return cls(f"{who} answers {status}", float(asked) if asked.isascii() and asked.isdigit() else None)


@dataclass(frozen=True, slots=True)
class Ways:
    """What a transfer is done with."""

    http: httpx.Client
    headers: Mapping[str, str]
    # So many bytes more are here; fewer, where some had to be thrown away; none, where it is busy with them.
    tell: Callable[[int], None]
    pause: Callable[[float, str], None]  # for so many seconds, and why
    refusal: Callable[[int, Mapping[str, str]], Exception]  # what the Hub means by an answer that is no file
    what: str = ""  # for messages
    pause_s: float = 1.0


def fetch(remote: Remote, into: Path, ways: Ways) -> int:
    """Until the whole file is at `into`; how many bytes came. Raises `FetchFailed`."""
    begun = into.with_name(f"{into.name}.incomplete")
    into.parent.mkdir(parents=True, exist_ok=True)
    come = _Counted(ways)
    persistently(lambda: _go_on(remote, begun, into, come), ways, lambda: come.longest)
    return come.fetched


def persistently(
    act: Callable[[], None], ways: Ways, count: Callable[[], int] = lambda: 0, *, tries: int = TRIES
) -> None:
    """Again while it gets on, by what `count` says, and a few times more. Raises `FetchFailed`."""
    left, before, pause_s = tries, count(), ways.pause_s
    while True:
        try:
            act()
            return
        except Broken as broken:
            if count() > before:
                left, before, pause_s = tries, count(), ways.pause_s
            left -= 1
            if not left:
                raise FetchFailed(_unreachable(ways.what, broken, tries)) from broken
            asked_s = min(broken.asked_s or 0.0, LONGEST_ASKED_PAUSE_S)
            ways.pause(max(pause_s, asked_s), str(broken))
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


class _Counted:
    """What has come. It gets on where the file is longer than it ever was: not where the same comes again."""

    def __init__(self, ways: Ways) -> None:
        self.ways = ways
        self.fetched = 0
        self.longest = 0
        self.wrong = 0  # times that it was not what was announced

    def more(self, number: int, length: int) -> None:
        self.fetched += number
        self.longest = max(self.longest, length)
        self.ways.tell(number)

    def other_than_announced(self, remote: Remote) -> Exception:
        self.wrong += 1
        host = httpx.URL(remote.url).host
        if self.wrong < WRONG_TIMES:
            return Broken(f"{host} sent other bytes than it announced")
        said = (
            f"cannot download {self.ways.what}: {host} sent other bytes than it announced, {self.wrong} times"
        )
        advice = (
            "something between this machine and the Hub changes what it sends (a proxy, a mirror); go without"
        )
        return FetchFailed(failure(Reason.HUB_UNREACHABLE, said, advice))


def _go_on(remote: Remote, begun: Path, into: Path, come: _Counted) -> None:
    """One try, from where the last one came to."""
    try:
        with begun.open("ab") as file:
            if file.tell() > remote.size:
                _start_anew(file, come)
            if file.tell() < remote.size:
                _receive(remote, file, come)
            file.flush()
            os.fsync(file.fileno())
        _check(remote, begun, come)
        begun.replace(into)
    except httpx.HTTPError as error:
        raise Broken(f"{httpx.URL(remote.url).host} broke off ({type(error).__name__})") from error
    except OSError as error:
        raise FetchFailed(disk_failure(error, begun.parent)) from error


def _receive(remote: Remote, file: BinaryIO, come: _Counted) -> None:
    have = file.tell()
    headers = {**come.ways.headers, "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    with come.ways.http.stream("GET", remote.url, headers=headers) as reply:
        if have and reply.status_code in {WHOLE, BEYOND_THE_END}:
            _start_anew(file, come)
        if reply.status_code == BEYOND_THE_END:
            raise Broken(f"{reply.url.host} has a shorter file than it announced")
        if reply.status_code not in {WHOLE, PART}:
            raise _refused(reply, come.ways)
        if reply.status_code == PART and _begins_at(reply) != have:
            _start_anew(file, come)
            raise Broken(f"{reply.url.host} sent another part than it was asked for")
        for chunk in reply.iter_bytes():  # as they come: of a larger one that is never full, all would be lost
            if file.tell() + len(chunk) > remote.size:
                _start_anew(file, come)
                raise come.other_than_announced(remote)
            file.write(chunk)
            come.more(len(chunk), file.tell())
    if file.tell() < remote.size:
        raise Broken(f"{reply.url.host} sent {file.tell()} of {remote.size} bytes")


def _begins_at(reply: httpx.Response) -> int | None:
    said = CONTENT_RANGE.match(reply.headers.get("Content-Range", ""))
    return int(said[1]) if said else None


def _start_anew(file: BinaryIO, come: _Counted) -> None:
    come.ways.tell(-file.tell())
    file.seek(0)
    file.truncate()


def _check(remote: Remote, begun: Path, come: _Counted) -> None:
    """What was resumed may be of another file, or of a disk that lost power."""
    hasher = remote.hasher()
    with begun.open("rb") as file:
        while chunk := file.read(CHUNK):
            hasher.update(chunk)
            come.ways.tell(0)  # of a large file on a slow disk this takes minutes, in which nothing comes
    if hasher.hexdigest() == remote.etag:
        return
    come.ways.tell(-begun.stat().st_size)
    begun.unlink()
    raise come.other_than_announced(remote)


def disk_failure(error: OSError, folder: Path) -> Failure:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return failure(
            Reason.DISK_FULL,
            f"cannot go on downloading: the disk of {folder} is full",
            "free disk space there (`switchyard models` shows what models take); what has come is kept",
        )
    advice = "make the folder writable for the manager, or set SWITCHYARD_HF_CACHE to another"
    return failure(Reason.RUNTIME_UNAVAILABLE, f"cannot write to {folder}: {error.strerror or error}", advice)


def _refused(reply: httpx.Response, ways: Ways) -> Exception:
    if reply.history:
        # Where the bytes are kept an address is good for a while only: the Hub gives another.
        return Broken.of_reply(reply.url.host, reply.status_code, reply.headers)
    return ways.refusal(reply.status_code, reply.headers)


def _unreachable(what: str, broken: Broken, tries: int) -> Failure:
    advice = "see that this machine reaches the Hub (network, HTTPS_PROXY, HF_ENDPOINT); what has come is kept"
    return failure(Reason.HUB_UNREACHABLE, f"cannot download {what}: {broken}, {tries} times in a row", advice)
