"""The worker: one thread, in turns, cancelled at once, surviving whatever its work does."""

import asyncio
import logging
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest

from switchyard_image_server.errors import (
    Busy,
    Cancelled,
    EngineFault,
    GpuOutOfMemory,
    InvalidValue,
    OutOfMemory,
    QueueFull,
    Stopping,
)
from switchyard_image_server.worker import Crew, Settled, Steps, Ticket, Worker

PATIENCE_S = 10.0


class Gate:
    """Work that has begun, and waits to be let go."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()
        self.noticed_leaving = False

    def work(self, ticket: Ticket[str]) -> None:
        self.entered.set()
        while not self.opened.wait(0.01):
            try:
                ticket.check()
            except Cancelled:
                self.noticed_leaving = True
                raise


class Tensor:
    """Something whose death can be seen."""


class Doubles:
    """Computes steps together, each to its double, and remembers who shared a pass."""

    def __init__(self) -> None:
        self.passes: list[list[Any]] = []

    def __call__(self, steps: Sequence[Any]) -> list[Any]:
        self.passes.append(list(steps))
        return [2 * step for step in steps]


class Paused(Doubles):
    """Computes only when it is told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, steps: Sequence[Any]) -> list[Any]:
        self.entered.set()
        assert self.go_on.wait(PATIENCE_S)
        return super().__call__(steps)


class Ledger:
    """Writes down all that the worker tells."""

    def __init__(self) -> None:
        self.events: list[object] = []
        self.steps = 0
        self.outcomes: list[Settled] = []

    def sent(self, event: object) -> None:
        self.events.append(event)

    def computed(self, steps: int) -> None:
        self.steps += steps

    def settled(self, outcome: Settled) -> None:
        self.outcomes.append(outcome)


class FreesMemory:
    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


@pytest.fixture
async def start_worker() -> AsyncIterator[Callable[..., Worker]]:
    started: list[Worker] = []

    def start(
        limit: int = 2,
        free_memory: Callable[[], None] = lambda: None,
        *,
        crew: Crew | None = None,
        clock: Callable[[], float] = lambda: 0.0,
        watch: Ledger | None = None,
    ) -> Worker:
        worker = Worker(limit, clock, free_memory)
        if crew is not None:
            worker.employ(crew)
        if watch is not None:
            worker.tell(watch)
        worker.start()
        started.append(worker)
        return worker

    yield start
    for worker in started:
        assert await asyncio.to_thread(worker.close, PATIENCE_S), "the thread was left behind"


async def heard(ticket: Ticket[Any]) -> list[Any]:
    return [event async for event in ticket.events()]


async def entered(gate: Gate) -> None:
    assert await asyncio.to_thread(gate.entered.wait, PATIENCE_S)


async def test_delivers_what_the_work_sends_in_order(start_worker: Callable[..., Worker]) -> None:
    def count(ticket: Ticket[int]) -> None:
        for i in range(100):
            ticket.send(i)

    told = await heard(start_worker().submit(count))

    assert told == list(range(100))


async def test_runs_requests_one_at_a_time_in_the_order_of_arrival(start_worker: Callable[..., Worker]) -> None:
    worker = start_worker(limit=10)
    gate = Gate()
    order: list[int] = []
    first = worker.submit(gate.work)
    later = [worker.submit(lambda _, i=i: order.append(i)) for i in range(5)]
    await entered(gate)

    assert order == []
    gate.opened.set()
    for ticket in (first, *later):
        await heard(ticket)
    assert order == [0, 1, 2, 3, 4]


async def test_refuses_with_a_retry_after_when_the_queue_is_full(start_worker: Callable[..., Worker]) -> None:
    worker = start_worker(limit=2)
    gate = Gate()
    worker.submit(gate.work)
    await entered(gate)
    worker.submit(gate.work)
    worker.submit(gate.work)

    with pytest.raises(QueueFull) as refused:
        worker.submit(gate.work)

    assert refused.value.status == 429
    assert 1 <= int(refused.value.headers()["retry-after"]) <= 59
    gate.opened.set()


