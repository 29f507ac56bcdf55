"""The Hub's cache on this disk, in the form in which all of its libraries share it. Blocking; asks no network.

    models--OWNER--NAME/refs/BRANCH              the commit that a branch stood at, when it was last fetched
    models--OWNER--NAME/blobs/ETAG[.incomplete]  the bytes, by their hash
    models--OWNER--NAME/snapshots/COMMIT/…       the files by name: links to the bytes
    models--OWNER--NAME/.switchyard/….json       ours: that all files of one need were fetched, and which

A branch's ref is written last: until then, who reads the cache finds what was whole before.
"""

import contextlib
import errno
import fcntl
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from switchyard_manager.model_files.needs import Need

PREFIX, REMOVED = "models--", ".removed-"
COMMIT = re.compile(r"[0-9a-f]{40}")
OURS_INCOMPLETE = re.compile(r"[0-9a-f]{40,64}\.incomplete")
HEADROOM_SHARE = 0.05  # of a disk is left free, for whatever else this machine writes …
HEADROOM = 2**30  # … and at most so much


@dataclass(frozen=True, slots=True)
class Kept:
    """One repository in the cache."""

    repo: str
    bytes: int  # on the disk, each file once
    incomplete_bytes: int  # of these, of files that are not whole yet
    revisions: tuple[str, ...]  # branches, tags and commits that are whole


