"""The worker: one thread, in order, cancelled at once, surviving whatever its work does."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from switchyard_image_server.errors import (
    Cancelled,
    EngineFault,
    InvalidValue,
    OutOfMemory,
    QueueFull,
    Stopping,
)
from switchyard_image_server.worker import Ticket, Worker

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


class FreesMemory:
    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


@pytest.fixture
async def start_worker() -> AsyncIterator[Callable[..., Worker]]:
    started: list[Worker] = []

    def start(limit: int = 2, free_memory: Callable[[], None] = lambda: None) -> Worker:
        worker = Worker(limit, lambda: 0.0, free_memory)
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