async def test_a_cancelled_waiter_gives_up_its_place_at_once(start_worker: Callable[..., Worker]) -> None:
    worker = start_worker(limit=1)
    gate = Gate()
    worker.submit(gate.work)
    await entered(gate)
    ran: list[bool] = []
    waiting = worker.submit(lambda _: ran.append(True))

    waiting.cancel()

    with pytest.raises(Cancelled):
        await heard(waiting)
    takes_its_place = worker.submit(lambda _: None)
    gate.opened.set()
    assert await heard(takes_its_place) == []
    assert ran == []


async def test_running_work_notices_that_it_was_cancelled(start_worker: Callable[..., Worker]) -> None:
    worker = start_worker()
    gate = Gate()
    ticket = worker.submit(gate.work)
    await entered(gate)

    ticket.cancel()

    with pytest.raises(Cancelled):
        await heard(ticket)
    assert await heard(worker.submit(lambda _: None)) == []
    assert gate.noticed_leaving


async def test_survives_work_that_raises_or_exits(start_worker: Callable[..., Worker]) -> None:
    worker = start_worker()

    def refuse(_: Ticket[Any]) -> None:
        raise InvalidValue("cannot do that", param="size")

    def exit_(_: Ticket[Any]) -> None:
        raise SystemExit(3)

    with pytest.raises(InvalidValue, match="cannot do that"):
        await heard(worker.submit(refuse))
    with pytest.raises(EngineFault, match="SystemExit: 3"):
        await heard(worker.submit(exit_))
    assert await heard(worker.submit(lambda ticket: ticket.send("alive"))) == ["alive"]


async def test_frees_memory_after_running_out_of_it_and_goes_on(start_worker: Callable[..., Worker]) -> None:
    frees = FreesMemory()
    worker = start_worker(free_memory=frees)

    def exhaust(_: Ticket[Any]) -> None:
        raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB")

    with pytest.raises(OutOfMemory, match="ask for less"):
        await heard(worker.submit(exhaust))

    assert await heard(worker.submit(lambda _: None)) == []
    assert frees.times == 1


async def test_work_that_loses_count_has_failed(start_worker: Callable[..., Worker]) -> None:
    def asks_an_empty_iterator(_: Ticket[Any]) -> None:
        next(iter(()))

    with pytest.raises(EngineFault, match="StopIteration"):
        await heard(start_worker().submit(asks_an_empty_iterator))


async def test_closing_tells_everyone_who_waits(start_worker: Callable[..., Worker]) -> None:
    worker = start_worker()
    gate = Gate()
    running = worker.submit(gate.work)
    await entered(gate)
    waiting = worker.submit(gate.work)

    worker.cancel_all(Stopping())

    for ticket in (running, waiting):
        with pytest.raises(Stopping):
            await heard(ticket)
    with pytest.raises(Stopping):
        worker.submit(gate.work)


async def test_closing_does_not_wait_for_work_that_will_not_stop(start_worker: Callable[..., Worker]) -> None:
    worker = start_worker()
    hold = threading.Event()
    begun = threading.Event()

    def load(_: Ticket[Any]) -> None:
        begun.set()
        hold.wait(PATIENCE_S)

    ticket = worker.submit(load)
    assert await asyncio.to_thread(begun.wait, PATIENCE_S)

    assert not await asyncio.to_thread(worker.close, 0.01)

    with pytest.raises(Stopping):
        await heard(ticket)
    hold.set()


# Work of many steps.


def doubling(count: int, first: int = 1) -> Callable[[Ticket[int]], Steps]:
    def work(ticket: Ticket[int]) -> Steps:
        for step in range(first, first + count):
            ticket.send((yield step))

    return work


async def test_steps_are_answered_in_their_place(start_worker: Callable[..., Worker]) -> None:
    worker = start_worker(limit=9, crew=Crew(3, Doubles()))

    tickets = [worker.submit(doubling(4, first)) for first in (1, 10, 100)]

    assert [await heard(ticket) for ticket in tickets] == [
        [2, 4, 6, 8],
        [20, 22, 24, 26],
        [200, 202, 204, 206],
    ]


