"""U1: a stream that was asked for as a resumable one is read on, without a gap and without a repetition.

After its connection was cut at any byte, again and again; and after the proxy was killed, up to an honest end.
The points are drawn from seeds, which are said.
"""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass

import pytest

from tests.e2e.proxy.conftest import ROUNDS, House, Round, rounds
from tests.e2e.proxy.hearing import Heard, Verdict, ask, chat, error_in, judge, numbers, read_again
from tests.e2e.proxy.processes import OPERATOR

STREAMS = 200
PIECES = 40  # two seconds
ARRIVE_WITHIN_S = 1.0
MOST_CUTS = 3  # of one stream's connections

pytestmark = pytest.mark.timeout(60 + 20 * ROUNDS)


@dataclass
class Listener:
    """A client that goes on where it was, however often it is cut off."""

    port: int
    this: Round
    pieces: int = 0
    last: int = 0
    stream: str | None = None
    done: bool = False

    def __post_init__(self) -> None:
        self.conversation = f"{self.this.chance.getrandbits(64):x}"

    async def begin(self, cut_after: int | None = None) -> Heard:
        header = f"X-Conversation-Id: {self.conversation}"
        await asyncio.sleep(self.this.chance.uniform(0, ARRIVE_WITHIN_S))
        model = self.this.chance.choice(self.this.models)
        return self.take(await ask(self.port, chat(model, PIECES, OPERATOR, header), cut_after))

    async def go_on(self, cut_after: int | None = None) -> Heard:
        """In one of the three ways to say where."""
        path = f"/v1/streams/{self.stream}?" if self.stream else f"/v1/stream?conv_id={self.conversation}&"
        match self.this.chance.randrange(3):
            case 0:
                request = read_again(path, OPERATOR, f"Last-Event-ID: {self.last}")
            case 1:
                request = read_again(f"{path}starting_after={self.last}", OPERATOR)
            case _:
                request = read_again(f"{path}from={self.last + 1}", OPERATOR)
        return self.take(await ask(self.port, request, cut_after))

    def take(self, heard: Heard) -> Heard:
        """Fails on a gap and on a repetition. An event that did not come whole has not come."""
        verdict = judge(heard, PIECES, first=self.pieces)
        ids = [number for number, _ in heard.events]
        assert ids == list(range(self.last + 1, self.last + 1 + len(ids))), (self.last, ids)
        self.pieces += len(numbers(heard.events))
        self.last = max(self.last, heard.last_id)
        self.stream = self.stream or heard.header("x-stream-id")
        self.done = verdict is not Verdict.BROKEN or any(data == "[DONE]" for _, data in heard.events)
        return heard


async def test_u1_a_stream_cut_at_any_byte_is_read_on_without_gap_or_repeat(house: House) -> None:
    asked = chat("a1", PIECES, OPERATOR, "X-Resumable: 1")
    longest = len((await ask(house.proxy.port, asked)).raw)

    async def one(this: Round) -> int:
        chance = this.chance
        listener = Listener(house.proxy.port, this)
        heard = await listener.begin(chance.randint(1, longest))
        cuts = 1
        while not listener.done:
            await asyncio.sleep(chance.uniform(0, 0.3))
            heard = await listener.go_on(chance.randint(1, longest) if cuts < MOST_CUTS else None)
            cuts += 1
        assert error_in(heard) is None
        return listener.pieces

    for this in rounds():
        await house.warm(this.models)

        async with asyncio.TaskGroup() as all_of_them:
            reading = [all_of_them.create_task(one(this)) for _ in range(STREAMS)]

        assert Counter(task.result() for task in reading) == {PIECES: STREAMS}
        await house.until_nothing_is_left()


async def test_what_a_killed_proxy_had_said_is_kept_and_goes_on_to_an_honest_end(house: House) -> None:
    for this in rounds():
        await house.warm(this.models)
        cut = await cut_by_the_death_of_the_proxy(house, this)
        known = [listener.pieces for listener in cut]
        await house.proxy.start()
        ends = await together([listener.go_on() for listener in cut])
        again = await together(
            [ask(house.proxy.port, read_again(f"/v1/streams/{one.stream}", OPERATOR)) for one in cut]
        )

        assert len(cut) > STREAMS / 10, "too few were cut for this to prove anything"
        assert {error_in(heard)["code"] for heard in ends} <= {"stream_broken", "stream_not_found"}
        assert {judge(heard, PIECES) for heard in again} == {Verdict.TOLD}
        for heard, had in zip(again, known, strict=True):
            assert len(numbers(heard.events)) >= had, "it was said, and is not kept"
        await house.warm(this.models)
        await house.until_nothing_is_left()


async def cut_by_the_death_of_the_proxy(house: House, this: Round) -> list[Listener]:
    """Those of them who know how to ask for the rest."""
    listeners = [Listener(house.proxy.port, this) for _ in range(STREAMS)]
    async with asyncio.TaskGroup() as all_of_them:
        for listener in listeners:
            all_of_them.create_task(listener.begin())
        await asyncio.sleep(this.chance.uniform(0.8, 2.2))
        await house.proxy.end()
    return [listener for listener in listeners if listener.stream and not listener.done]


async def together(asking: list[Coroutine[None, None, Heard]]) -> list[Heard]:
    async with asyncio.TaskGroup() as all_of_them:
        tasks = [all_of_them.create_task(one) for one in asking]
    return [task.result() for task in tasks]
