"""What is heard of a log that grows: the word that an engine is up at once, how far it is now and then."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from switchyard_manager.engines import progress
from switchyard_manager.supervise import following
from switchyard_manager.supervise.following import Heard, follow_progress

LIMIT_S = 10.0
UP = "INFO switchyard_image_server.serve: m (text) is ready\n"


@asynccontextmanager
async def followed(log: Path, told: list[str | None]) -> AsyncIterator[asyncio.Event]:
    heard = Heard(progress.read, progress.announces, told.append, asyncio.Event())
    async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as beside:
        task = beside.create_task(follow_progress(log, heard))
        yield heard.announced
        task.cancel()


async def test_a_line_that_announces_the_engine_is_heard(tmp_path: Path) -> None:
    log = tmp_path / "current.log"

    async with followed(log, []) as announced:
        log.write_text("loading text_encoder: 22 % (1 of 3 files)\n")
        await asyncio.sleep(0.1)
        assert not announced.is_set()
        with log.open("a") as opened:
            opened.write(UP)
        await announced.wait()


async def test_a_line_that_is_not_whole_yet_announces_nothing(tmp_path: Path) -> None:
    log = tmp_path / "current.log"
    log.write_text("the queue (empty) is ready")

    async with followed(log, []) as announced:
        await asyncio.sleep(0.1)
        with log.open("a") as opened:
            opened.write(" to be filled\n")
        await asyncio.sleep(0.1)
        assert not announced.is_set()
        with log.open("a") as opened:
            opened.write(UP)
        await announced.wait()


async def test_of_many_lines_in_a_short_time_the_last_is_told_and_not_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "TELL_EVERY_S", 0.2)
    log = tmp_path / "current.log"
    told: list[str | None] = []

    async with followed(log, told):
        for share in range(20):
            with log.open("a") as opened:
                opened.write(f"loading model: {share} % (1 of 3 files)\n")
            await asyncio.sleep(0.02)
        async with asyncio.timeout(LIMIT_S):
            while not told or told[-1] != "model 19 %":
                await asyncio.sleep(0.01)

    assert len(told) <= 6


async def test_a_log_that_began_anew_is_read_from_its_beginning(tmp_path: Path) -> None:
    log = tmp_path / "current.log"
    log.write_text("nothing of note\n" * 20)

    async with followed(log, []) as announced:
        await asyncio.sleep(0.1)
        log.write_text(UP)
        await announced.wait()