async def test_all_that_are_active_share_a_pass_and_no_more_than_the_crew(
    start_worker: Callable[..., Worker],
) -> None:
    together = Paused()
    worker = start_worker(limit=9, crew=Crew(2, together))
    first = worker.submit(doubling(2, 1))
    assert await asyncio.to_thread(together.entered.wait, PATIENCE_S)
    others = [worker.submit(doubling(2, 10 * number)) for number in (1, 2)]

    together.go_on.set()

    for ticket in (first, *others):
        await heard(ticket)
    assert together.passes == [[1], [2, 10], [11, 20], [21]]


async def test_an_answer_that_is_an_exception_is_raised_in_the_work_that_asked(
    start_worker: Callable[..., Worker],
) -> None:
    def fails_for_odd_ones(steps: Sequence[Any]) -> list[Any]:
        return [ValueError(f"{step} is odd") if step % 2 else step for step in steps]

    def mends_it(ticket: Ticket[str]) -> Steps:
        try:
            yield 1
        except ValueError as fault:
            ticket.send(str(fault))
        ticket.send(str((yield 2)))

    worker = start_worker(limit=9, crew=Crew(2, fails_for_odd_ones))
    mended, failed = worker.submit(mends_it), worker.submit(doubling(1, first=3))

    assert await heard(mended) == ["1 is odd", "2"]
    with pytest.raises(EngineFault, match="ValueError: 3 is odd"):
        await heard(failed)


