"""The log in a file: what it survives. The contract that it shares with the others is in test_log."""

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from switchyard_proxy.streams.log import LogTrouble, Opened
from switchyard_proxy.streams.sqlite import SqliteStore
from switchyard_proxy.streams.stream import Kind, Status, Stream
from tests.proxy.streams.benches import events, listen, running, until, until_over

CHAT = Stream("stream_1", "ann", "chat", Kind.CHAT, 100.0, "proxy-1")
WRITER = """
import asyncio, sys
from pathlib import Path
from tests.proxy.streams.benches import CHAT, Script, event, running, until_written
from switchyard_proxy.streams.sqlite import SqliteStore

async def main():
    async with running(SqliteStore(Path(sys.argv[1]), "victim"), "victim") as streams:
        script = Script()
        stream = streams.start(CHAT, script)
        print(stream.id, flush=True)
        number = 0
        while True:
            number += 1
            script.say(event(number))
            if number % 50 == 0:
                await until_written(streams, stream, number)
                print(number, flush=True)

asyncio.run(main())
"""


async def test_after_a_sigkill_the_finished_part_is_replayed_and_ends_honestly(tmp_path: Path) -> None:
    name, written = _killed_while_it_writes(tmp_path)

    async with running(SqliteStore(tmp_path, "heir"), "heir") as streams:
        stream = await until_over(streams, await streams.find(name, "ann"))
        heard = await listen(streams, stream)

    assert stream.status is Status.INTERRUPTED
    assert len(heard.events) - 2 >= written
    assert heard.events[:-2] == events(len(heard.events) - 2)
    assert b"stream_broken" in heard.events[-2]
    assert heard.events[-1] == b"data: [DONE]\n\n"
    assert heard.numbers == list(range(1, len(heard.events) + 1))


def _killed_while_it_writes(folder: Path) -> tuple[str, int]:
    """The stream that it wrote, and how many events it said were written."""
    root = Path(__file__).resolve().parents[3]
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE, text=True, cwd=root
    )
    assert writer.stdout is not None
    with writer.stdout:
        name = writer.stdout.readline().strip()
        written = max(int(writer.stdout.readline()) for _ in range(4))
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read().split("\n")[:-1]
    writer.wait()
    return name, max([written, *map(int, rest)])


async def test_a_killed_process_is_known_to_be_dead_at_once(tmp_path: Path) -> None:
    name, _ = _killed_while_it_writes(tmp_path)
    store = SqliteStore(tmp_path, "heir")
    await store.open()

    assert [stream.id for stream in await store.adopt()] == [name]

    await store.close()


async def test_a_stream_is_there_again_after_a_restart(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, "proxy-1")
    await store.open()
    await store.write([Opened(CHAT, b"asked")])
    await store.close()

    again = SqliteStore(tmp_path, "proxy-2")
    await again.open()

    assert await again.head(CHAT.id) == CHAT
    assert await again.request(CHAT.id) == b"asked"
    await again.close()


async def test_a_file_that_is_no_database_is_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "streams.db").write_bytes(b"not a database" * 100)
    store = SqliteStore(tmp_path, "proxy-1")

    with pytest.raises(LogTrouble, match="move the file away"):
        await store.open()
    await store.close()


async def test_a_file_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "streams.db") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    store = SqliteStore(tmp_path, "proxy-1")

    with pytest.raises(LogTrouble, match="version 99"):
        await store.open()
    await store.close()


async def test_streams_go_on_while_the_file_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.proxy.streams.benches import CHAT as ORDER
    from tests.proxy.streams.benches import Script

    monkeypatch.setattr("switchyard_proxy.streams.shelf.RETRY_S", 0.01)
    (tmp_path / "streams.db").mkdir()
    async with running(SqliteStore(tmp_path, "proxy-1")) as streams:
        script = Script()
        stream = streams.start(ORDER, script)
        script.say(*events(20), None)
        heard = await listen(streams, stream)
        await until(lambda: bool(streams.shelf._complaint))
        assert stream.id in streams.shelf.lives

        (tmp_path / "streams.db").rmdir()
        await until(lambda: not streams.shelf.lives)
        again = await listen(streams, await streams.find(stream.id, None))

    assert heard.events == again.events == events(20)
