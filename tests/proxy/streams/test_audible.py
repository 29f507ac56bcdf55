"""What may be heard: nothing that a killed proxy would take along, unless there is no other way."""

import asyncio
from collections.abc import Sequence

from switchyard_proxy.streams.log import Change, LogTrouble
from switchyard_proxy.streams.memory import MemoryStore
from tests.proxy.streams.benches import CHAT, Heard, Script, events, listen, running, until


class SlowDisk(MemoryStore):
    """Lasts, and confirms a batch when it is let."""

    lasts = True

    def __init__(self) -> None:
        super().__init__()
        self.may_write = asyncio.Event()
        self.in_trouble = False

    async def write(self, changes: Sequence[Change]) -> None:
        if self.in_trouble:
            raise LogTrouble("the disk is full")
        await self.may_write.wait()
        await super().write(changes)


async def test_nobody_hears_an_event_before_a_store_that_lasts_has_it() -> None:
    disk = SlowDisk()
    async with running(disk) as streams, asyncio.TaskGroup() as tasks:
        script, heard = Script(), Heard()
        stream = streams.start(CHAT, script)
        reading = tasks.create_task(listen(streams, stream, heard=heard))
        script.say(*events(3), None)
        await until(lambda: script.said == 3)
        await asyncio.sleep(0.05)
        before = list(heard.numbers)

        disk.may_write.set()
        await reading

    assert before == []
    assert heard.numbers == [1, 2, 3]


async def test_a_store_in_trouble_silences_nobody() -> None:
    disk = SlowDisk()
    disk.in_trouble = True
    async with running(disk) as streams:
        script = Script()
        stream = streams.start(CHAT, script)
        script.say(*events(3), None)

        heard = await listen(streams, stream)
        disk.in_trouble = False
        disk.may_write.set()

    assert heard.numbers == [1, 2, 3]
