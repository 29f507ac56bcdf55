"""Reading models.json, and noticing a change of it."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from switchyard_contracts.catalog import Catalog, CatalogRefused
from switchyard_manager import catalog_file
from switchyard_manager.errors import Refused


def text_of(*names: str) -> str:
    return json.dumps({"models": {name: {"type": "text", "path": "/x"} for name in names}})


@pytest.fixture
async def seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[asyncio.Queue[Catalog]]:
    """The catalogs that following tmp_path/models.json brings."""
    monkeypatch.setattr(catalog_file, "LOOK_EVERY_S", 0.01)
    (tmp_path / "models.json").write_text(text_of("first"))
    queue: asyncio.Queue[Catalog] = asyncio.Queue()
    async with asyncio.TaskGroup() as own:
        following = own.create_task(catalog_file.follow(tmp_path / "models.json", queue.put_nowait))
        await asyncio.sleep(0.05)
        yield queue
        following.cancel()


async def next_of(seen: asyncio.Queue[Catalog]) -> list[str]:
    async with asyncio.timeout(10):
        return list((await seen.get()).models)


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    (tmp_path / "models.json").write_bytes(b"\xef\xbb\xbf" + text_of("m").encode())

    assert list(catalog_file.load(tmp_path / "models.json").models) == ["m"]


def test_a_file_that_is_not_there_says_which_setting_to_change(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"^cannot read .*models\.json: No such file.*SWITCHYARD_CATALOG"):
        catalog_file.load(tmp_path / "models.json")


def test_bytes_that_are_no_text_are_refused_with_their_place(tmp_path: Path) -> None:
    (tmp_path / "models.json").write_bytes(b'{"models": \xff}')

    with pytest.raises(Refused, match=r"it is not UTF-8 text \(byte 11\)"):
        catalog_file.load(tmp_path / "models.json")


def test_a_bad_catalog_is_refused_whole(tmp_path: Path) -> None:
    (tmp_path / "models.json").write_text('{"models": {"a": {}, "b": {"tipe": "text"}}}')

    with pytest.raises(CatalogRefused) as caught:
        catalog_file.load(tmp_path / "models.json")

    assert {fault.path.split(".")[1] for fault in caught.value.faults} == {"a", "b"}


async def test_a_change_is_noticed(seen: asyncio.Queue[Catalog], tmp_path: Path) -> None:
    await asyncio.to_thread((tmp_path / "models.json").write_text, text_of("first", "second"))

    assert await next_of(seen) == ["first", "second"]


async def test_a_file_replaced_by_rename_is_noticed(seen: asyncio.Queue[Catalog], tmp_path: Path) -> None:
    fresh = tmp_path / "models.json.new"
    await asyncio.to_thread(fresh.write_text, text_of("other"))
    await asyncio.to_thread(fresh.replace, tmp_path / "models.json")

    assert await next_of(seen) == ["other"]


async def test_a_bad_change_is_told_with_every_fault_and_the_old_catalog_stays(
    seen: asyncio.Queue[Catalog], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await asyncio.to_thread((tmp_path / "models.json").write_text, '{"models": {"a": {}, "b": 3}}')
    async with asyncio.timeout(10):
        while "stay as they were" not in caplog.text:
            await asyncio.sleep(0.01)
    assert "models.a" in caplog.text
    assert "models.b" in caplog.text
    assert seen.empty()

    await asyncio.to_thread((tmp_path / "models.json").write_text, text_of("mended"))

    assert await next_of(seen) == ["mended"]
