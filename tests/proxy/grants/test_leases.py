"""Leases as requests await them: what happens between two awaits, and what a cancelled request gives back."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from switchyard_contracts.errors import ErrorBody, ErrorCode
from switchyard_contracts.grants import Drained, FromProxy, Granted, Refused, Revoke, Unwant, Want
from switchyard_proxy.errors import ProxyError, TicketRefused
from switchyard_proxy.grants.holdings import Lease
from switchyard_proxy.grants.leases import Leases


class Said(list[FromProxy]):
    """All that went to the manager."""

    def of(self, kind: type) -> list[FromProxy]:
        return [word for word in self if isinstance(word, kind)]


@pytest.fixture
async def leases() -> AsyncIterator[Leases]:
    leases = Leases("p", manager_wait_s=5)
    yield leases
    leases.close()


@pytest.fixture
def said(leases: Leases) -> Said:
    said = Said()
    leases.greet(said.append)
    leases.met()
    return said


def granted(grant: str = "g1") -> Granted:
    return Granted(model="m", grant=grant, endpoint="http://e")


def later(wait_s: float = 600) -> float:
    return asyncio.get_running_loop().time() + wait_s


async def acquired(leases: Leases, deadline: float | None = None) -> Lease:
    """As a request does it."""
    lease = leases.take("m")
    if lease is not None:
        return lease
    place = leases.queue("m", later() if deadline is None else deadline)
    try:
        await asyncio.wait((place.admitted,))
        return leases.claim(place)
    finally:
        leases.leave(place)


async def waiting(leases: Leases, tasks: asyncio.TaskGroup) -> asyncio.Task[Lease]:
    task = tasks.create_task(acquired(leases))
    await asyncio.sleep(0)
    return task


async def test_a_held_grant_is_leased_without_a_pause(leases: Leases, said: Said) -> None:
    leases.granted(granted())

    lease = await acquired(leases)

    assert lease.grant.id == "g1"
    assert said.of(Want) == []


async def test_whoever_waits_has_the_lease_before_a_revoke_that_follows_at_once(
    leases: Leases, said: Said
) -> None:
    async with asyncio.TaskGroup() as tasks:
        task = await waiting(leases, tasks)
        leases.granted(granted())
        leases.revoked(Revoke(model="m", grant="g1"))

    drained_early = said.of(Drained)
    leases.release(task.result())

    assert drained_early == []
    assert said.of(Drained) == [Drained(model="m", grant="g1")]


@pytest.mark.parametrize("cancelled_first", [True, False])
async def test_a_request_cancelled_in_the_moment_it_is_admitted_gives_the_lease_back(
    leases: Leases, said: Said, cancelled_first: bool
) -> None:
    async with asyncio.TaskGroup() as tasks:
        task = await waiting(leases, tasks)
        steps = [task.cancel, lambda: leases.granted(granted())]
        for step in steps if cancelled_first else reversed(steps):
            step()

    assert task.cancelled()
    assert leases.in_flight == 0
    leases.revoked(Revoke(model="m", grant="g1"))
    assert len(said.of(Drained)) == 1


async def test_a_request_cancelled_in_the_queue_leaves_it(leases: Leases, said: Said) -> None:
    async with asyncio.TaskGroup() as tasks:
        task = await waiting(leases, tasks)
        task.cancel()

    assert leases.waiting == 0
    assert len(said.of(Unwant)) == 1


async def test_a_request_cancelled_in_the_moment_it_is_refused_just_goes(leases: Leases, said: Said) -> None:
    async with asyncio.TaskGroup() as tasks:
        task = await waiting(leases, tasks)
        [want] = said.of(Want)
        assert isinstance(want, Want)
        error = ErrorBody.of(ErrorCode.MODEL_LOAD_FAILED, "cannot")
        task.cancel()
        leases.refused(Refused(model="m", ticket=want.ticket, error=error))

    assert task.cancelled()
    assert leases.waiting == 0


async def test_a_refusal_reaches_the_one_whose_ticket_it_is(leases: Leases, said: Said) -> None:
    error = ErrorBody.of(ErrorCode.MODEL_LOAD_FAILED, "cannot start it")

    async with asyncio.TaskGroup() as tasks:
        refused = tasks.create_task(failing(leases))
        await asyncio.sleep(0)
        served = await waiting(leases, tasks)
        first, _ = said.of(Want)
        assert isinstance(first, Want)
        leases.refused(Refused(model="m", ticket=first.ticket, error=error, retry_after_s=9))
        leases.granted(granted())

    assert isinstance(refused.result(), TicketRefused)
    assert served.result().grant.id == "g1"


async def failing(leases: Leases) -> ProxyError:
    with pytest.raises(ProxyError) as failed:
        await acquired(leases)
    return failed.value


async def test_time_that_is_up_wakes_the_request_by_itself(leases: Leases, said: Said) -> None:
    with pytest.raises(ProxyError) as failed:
        await acquired(leases, later(0.01))

    assert failed.value.code is ErrorCode.MODEL_LOAD_TIMEOUT
    assert len(said.of(Unwant)) == 1


async def test_the_drain_limit_cuts_by_itself_and_a_late_comer_learns_of_it(leases: Leases, said: Said) -> None:
    leases.granted(granted())
    lease = await acquired(leases)
    told: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    lease.on_cut = told.set_result

    leases.revoked(Revoke(model="m", grant="g1", drain_s=0.01))
    async with asyncio.timeout(5):
        why = await told

    assert lease.cut == why
    assert "make room" in why


async def test_stopping_ends_what_runs_and_what_waits_and_begins_nothing(leases: Leases, said: Said) -> None:
    leases.granted(granted())
    running = await acquired(leases)
    leases.revoked(Revoke(model="m", grant="g1"))

    async with asyncio.TaskGroup() as tasks:
        queued = tasks.create_task(failing(leases))
        await asyncio.sleep(0)
        leases.stop("the proxy stops")
    late = await failing(leases)

    assert running.cut == "the proxy stops"
    assert queued.result().code is late.code is ErrorCode.OVERLOADED
    assert leases.waiting == 0
