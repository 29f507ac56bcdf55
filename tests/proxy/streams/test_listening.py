"""A reader never takes a part for the whole: what is missing from a log is an error, wherever it is missing."""

from pathlib import Path

import pytest

from switchyard_proxy.streams.listening import Overtaken
from switchyard_proxy.streams.sqlite import SqliteStore
from tests.proxy.streams.benches import CHAT, Heard, Script, events, listen, running, until


@pytest.mark.parametrize(("missing", "told"), [(3, 2), (2, 1), (1, 0)])
async def test_a_log_with_a_hole_is_not_read_over_it(missing: int, told: int, tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, "proxy-1")
    async with running(store) as streams:
        script, heard = Script(), Heard()
        stream = streams.start(CHAT, script)
        script.say(*events(3), None)
        await until(lambda: not streams.shelf.lives)
        await store._execute("DELETE FROM events WHERE seq = ?", missing)

        with pytest.raises(Overtaken):
            await listen(streams, await streams.find(stream.id, None), heard=heard)

    assert heard.events == events(told)


async def test_a_reader_who_asks_for_less_than_everything_gets_no_more(tmp_path: Path) -> None:
    async with running(SqliteStore(tmp_path, "proxy-1")) as streams:
        script = Script()
        stream = streams.start(CHAT, script)
        script.say(*events(3), None)
        await until(lambda: not streams.shelf.lives)
        found = await streams.find(stream.id, None)

        assert (await listen(streams, found, after=3)).events == []
        assert (await listen(streams, found, after=99)).events == []
