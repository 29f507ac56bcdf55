"""The models of all managers together, and the wait for the first word of one."""

import asyncio

import pytest

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.errors import Unavailable
from switchyard_proxy.grants.sites import Sites
from switchyard_proxy.wire.fleet import Fleet


async def test_before_the_first_word_a_request_waits_a_little_for_it() -> None:
    fleet = Fleet(Sites(()), manager_wait_s=5)

    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(fleet.meet())
        await asyncio.sleep(0)
        fleet.has_news()

    assert waiting.done()
    assert fleet.is_met


async def test_without_any_word_a_request_is_told_that_the_manager_is_away() -> None:
    with pytest.raises(Unavailable) as unavailable:
        await Fleet(Sites(()), manager_wait_s=0.01).meet()

    assert unavailable.value.code is ErrorCode.MANAGER_UNAVAILABLE
