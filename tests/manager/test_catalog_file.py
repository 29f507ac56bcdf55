"""Reading models.json, noticing a change of it, and changing it."""

import asyncio
import contextlib
import errno
import itertools
import json
import logging
import os
import random
import re
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from switchyard_contracts.catalog import Catalog, CatalogRefused, read_catalog
from switchyard_manager import catalog_file
from switchyard_manager.catalog_edit import remove_model, set_model
from switchyard_manager.catalog_file import following, writing
from switchyard_manager.errors import Refused

DEADLINE_S = 20
ENTRY = {"type": "text", "path": "/x"}
Start = Callable[..., contextlib.AbstractAsyncContextManager[None]]


def text_of(*names: str) -> str:
    return json.dumps({"models": dict.fromkeys(names, ENTRY)})


def names_in(file: Path) -> list[str]:
    return list(catalog_file.load(file).models)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "models.json"
    path.write_text(text_of("first"))
    return path


@pytest.fixture
def backups(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    return folder


# Reading


def test_a_file_with_a_byte_order_mark_is_read(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + text_of("m").encode())

    assert names_in(file) == ["m"]


def test_a_file_that_is_not_there_says_which_setting_to_change(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"^cannot read .*models\.json: No such file.*SWITCHYARD_CATALOG"):
        catalog_file.load(tmp_path / "models.json")


def test_bytes_that_are_no_text_are_refused_with_their_place(file: Path) -> None:
    file.write_bytes(b'{"models": \xff}')

    with pytest.raises(Refused, match=r"it is not UTF-8 text \(byte 11\)"):
        catalog_file.load(file)


def test_a_bad_catalog_is_refused_whole(file: Path) -> None:
    file.write_text('{"models": {"a": {}, "b": {"tipe": "text"}}}')

    with pytest.raises(CatalogRefused) as caught:
        catalog_file.load(file)

    assert {fault.path.split(".")[1] for fault in caught.value.faults} == {"a", "b"}


# Following


@dataclass
class Told:
    """What following told, in order: the names of a catalog's models, or faults."""

    news: asyncio.Queue[list[str] | tuple[str, ...]] = field(default_factory=asyncio.Queue)

    def catalog(self, catalog: Catalog) -> None:
        self.news.put_nowait(list(catalog.models))

    def faults(self, faults: tuple[str, ...]) -> None:
        self.news.put_nowait(faults)

    async def next(self) -> list[str] | tuple[str, ...]:
        async with asyncio.timeout(DEADLINE_S):
            return await self.news.get()


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(following, "SETTLE_S", 0.02)
    monkeypatch.setattr(following, "RETRY_S", 0.02)
    monkeypatch.setattr(following, "WATCH_AGAIN_S", 0.02)


@contextlib.asynccontextmanager
async def followed(file: Path, told: Told, known: Catalog | None = None) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as own:
        task = own.create_task(catalog_file.follow(file, told.catalog, told.faults, known))
        yield
        task.cancel()


def put(file: Path, text: str | bytes) -> None:
    """Whole at once. Who writes in place empties the file first, and may be kept waiting just then for longer
    than a file is left to settle in these tests: an empty file is a fault, and rightly told.
    """
    fresh = file.with_suffix(".other")
    fresh.write_bytes(text if isinstance(text, bytes) else text.encode())
    fresh.replace(file)


def put_a_folder(file: Path) -> None:
    """A link to one: a folder itself does not take a file's place in one step."""
    folder = file.with_suffix(".folder")
    folder.mkdir()
    link = file.with_suffix(".other")
    link.symlink_to(folder)
    link.replace(file)


async def write(file: Path, text: str) -> None:
    await asyncio.to_thread(put, file, text)


@contextlib.asynccontextmanager
async def well_followed(file: Path, told: Told) -> AsyncIterator[None]:
    """Followed, and the first look is over: it says that another catalog was in use."""
    known = catalog_file.load(file).model_copy(update={"models": {}})
    async with followed(file, told, known):
        assert await told.next() == names_in(file)
        yield


def moved_behind_a_link(file: Path, folder: Path) -> Path:
    """Where the file is now; at its place is a link that leads there."""
    folder.mkdir()
    target = file.rename(folder / "real.json")
    file.symlink_to(os.path.relpath(target, file.parent))
    return target


def mend(file: Path) -> None:
    put(file, text_of("back"))


@pytest.mark.usefixtures("quick")
class TestByLooking:
    """With nobody to tell of a change, as on a network drive."""

    @pytest.fixture(autouse=True)
    def _nobody_tells(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def out_of_watches(*_: object, **__: object) -> None:
            raise OSError(errno.ENOSPC, "too many watches")

        monkeypatch.setattr(following, "awatch", out_of_watches)

    async def test_a_change_is_noticed(self, file: Path, told: Told) -> None:
        async with well_followed(file, told):
            await write(file, text_of("first", "second"))

            assert await told.next() == ["first", "second"]

    async def test_a_change_between_the_start_and_the_first_look_is_not_lost(
        self, file: Path, told: Told
    ) -> None:
        known = catalog_file.load(file)
        await write(file, text_of("edited"))

        async with followed(file, told, known):
            assert await told.next() == ["edited"]

    async def test_what_is_in_use_already_is_no_news(self, file: Path, told: Told) -> None:
        async with followed(file, told, catalog_file.load(file)):
            await write(file, text_of("first") + "\n\n")
            await write(file, text_of("first"))
            await write(file, text_of("second"))

            assert await told.next() == ["second"]

    async def test_another_order_of_models_is_news(self, file: Path, told: Told) -> None:
        await write(file, text_of("a", "b"))

        async with well_followed(file, told):
            await write(file, text_of("b", "a"))

            assert await told.next() == ["b", "a"]

    async def test_every_fault_is_told_and_mending_is_told_too(
        self, file: Path, told: Told, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with well_followed(file, told):
            await write(file, '{"models": {"a": {}, "b": 3}}')
            faults = await told.next()
            assert [fault.partition(":")[0] for fault in faults] == ["models.a.type", "models.a", "models.b"]
            assert all(fault in caplog.text for fault in faults)
            assert "cannot use models.json as it is now: the models stay as they were" in caplog.text

            await write(file, text_of("mended"))

            assert await told.next() == ()
            assert await told.next() == ["mended"]

    async def test_a_file_changed_back_to_what_is_in_use_is_mended_and_no_news(
        self, file: Path, told: Told
    ) -> None:
        async with well_followed(file, told):
            await write(file, "{")
            assert len(await told.next()) == 1
            await write(file, text_of("first"))
            assert await told.next() == ()

            await write(file, text_of("second"))

            assert await told.next() == ["second"]

    @pytest.mark.parametrize(
        ("spoil", "sentence"),
        [
            (Path.unlink, "cannot read .*: No such file"),
            (lambda file: put(file, ""), "cannot read an empty file"),
            (lambda file: put(file, "{}"), "cannot run an empty catalog"),
            (lambda file: put(file, '{"models": {}}'), "models: cannot run an empty catalog"),
            (lambda file: put(file, b"\xff\xfe"), "it is not UTF-8 text"),
            (put_a_folder, "cannot read .*: Is a directory"),
        ],
        ids=["vanished", "emptied", "no models in a flat file", "no models", "binary", "a folder"],
    )
    async def test_an_empty_or_unreadable_file_is_never_acted_on_and_is_told_once(
        self,
        file: Path,
        told: Told,
        spoil: Callable[[Path], object],
        sentence: str,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        caplog.set_level(logging.ERROR)
        async with well_followed(file, told):
            await asyncio.to_thread(spoil, file)
            (fault,) = await told.next()
            assert re.search(sentence, fault)
            await asyncio.sleep(following.LOOK_EVERY_S * 5)
            assert caplog.text.count("cannot use models.json as it is now") == 1

            await asyncio.to_thread(mend, file)

            assert await told.next() == ()
            assert await told.next() == ["back"]

    async def test_the_same_faults_in_other_words_are_not_told_again(self, file: Path, told: Told) -> None:
        async with well_followed(file, told):
            await write(file, '{"models": {"a": 3}}')
            (fault,) = await told.next()
            assert fault.startswith("models.a: cannot use the number 3")

            await write(file, '{"models": {"a": 3}, "//": "hm"}')
            await asyncio.sleep(following.LOOK_EVERY_S * 10)
            await write(file, text_of("mended"))

            assert await told.next() == ()

    async def test_a_file_that_stays_as_it_is_is_not_read_again(
        self, file: Path, told: Told, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        read: list[str] = []
        monkeypatch.setattr(following, "read_catalog", lambda text: read.append(text) or read_catalog(text))

        async with well_followed(file, told):
            await asyncio.sleep(following.LOOK_EVERY_S * 10)

        assert len(read) == 1

    async def test_a_file_that_is_bad_from_the_start_is_told_and_its_mending_is_news(
        self, file: Path, told: Told
    ) -> None:
        await write(file, "")
        async with followed(file, told):
            assert len(await told.next()) == 1

            await write(file, text_of("first"))

            assert await told.next() == ()
            assert await told.next() == ["first"]

    async def test_a_file_half_written_is_left_to_settle(
        self, file: Path, told: Told, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = text_of("first").encode()
        fresh = text_of("second").encode()
        script = itertools.chain([whole, whole, b"", fresh[:9], fresh[:20]], itertools.repeat(fresh))
        monkeypatch.setattr(following, "content_of", lambda _: next(script))

        async with followed(file, told):
            assert await told.next() == ["second"]

    async def test_a_file_that_never_settles_is_judged_all_the_same(
        self, file: Path, told: Told, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        numbers = itertools.count()
        monkeypatch.setattr(following, "SETTLE_S", 0)
        monkeypatch.setattr(following, "content_of", lambda _: text_of(f"m{next(numbers)}").encode())

        async with followed(file, told):
            assert len(await told.next()) == 1

    async def test_a_failing_listener_is_told_again(self, file: Path) -> None:
        calls: asyncio.Queue[str] = asyncio.Queue()

        def fails_once(catalog: Catalog) -> None:
            calls.put_nowait(next(iter(catalog.models)))
            if calls.qsize() == 1:
                raise RuntimeError("no room in the ledger")

        async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as own:
            known = catalog_file.load(file).model_copy(update={"models": {}})
            task = own.create_task(catalog_file.follow(file, fails_once, lambda _: None, known))
            while calls.qsize() < 2:
                await asyncio.sleep(0.01)
            task.cancel()

        assert [calls.get_nowait(), calls.get_nowait()] == ["first", "first"]

    async def test_a_reader_that_fails_is_a_fault_and_not_the_end(
        self, file: Path, told: Told, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with well_followed(file, told):
            with monkeypatch.context() as broken:
                broken.setattr(following, "read_catalog", lambda _: 1 / 0)
                await write(file, text_of("second"))
                (fault,) = await told.next()
            assert fault.startswith("cannot read models.json: ZeroDivisionError")

            await write(file, text_of("third"))

            assert await told.next() == ()
            assert await told.next() == ["third"]

    async def test_that_nobody_tells_of_changes_is_said_once(
        self, file: Path, told: Told, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with well_followed(file, told):
            await asyncio.sleep(following.WATCH_AGAIN_S * 5)

        assert caplog.text.count("so it is read every 0.02 s: [Errno 28] too many watches") == 1


class TestByWatching:
    """With looks so far apart that only the watch can tell."""

    @pytest.fixture(autouse=True)
    def _no_looks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(following, "LOOK_EVERY_S", 1000)
        monkeypatch.setattr(following, "SETTLE_S", 0.02)

    @staticmethod
    async def until_noticed(told: Told, change: Callable[[str], object], *names: str) -> None:
        """Make a change, again and again until it is noticed: nobody says when the watch has begun."""
        async with asyncio.timeout(DEADLINE_S):
            for attempt in itertools.count():
                await asyncio.to_thread(change, text_of(*names) + " " * attempt)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(1):
                        # What is written in place is empty for a moment, and may be told as that first.
                        while await told.news.get() != [*names]:
                            pass
                        return

    async def test_a_file_written_in_place_is_noticed(self, file: Path, told: Told) -> None:
        async with well_followed(file, told):
            await self.until_noticed(told, file.write_text, "second")

    async def test_a_file_replaced_by_rename_is_noticed_each_time(self, file: Path, told: Told) -> None:
        fresh = file.with_suffix(".other")

        def rename(text: str) -> None:
            fresh.write_text(text)
            fresh.replace(file)

        async with well_followed(file, told):
            for name in ("second", "third", "fourth"):
                await self.until_noticed(told, rename, name)

    async def test_a_file_removed_and_made_again_is_noticed(self, file: Path, told: Told) -> None:
        def remake(text: str) -> None:
            file.unlink()
            file.write_text(text)

        async with well_followed(file, told):
            await self.until_noticed(told, remake, "second")

    async def test_what_a_link_leads_to_is_followed_into_its_folder(
        self, file: Path, told: Told, tmp_path: Path
    ) -> None:
        target = await asyncio.to_thread(moved_behind_a_link, file, tmp_path / "elsewhere")

        async with well_followed(file, told):
            await self.until_noticed(told, target.write_text, "second")

    async def test_a_link_that_leads_elsewhere_is_noticed(self, file: Path, told: Told, tmp_path: Path) -> None:
        numbers = itertools.count()

        def relink(text: str) -> None:
            target = tmp_path / f"real{next(numbers)}.json"
            target.write_text(text)
            link = tmp_path / "link"
            link.symlink_to(target)
            link.replace(file)

        async with well_followed(file, told):
            await self.until_noticed(told, relink, "second")

    async def test_an_edit_of_ours_is_noticed_like_any_other(
        self, file: Path, told: Told, backups: Path
    ) -> None:
        async with well_followed(file, told), asyncio.timeout(DEADLINE_S):
            for number in itertools.count():
                name = f"m{number}"
                await catalog_file.edit(file, lambda text, name=name: set_model(text, name, ENTRY), backups)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(1):
                        assert name in await told.news.get()
                        break

    def test_no_thread_is_left_when_following_ends(self, file: Path, told: Told) -> None:
        before = set(threading.enumerate())
        watching: list[threading.Thread] = []

        async def follow_for_a_while() -> None:
            async with well_followed(file, told):
                async with asyncio.timeout(DEADLINE_S):
                    while not (own := [one for one in threading.enumerate() if "AnyIO" in one.name]):
                        await asyncio.sleep(0.01)
                watching.extend(own)

        asyncio.run(follow_for_a_while())

        for thread in set(threading.enumerate()) - before:
            thread.join(timeout=2)
        assert watching
        assert not [thread for thread in watching if thread.is_alive()]


# Writing


def edited(file: Path, change: Callable[[str], str], backups: Path) -> Catalog:
    return asyncio.run(catalog_file.edit(file, change, backups))


def adding(name: str) -> Callable[[str], str]:
    return lambda text: set_model(text, name, ENTRY)


def left_beside(file: Path) -> list[str]:
    return sorted(path.name for path in file.parent.iterdir() if path.name.startswith("."))


def test_an_edit_gives_the_catalog_that_the_file_then_holds(file: Path, backups: Path) -> None:
    catalog = edited(file, adding("second"), backups)

    assert list(catalog.models) == ["first", "second"]
    assert catalog == catalog_file.load(file)
    assert left_beside(file) == []


def test_an_edit_keeps_byte_order_mark_and_line_ends(file: Path, backups: Path) -> None:
    before = b'\xef\xbb\xbf{\r\n  "a": {"type": "text", "path": "x"}\r\n}\r\n'
    file.write_bytes(before)

    edited(file, adding("b"), backups)

    assert file.read_bytes() == before.replace(b'"x"}', b'"x"},\r\n  "b": {"type": "text", "path": "/x"}')


def test_an_edit_that_changes_nothing_does_not_touch_the_file(file: Path, backups: Path) -> None:
    facts = file.stat()

    edited(file, lambda text: text, backups)

    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (facts.st_ino, facts.st_mtime_ns)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda text: text.replace("text", "txt").replace("/x", "ftp://x"), CatalogRefused),
        (lambda _: "", CatalogRefused),
        (lambda text: remove_model(text, "first"), CatalogRefused),
        (lambda text: remove_model(text, "none"), Refused),
        (lambda _: 1 / 0, ZeroDivisionError),
    ],
    ids=["two faults", "emptied", "the last model", "no such model", "a bug"],
)
def test_a_refused_edit_leaves_the_file_alone(
    file: Path, backups: Path, change: Callable[[str], str], error: type[Exception]
) -> None:
    before, facts = file.read_bytes(), file.stat()

    with pytest.raises(error):
        edited(file, change, backups)

    assert file.read_bytes() == before
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (facts.st_ino, facts.st_mtime_ns)
    assert left_beside(file) == []


def test_an_edit_keeps_mode_and_owner(file: Path, backups: Path) -> None:
    file.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(file, 1234, 1235)
    before = file.stat()

    edited(file, adding("second"), backups)

    after = file.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert after.st_mtime_ns > before.st_mtime_ns


def test_an_edit_goes_through_a_link_and_leaves_it_one(file: Path, backups: Path, tmp_path: Path) -> None:
    target = moved_behind_a_link(file, tmp_path / "elsewhere")

    edited(file, adding("second"), backups)

    assert file.is_symlink()
    assert names_in(target) == ["first", "second"]


async def test_edits_at_the_same_time_all_arrive(file: Path, backups: Path) -> None:
    names = [f"m{number}" for number in range(20)]

    async with asyncio.TaskGroup() as own:
        for name in names:
            own.create_task(catalog_file.edit(file, adding(name), backups))

    assert sorted(names_in(file)) == sorted(["first", *names])


def test_what_an_editor_wrote_meanwhile_is_not_lost(file: Path, backups: Path) -> None:
    calls: list[str] = []

    def change(text: str) -> str:
        calls.append(text)
        if len(calls) == 1:
            file.write_text(text_of("first", "by hand"))
            file.write_text(text_of("first", "byhand"))
        return set_model(text, "ours", ENTRY)

    edited(file, change, backups)

    assert names_in(file) == ["first", "byhand", "ours"]
    assert len(calls) == 2


def test_a_file_that_changes_all_the_time_is_given_up_and_left_to_the_other(
    file: Path, backups: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "TRY_FOR_S", 0)

    def change(text: str) -> str:
        file.write_text(text_of("theirs"))
        return set_model(text, "ours", ENTRY)

    with pytest.raises(catalog_file.EditedMeanwhile, match=r"cannot edit .*: another program is changing it"):
        edited(file, change, backups)

    assert names_in(file) == ["theirs"]
    assert left_beside(file) == []


def test_what_a_killed_edit_left_is_tidied_by_the_next(file: Path, backups: Path) -> None:
    (file.parent / ".models.json.k3x_9.new").write_text("half a fi")
    (file.parent / ".models.json.swp").write_text("an editor's own")

    edited(file, adding("second"), backups)

    assert left_beside(file) == [".models.json.swp"]


@pytest.fixture
def mounted_by_itself(file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file onto which nothing can be renamed, as one that is mounted into a container."""
    really = os.replace

    def busy(source: os.PathLike[str], target: os.PathLike[str]) -> None:
        if Path(target) == file:
            raise OSError(errno.EBUSY, "Device or resource busy")
        really(source, target)

    monkeypatch.setattr(os, "replace", busy)
    return file


@pytest.mark.parametrize("change", [adding("second"), lambda _: text_of("a")], ids=["longer", "shorter"])
def test_a_file_that_cannot_be_replaced_is_written_over_with_a_copy_kept(
    mounted_by_itself: Path, backups: Path, change: Callable[[str], str], caplog: pytest.LogCaptureFixture
) -> None:
    file = mounted_by_itself
    before, node = file.read_text(), file.stat().st_ino

    edited(file, change, backups)

    assert file.read_text() == change(before)
    assert file.stat().st_ino == node
    assert (backups / "models.json.before-edit").read_text() == before
    assert "which cannot be replaced (Device or resource busy)" in caplog.text
    assert left_beside(file) == []


def test_without_room_for_the_copy_nothing_is_written_over(mounted_by_itself: Path, tmp_path: Path) -> None:
    before = mounted_by_itself.read_text()

    with pytest.raises(Refused, match=r"^cannot write .*models\.json: No such file or directory"):
        edited(mounted_by_itself, adding("second"), tmp_path / "not there")

    assert mounted_by_itself.read_text() == before


def test_a_disk_that_fills_while_a_file_is_written_over_gives_the_old_one_back(
    mounted_by_itself: Path, backups: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = mounted_by_itself.read_text()
    really = os.fsync

    def full_once(descriptor: int) -> None:
        if (backups / "models.json.before-edit").exists() and mounted_by_itself.read_text() != before:
            raise OSError(errno.ENOSPC, "No space left on device")
        really(descriptor)

    monkeypatch.setattr(os, "fsync", full_once)

    with pytest.raises(Refused, match="No space left on device"):
        edited(mounted_by_itself, adding("second"), backups)

    assert mounted_by_itself.read_text() == before


def test_a_full_disk_leaves_the_file_as_it_was(
    file: Path, backups: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = file.read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(Refused, match=r"cannot write .*: No space left on device; make the file"):
        edited(file, adding("second"), backups)

    assert file.read_bytes() == before
    assert left_beside(file) == []


EDIT_FOR_EVER = """
import asyncio, pathlib, sys
from switchyard_manager import catalog_file
file, folder = map(pathlib.Path, sys.argv[1:])
async def main():
    texts = [(folder / name).read_text() for name in ("one.json", "two.json")]
    while True:
        await catalog_file.edit(file, lambda text: texts[text == texts[0]], folder)
        print(flush=True)
asyncio.run(main())
"""


def test_a_kill_at_any_moment_leaves_the_old_file_or_the_new_one(file: Path, backups: Path) -> None:
    # So large that it takes a while to write: a kill must find it half-way.
    texts = [json.dumps({"//": letter * 8_000_000, "models": {letter: ENTRY}}) for letter in "ab"]
    (backups / "one.json").write_text(texts[0])
    (backups / "two.json").write_text(texts[1])
    file.write_text(texts[0])
    pause = threading.Event()
    seen = set()

    for _ in range(8):
        command = [sys.executable, "-c", EDIT_FOR_EVER, str(file), str(backups)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"\n"
            pause.wait(random.uniform(0, 0.3))
            process.send_signal(signal.SIGKILL)
        seen.add(file.read_text())

    assert all(text in texts for text in seen)  # a plain comparison would print them
    edited(file, lambda _: text_of("after"), backups)
    assert left_beside(file) == []
