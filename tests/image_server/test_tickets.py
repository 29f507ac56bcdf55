"""A ticket: what is sent arrives in order, the first end is the end, and nobody who has left is waited for."""

import asyncio
from typing import Any

import pytest

from switchyard_image_server.errors import Cancelled, EngineFault, Stopping
from switchyard_image_server.tickets import NobodyWatches, Ticket


def ticket_of(withdrawn: list[Any] | None = None) -> Ticket[Any]:
    withdraw = (lambda _: None) if withdrawn is None else withdrawn.append
    return Ticket(lambda _: None, withdraw, "", alone=False, queued_at=0.0, watch=NobodyWatches())


async def heard(ticket: Ticket[Any]) -> list[Any]:
    return [event async for event in ticket.events()]


async def test_what_is_sent_from_another_thread_arrives_in_order_and_before_the_end() -> None:
    ticket = ticket_of()

    def work() -> None:
        for number in range(50):
            ticket.send(number)
        ticket.end(None)

    await asyncio.to_thread(work)

    assert await heard(ticket) == list(range(50))


async def settled_loop() -> None:
    """Whatever could happen by now has happened."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_who_wants_everything_at_once_is_woken_once_and_gets_it_in_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ticket = ticket_of()
    ticket.send("before anybody asked")
    loop = asyncio.get_running_loop()
    wake, wakes = loop.call_soon_threadsafe, []

    def counted(*call: Any) -> Any:
        wakes.append(call)
        return wake(*call)

    monkeypatch.setattr(loop, "call_soon_threadsafe", counted)
    async with asyncio.TaskGroup() as group:
        everything = group.create_task(ticket.everything())
        await settled_loop()
        for number in range(5):
            ticket.send(number)
        ticket.end(None)

    assert everything.result() == ["before anybody asked", 0, 1, 2, 3, 4]
    assert len(wakes) == 1


async def test_who_waits_for_some_things_only_is_woken_for_those_and_gets_the_rest_with_them() -> None:
    ticket = ticket_of()
    ticket.wake_only_for(str)
    events = ticket.events()

    async with asyncio.TaskGroup() as group:
        first = group.create_task(anext(events))
        for number in range(3):
            ticket.send(number)
        await settled_loop()
        woken_early = first.done()
        ticket.send("now")
    ticket.end(None)

    assert not woken_early
    assert [first.result(), *[event async for event in events]] == [0, 1, 2, "now"]


async def test_who_wants_everything_at_once_hears_of_a_failure_instead() -> None:
    ticket = ticket_of()
    ticket.send("half")
    ticket.end(EngineFault("cannot finish"))

    with pytest.raises(EngineFault):
        await ticket.everything()


async def test_the_first_end_is_the_one_that_is_told() -> None:
    ticket = ticket_of()

    ticket.cancel(Stopping())
    ticket.end(EngineFault("cannot finish"))

    with pytest.raises(Stopping):
        await heard(ticket)


async def test_giving_up_withdraws_it_and_is_noticed_at_the_next_check() -> None:
    withdrawn: list[Any] = []
    ticket = ticket_of(withdrawn)
    ticket.check()

    ticket.cancel()

    assert (withdrawn, ticket.cancelled) == ([ticket], True)
    with pytest.raises(Cancelled):
        ticket.check()
    with pytest.raises(Cancelled):
        ticket.begin()


def test_work_whose_event_loop_is_gone_goes_on() -> None:
    async def made() -> Ticket[Any]:
        return ticket_of()

    ticket = asyncio.run(made())

    ticket.send("into the void")
    ticket.end(None)
