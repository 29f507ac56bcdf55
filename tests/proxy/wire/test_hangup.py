"""Work for a client that may hang up."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from switchyard_proxy.errors import ClientGone
from switchyard_proxy.wire.hangup import while_client_stays


@dataclass
class Someone:
    gone: bool = False
    has_sent_all: bool = True
    on_gone: Callable[[], object] | None = None

    def leave(self) -> None:
        self.gone = True
        if self.on_gone is not None:
            self.on_gone()


async def test_work_for_a_client_that_stays_runs_to_its_end() -> None:
    client, done = Someone(), asyncio.Event()

    async def work() -> None:
        await asyncio.sleep(0)
        done.set()

    await while_client_stays(client, work())

    assert done.is_set()
    assert client.on_gone is None


async def test_work_is_cancelled_where_it_stands_when_the_client_leaves() -> None:
    client, cleaned_up = Someone(), asyncio.Event()

    async def work() -> None:
        try:
            asyncio.get_running_loop().call_soon(client.leave)
            await asyncio.Event().wait()
        finally:
            cleaned_up.set()

    with pytest.raises(ClientGone):
        await while_client_stays(client, work())

    assert cleaned_up.is_set()
    assert asyncio.current_task().cancelling() == 0  # type: ignore[union-attr]


async def test_nothing_is_begun_for_a_client_that_has_left_already() -> None:
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()

    with pytest.raises(ClientGone):
        await while_client_stays(Someone(gone=True), work())

    assert not begun.is_set()


async def test_a_failure_comes_out_as_it_is() -> None:
    async def work() -> None:
        raise ValueError("plain")

    with pytest.raises(ValueError, match="plain"):
        await while_client_stays(Someone(), work())


async def test_a_cancelled_server_cancels_the_work_and_is_not_taken_for_the_client() -> None:
    client, begun, cleaned_up = Someone(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            cleaned_up.set()

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(while_client_stays(client, work()))
        await begun.wait()
        task.cancel()

    assert task.cancelled()
    assert cleaned_up.is_set()
