"""Work for a client that may hang up."""

import asyncio

import pytest

from switchyard_proxy.asgi import Message, Receive
from switchyard_proxy.errors import ClientGone
from switchyard_proxy.wire.hangup import until_client_leaves


def staying_until(gone: asyncio.Event) -> Receive:
    async def receive() -> Message:
        await gone.wait()
        return {"type": "http.disconnect"}

    return receive


async def test_work_for_a_client_that_stays_runs_to_its_end() -> None:
    done = asyncio.Event()

    async def work() -> None:
        await asyncio.sleep(0)
        done.set()

    await until_client_leaves(staying_until(asyncio.Event()), work())

    assert done.is_set()


async def test_work_is_cancelled_where_it_stands_when_the_client_leaves() -> None:
    gone, cleaned_up = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        try:
            gone.set()
            await asyncio.Event().wait()
        finally:
            cleaned_up.set()

    with pytest.raises(ClientGone):
        await until_client_leaves(staying_until(gone), work())

    assert cleaned_up.is_set()


async def test_a_failure_comes_out_as_it_is_and_not_wrapped() -> None:
    async def work() -> None:
        raise ValueError("plain")

    with pytest.raises(ValueError, match="plain"):
        await until_client_leaves(staying_until(asyncio.Event()), work())


async def test_a_cancelled_server_cancels_the_work_and_leaves_no_watch() -> None:
    begun, cleaned_up = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            cleaned_up.set()

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(until_client_leaves(staying_until(asyncio.Event()), work()))
        await begun.wait()
        task.cancel()

    assert task.cancelled()
    assert cleaned_up.is_set()