@pytest.mark.parametrize(
    ("together", "told"),
    [
        (lambda steps: 1 // 0, "ZeroDivisionError"),
        (lambda steps: [], "argument 2 is shorter"),
    ],
)
async def test_a_pass_that_fails_fails_those_who_share_it_and_nobody_else(
    start_worker: Callable[..., Worker], together: Callable[[Any], Any], told: str
) -> None:
    worker = start_worker(crew=Crew(2, together))

    with pytest.raises(EngineFault, match=told):
        await heard(worker.submit(doubling(1)))

    assert await heard(worker.submit(lambda ticket: ticket.send("alive"))) == ["alive"]


async def test_steps_that_are_cancelled_are_closed_before_their_next_pass(
    start_worker: Callable[..., Worker],
) -> None:
    together = Paused()
    worker = start_worker(limit=9, crew=Crew(2, together))
    let_go = threading.Event()

    def endless(_: Ticket[Any]) -> Steps:
        try:
            while True:
                yield 0
        finally:
            let_go.set()

    ticket = worker.submit(endless)
    assert await asyncio.to_thread(together.entered.wait, PATIENCE_S)

    ticket.cancel()
    together.go_on.set()

    with pytest.raises(Cancelled):
        await heard(ticket)
    assert await asyncio.to_thread(let_go.wait, PATIENCE_S)
    assert await heard(worker.submit(doubling(1))) == [2]
    assert together.passes == [[0], [1]]


async def test_whoever_leaves_between_two_passes_is_not_in_the_next(
    start_worker: Callable[..., Worker],
) -> None:
    together = Paused()
    worker = start_worker(limit=9, crew=Crew(2, together))
    leaving = worker.submit(doubling(5, 100))
    assert await asyncio.to_thread(together.entered.wait, PATIENCE_S)

    def sees_it_off(_: Ticket[Any]) -> Steps:
        yield 1
        leaving.cancel()
        yield 2

    staying = worker.submit(sees_it_off)
    together.go_on.set()

    await heard(staying)
    assert together.passes == [[100], [101, 1], [2]]


async def test_steps_that_will_not_let_go_do_not_take_the_worker_along(
    start_worker: Callable[..., Worker],
) -> None:
    worker = start_worker(crew=Crew(1, Doubles()))

    def stubborn(ticket: Ticket[Any]) -> Steps:
        try:
            ticket.send("begun")
            yield 1
            raise InvalidValue("cannot go on")
        finally:
            yield 2

    ticket = worker.submit(stubborn)
    assert await anext(ticket.events()) == "begun"
    ticket.cancel()

    assert await heard(worker.submit(lambda ticket: ticket.send("alive"))) == ["alive"]


async def test_what_is_alone_begins_when_nothing_else_is_active_and_nothing_beside_it(
    start_worker: Callable[..., Worker],
) -> None:
    together = Paused()
    worker = start_worker(limit=9, crew=Crew(4, together))
    order: list[str] = []

    def noted(name: str) -> Callable[[Ticket[Any]], Steps]:
        def work(_: Ticket[Any]) -> Steps:
            order.append(f"{name} begins")
            yield 0
            yield 0
            order.append(f"{name} ends")

        return work

    first = worker.submit(noted("first"))
    assert await asyncio.to_thread(together.entered.wait, PATIENCE_S)
    alone, after = worker.submit(noted("alone"), alone=True), worker.submit(noted("after"))
    together.go_on.set()

    for ticket in (first, alone, after):
        await heard(ticket)
    assert order == [
        *("first begins", "first ends"),
        *("alone begins", "alone ends"),
        *("after begins", "after ends"),
    ]


async def test_what_must_not_wait_is_refused_while_anything_runs(start_worker: Callable[..., Worker]) -> None:
    worker = start_worker()
    gate = Gate()
    running = worker.submit(gate.work)
    await entered(gate)

    with pytest.raises(Busy, match="cannot fall asleep: 1 requests run and 0 wait"):
        worker.submit_if_idle(lambda _: None, "fall asleep")

    gate.opened.set()
    await heard(running)
    assert await heard(worker.submit_if_idle(lambda ticket: ticket.send("alone"), "fall asleep")) == ["alone"]


async def test_clients_are_served_in_turns_and_told_their_position(start_worker: Callable[..., Worker]) -> None:
    worker = start_worker(limit=10)
    gate = Gate()
    order: list[str] = []
    running = worker.submit(gate.work, "greedy")
    await entered(gate)
    greedy = [worker.submit(lambda _, i=i: order.append(f"greedy {i}"), "greedy") for i in range(3)]
    modest = worker.submit(lambda _: order.append("modest"), "modest")

    positions = [worker.position(ticket) for ticket in (running, *greedy, modest)]
    lanes = worker.lanes()
    gate.opened.set()

    for ticket in (running, *greedy, modest):
        await heard(ticket)
    assert positions == [None, 0, 2, 3, 1]
    assert lanes == {"greedy": 3, "modest": 1}
    assert order == ["greedy 0", "modest", "greedy 1", "greedy 2"]


async def test_whoever_there_is_room_for_fills_no_queue(start_worker: Callable[..., Worker]) -> None:
    together = Paused()
    worker = start_worker(limit=1, crew=Crew(3, together))

    # At once: the thread has not looked yet.
    tickets = [worker.submit(doubling(1)) for _ in range(4)]

    with pytest.raises(QueueFull):
        worker.submit(doubling(1))
    together.go_on.set()
    for ticket in tickets:
        assert await heard(ticket) == [2]


@pytest.mark.parametrize("known", [False, True])
async def test_a_failed_requests_tensors_are_gone_when_memory_is_freed(
    start_worker: Callable[..., Worker], known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What pytest keeps of the log would keep the fault.
    monkeypatch.setattr(logging.getLogger("switchyard_image_server.worker"), "disabled", True)
    held: list[weakref.ref[Tensor]] = []
    alive_when_freed: list[bool] = []

    def exhaust(_: Ticket[Any]) -> Steps:
        tensor = Tensor()
        held.append(weakref.ref(tensor))
        try:
            yield tensor
        except MemoryError as fault:
            if known:
                raise GpuOutOfMemory("cannot finish: 20 GiB are missing") from fault
            raise

    def runs_out(steps: Sequence[Any]) -> list[Any]:
        scratch = Tensor()
        held.append(weakref.ref(scratch))
        raise MemoryError

    frees = threading.Event()

    def free() -> None:
        alive_when_freed.extend(one() is not None for one in held)
        frees.set()

    worker = start_worker(free_memory=free, crew=Crew(2, runs_out))
    ticket = worker.submit(exhaust)

    assert await asyncio.to_thread(frees.wait, PATIENCE_S)
    assert alive_when_freed == [False, False]
    with pytest.raises(OutOfMemory):
        await heard(ticket)


async def test_survives_that_memory_cannot_be_freed(start_worker: Callable[..., Worker]) -> None:
    def broken() -> None:
        raise RuntimeError("CUDA error: device-side assert triggered")

    def exhaust(_: Ticket[Any]) -> None:
        raise MemoryError

    worker = start_worker(free_memory=broken)

    with pytest.raises(OutOfMemory):
        await heard(worker.submit(exhaust))

    assert await heard(worker.submit(lambda ticket: ticket.send("alive"))) == ["alive"]


async def test_a_worker_that_is_lost_says_so_to_everyone(start_worker: Callable[..., Worker]) -> None:
    class Miscounts(Ledger):
        def settled(self, outcome: Settled) -> None:
            if outcome.ran_s is not None:
                raise ZeroDivisionError

    worker = start_worker(watch=Miscounts())
    gate = Gate()
    running, waiting = worker.submit(gate.work), worker.submit(gate.work)

    gate.opened.set()

    assert await heard(running) == []
    with pytest.raises(EngineFault, match="worker was lost"):
        await heard(waiting)
    assert worker.lost
    with pytest.raises(Stopping):
        worker.submit(gate.work)


async def test_closing_lets_steps_let_go(start_worker: Callable[..., Worker]) -> None:
    worker = start_worker(crew=Crew(1, Doubles()))
    let_go: list[bool] = []

    def endless(ticket: Ticket[Any]) -> Steps:
        try:
            ticket.send("begun")
            while True:
                yield 0
        finally:
            let_go.append(True)

    ticket = worker.submit(endless)
    assert await anext(ticket.events()) == "begun"

    assert await asyncio.to_thread(worker.close, PATIENCE_S)

    assert let_go == [True]


async def test_whoever_counts_is_told_of_all_that_happens(start_worker: Callable[..., Worker]) -> None:
    ledger = Ledger()
    now = iter(range(1000))
    worker = start_worker(limit=9, crew=Crew(1, Doubles()), clock=lambda: float(next(now)), watch=ledger)
    await heard(worker.submit(doubling(3)))
    gate = Gate()
    running = worker.submit(gate.work)
    await entered(gate)
    worker.submit(gate.work).cancel()
    running.cancel()
    with pytest.raises(Cancelled):
        await heard(running)

    await heard(worker.submit(lambda _: None))

    assert (ledger.events, ledger.steps) == ([2, 4, 6], 3)
    served, given_up, stopped, last = ledger.outcomes
    assert (served.error, last.error) == (None, None)
    assert isinstance(given_up.error, Cancelled)
    assert isinstance(stopped.error, Cancelled)
    assert [one.ran_s is None for one in ledger.outcomes] == [False, True, False, False]
    assert all(one.waited_s > 0 for one in ledger.outcomes)


async def test_only_requests_that_were_served_tell_how_long_one_takes(
    start_worker: Callable[..., Worker],
) -> None:
    now = [0.0]
    worker = start_worker(limit=9, clock=lambda: now[0])

    def takes(seconds: float) -> Callable[[Ticket[Any]], None]:
        def work(_: Ticket[Any]) -> None:
            now[0] += seconds

        return work

    def fails(_: Ticket[Any]) -> None:
        now[0] += 500
        raise InvalidValue("cannot do that")

    await heard(worker.submit(takes(300), alone=True))
    with pytest.raises(InvalidValue):
        await heard(worker.submit(fails))
    before = worker.usual_s

    await heard(worker.submit(takes(20)))

    assert (before, worker.usual_s) == (1.0, 20.0)