class Cache:
    def __init__(self, hub: Path) -> None:
        self.hub = hub

    def folder(self, repo: str) -> Path:
        return self.hub / (PREFIX + repo.replace("/", "--"))

    # What is here

    def has(self, need: Need) -> bool:
        """Whether it was fetched, by us, and nobody has taken anything away since."""
        said = self._mark(need)
        if said is None:
            return False
        snapshot = self.folder(need.repo) / "snapshots" / str(said["commit"])
        return self.commit_of(need) == said["commit"] and all(
            _size(snapshot / name) == size for name, size in dict(said["files"]).items()
        )

    def snapshot(self, need: Need) -> Path | None:
        """What is there of it, whoever fetched it and however much of it."""
        commit = self.commit_of(need)
        if commit is None:
            return None
        folder = self.folder(need.repo) / "snapshots" / commit
        return folder if folder.is_dir() else None

    def commit_of(self, need: Need) -> str | None:
        if COMMIT.fullmatch(need.branch):
            return need.branch
        if not is_plain(need.branch):
            return None
        try:
            said = (self.folder(need.repo) / "refs" / need.branch).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeError):
            return None
        return said if COMMIT.fullmatch(said) else None

    def contents(self) -> tuple[Kept, ...]:
        try:
            found = sorted(self.hub.iterdir())
        except OSError:
            return ()
        return tuple(self._kept(folder) for folder in found if folder.name.startswith(PREFIX))

    def _kept(self, folder: Path) -> Kept:
        blobs = {file.name: _size(file) or 0 for file in _files(folder / "blobs")}
        marks = filter(None, map(_read, _files(folder / ".switchyard")))
        revisions = dict.fromkeys(str(mark["revision"]) for mark in marks)
        return Kept(
            repo=folder.name.removeprefix(PREFIX).replace("--", "/", 1),
            bytes=sum(blobs.values()),
            incomplete_bytes=sum(size for name, size in blobs.items() if name.endswith(".incomplete")),
            revisions=tuple(revisions),
        )

    def room(self) -> tuple[int, int]:
        """Free bytes on its disk, and how many of them are to stay free."""
        usage = shutil.disk_usage(self.hub)
        return usage.free, min(HEADROOM, int(HEADROOM_SHARE * usage.total))

    # What is done to it

    def make(self) -> None:
        self.hub.mkdir(parents=True, exist_ok=True)
        self._finish_removals()

    def is_writable(self) -> bool:
        """One that is not there can be made, for all that is known."""
        return not self.hub.exists() or os.access(self.hub, os.W_OK)

    def blob(self, repo: str, etag: str) -> Path:
        return self.folder(repo) / "blobs" / etag

    def link(self, repo: str, commit: str, name: str, etag: str) -> None:
        """Give bytes that are there their name."""
        pointer = self.folder(repo) / "snapshots" / commit / name
        target = os.path.relpath(self.blob(repo, etag), pointer.parent)
        if pointer.is_symlink() and str(pointer.readlink()) == target:
            return
        pointer.parent.mkdir(parents=True, exist_ok=True)
        fresh = pointer.with_name(f".{pointer.name}.switchyard")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(target)
        fresh.replace(pointer)

    def finish(self, need: Need, commit: str, files: Mapping[str, int]) -> None:
        """All of it is there: only now does the branch stand at that commit."""
        folder = self.folder(need.repo)
        # A list of everything that the repository holds, left by a library of the Hub, makes it take what is
        # enough for an engine for a download that broke off.
        (folder / "trees" / f"{commit}.json").unlink(missing_ok=True)
        if not COMMIT.fullmatch(need.branch):
            _write(folder / "refs" / need.branch, commit)
        said = {"revision": need.branch, "commit": commit, "files": dict(files)}
        _write(self._mark_file(need), json.dumps(said, indent=1))

    def sweep(self, repo: str, wanted: set[str]) -> None:
        """Drop what was begun and is of no commit that anybody asks for any more."""
        for file in _files(self.folder(repo) / "blobs"):
            if OURS_INCOMPLETE.fullmatch(file.name) and file.name.removesuffix(".incomplete") not in wanted:
                file.unlink(missing_ok=True)

    def remove(self, repo: str) -> int:
        """All of it; how many bytes that freed. Raises `OSError`, also while others are busy with it."""
        folder = self.folder(repo)
        if not folder.is_dir():
            return 0
        with self.alone_with(repo, lambda: _busy(folder)):
            freed = self._kept(folder).bytes
            if folder.is_symlink():  # to a larger disk
                shutil.rmtree(folder.resolve())
                folder.unlink()
                return freed
            # First out of sight, in one step: an engine that starts meanwhile finds all of it or nothing.
            gone = self.hub / f"{REMOVED}{os.getpid()}-{folder.name}"
            shutil.rmtree(gone, ignore_errors=True)
            folder.rename(gone)
            shutil.rmtree(gone)
        return freed

    def _finish_removals(self) -> None:
        """Of a manager that ended while it removed something, which nobody would find any more."""
        for gone in self.hub.glob(f"{REMOVED}*"):
            shutil.rmtree(gone, ignore_errors=True)

    @contextlib.contextmanager
    def alone_with(self, repo: str, wait: Callable[[], None]) -> Iterator[None]:
        """Nobody else of ours writes to it meanwhile. `wait` is called as long as somebody does."""
        file = self.hub / ".locks" / self.folder(repo).name / "switchyard.lock"
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a") as opened:
            while not _locked(opened.fileno()):
                wait()
            yield

    def _mark_file(self, need: Need) -> Path:
        only = f"-{need.file}" if need.file else ""
        name = quote(f"{need.part}{only}@{need.branch}", safe="@")
        return self.folder(need.repo) / ".switchyard" / f"{name}.json"

    def _mark(self, need: Need) -> dict[str, Any] | None:
        return _read(self._mark_file(need))


def is_plain(name: str) -> bool:
    """Whether a name that came from elsewhere stays within the folder that it is put into."""
    return "\0" not in name and all(part not in {"", ".", ".."} for part in name.split("/"))


def _busy(folder: Path) -> None:
    raise OSError(errno.EBUSY, "another program is busy with it", str(folder))


def _read(file: Path) -> dict[str, Any] | None:
    try:
        said: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        dict(said["files"])
        return said if {"revision", "commit"} <= set(said) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(file: Path, text: str) -> None:
    """As a whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f".{file.name}.switchyard")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(file)


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(file for file in folder.iterdir() if file.is_file())
    except OSError:
        return []


def _size(file: Path) -> int | None:
    try:
        return file.stat().st_size
    except OSError:
        return None


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
