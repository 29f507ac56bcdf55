"""From a model's name to the right to use its engine, and back: nothing is held twice, or for ever."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest

from switchyard_contracts.grants import Granted
from switchyard_contracts.serving import Serving
from switchyard_contracts.status import ModelStatus, Phase
from switchyard_proxy.accounting.account import Account
from switchyard_proxy.errors import ProxyError, Refused, Unavailable
from switchyard_proxy.grants.leases import Leases
from switchyard_proxy.grants.lines import Lines
from switchyard_proxy.wire.answer import Kind
from switchyard_proxy.wire.hold import Hold, Right, Waiting
from switchyard_proxy.wire.places import Places
from tests.proxy.managers import status
from tests.proxy.wire.test_answer import answer

LATE = 1e9


@dataclass
class Leaving:
    """A client that has left."""

    gone: bool = True
    has_sent_all: bool = True
    on_gone: Callable[[], object] | None = None


@dataclass
class Desk:
    """A hold with all that it needs."""

    model: ModelStatus
    leases: Leases = field(default_factory=lambda: Leases("p", manager_wait_s=60))
    lines: Lines = field(default_factory=Lines)
    places: Places = field(default_factory=lambda: Places(60))

    def __post_init__(self) -> None:
        self.leases.greet(lambda _: None)
        self.leases.met()
        self.hold = Hold(self.lines, self.places)

    def grant(self, grant: str = "g") -> None:
        self.leases.granted(Granted(model=self.model.name, grant=grant, endpoint="http://e:1", headers={}))

    async def right(self, kind: Kind = Kind.SILENT, **more: object) -> Right:
        waiting = {
            "key": "k",
            "priority": 0,
            "deadline": LATE,
            "digest": None,
            "is_retry": False,
            "client": None,
        }
        account = Account("r", 0, 0, "/", "k", "")
        it, _ = answer(kind, due=False)
        return await self.hold.right(self.model, self.leases, Waiting(**waiting | more), it, account)  # type: ignore[arg-type]

    @property
    def held(self) -> tuple[int, int, int]:
        return self.leases.in_flight, self.leases.waiting, self.lines.waiting


@pytest.fixture
async def desk() -> AsyncIterator[Callable[..., Desk]]:
    desks: list[Desk] = []

    def made(**serving: object) -> Desk:
        desks.append(Desk(status("chat", serving=Serving(**serving))))  # type: ignore[arg-type]
        return desks[-1]

    yield made
    for one in desks:
        one.places.close()
        one.leases.close()


async def test_warm_and_unlimited_it_waits_for_nobody(desk: Callable[..., Desk]) -> None:
    it = desk()
    it.grant()
    asking = it.right()

    with pytest.raises(StopIteration) as done:
        asking.send(None)  # it ends without giving the loop a turn

    assert it.held == (1, 0, 0)
    it.hold.give_back(done.value.value)


async def test_what_is_given_back_twice_is_given_back_once(desk: Callable[..., Desk]) -> None:
    it = desk(max_concurrency=1)
    it.grant()
    first = await it.right()
    it.hold.give_back(first)
    second = await it.right()

    it.hold.give_back(first)

    assert it.held == (1, 0, 0)
    async with asyncio.TaskGroup() as tasks:
        third = tasks.create_task(it.right())
        await asyncio.sleep(0)
        assert it.held == (1, 0, 1)
        it.hold.give_back(second)
    it.hold.give_back(third.result())
    assert it.held == (0, 0, 0)


async def test_cancelled_anywhere_it_holds_nothing(desk: Callable[..., Desk]) -> None:
    """After every turn of the loop that it may have had: in the line, in the queue, with its lease come."""
    for turns in range(8):
        for granted_after in range(4):
            it = desk(max_concurrency=1)
            it.grant()
            running = await it.right()
            it.leases.doubt(running.lease)
            async with asyncio.TaskGroup() as tasks:
                asking = tasks.create_task(it.right())
                for turn in range(turns):
                    if turn == granted_after:
                        it.hold.give_back(running)
                        it.grant("next")
                    await asyncio.sleep(0)
                asking.cancel()
            if asking.cancelled():
                it.hold.give_back(running)
            else:
                it.hold.give_back(running)
                it.hold.give_back(asking.result())

            assert it.held == (0, 0, 0), (turns, granted_after)
            it.grant("last")
            it.hold.give_back(await it.right())


async def test_a_turn_is_given_back_by_whoever_leaves_the_queue_with_it(desk: Callable[..., Desk]) -> None:
    it = desk(max_concurrency=1)
    async with asyncio.TaskGroup() as tasks:
        asking = tasks.create_task(it.right())
        await asyncio.sleep(0)
        asking.cancel()

    it.grant()
    async with asyncio.timeout(1):
        right = await it.right()

    it.hold.give_back(right)
    assert it.held == (0, 0, 0)


async def test_a_look_at_what_is_not_there_is_refused_and_waits_for_nothing(desk: Callable[..., Desk]) -> None:
    it = desk(max_concurrency=1)
    it.model = it.model.model_copy(update={"phase": Phase.ASLEEP})

    with pytest.raises(Refused, match="not loaded"):
        await it.right(may_load=False)

    assert it.held == (0, 0, 0)


async def test_a_full_queue_is_refused_with_its_numbers_and_gives_the_turn_back(
    desk: Callable[..., Desk],
) -> None:
    it = desk(max_concurrency=5, max_queue=1)

    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(it.right())
        await asyncio.sleep(0)
        with pytest.raises(Unavailable, match="1 wait already"):
            await it.right()
        it.grant()

    assert it.held == (1, 0, 0)
    it.hold.give_back(first.result())
    assert it.held == (0, 0, 0)


async def test_whose_time_runs_out_in_the_line_leaves_it(desk: Callable[..., Desk]) -> None:
    it = desk(max_concurrency=1)
    it.grant()
    running = await it.right()

    with pytest.raises(ProxyError):
        await it.right(deadline=asyncio.get_running_loop().time() + 0.01)

    assert it.held == (1, 0, 0)
    it.hold.give_back(running)


async def test_only_a_client_that_left_and_counts_its_retries_keeps_its_place(
    desk: Callable[..., Desk],
) -> None:
    digest = lambda: b"1" * 16  # noqa: E731
    for client, counted, kept in ((Leaving(), digest, 1), (None, digest, 0), (Leaving(), None, 0)):
        it = desk()
        async with asyncio.TaskGroup() as tasks:
            asking = tasks.create_task(it.right(client=client, digest=counted))
            await asyncio.sleep(0)
            asking.cancel()

        assert (it.places.kept, it.leases.waiting) == (kept, kept)


async def test_a_retry_goes_on_in_the_place_that_was_kept(desk: Callable[..., Desk]) -> None:
    it = desk()
    digest = lambda: b"1" * 16  # noqa: E731
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(it.right(client=Leaving(), digest=digest))
        await asyncio.sleep(0)
        first.cancel()

    async with asyncio.TaskGroup() as tasks:
        again = tasks.create_task(it.right(digest=digest, is_retry=True))
        await asyncio.sleep(0)
        assert (it.places.kept, it.leases.waiting) == (0, 1)
        it.grant()

    it.hold.give_back(again.result())
    assert it.held == (0, 0, 0)
