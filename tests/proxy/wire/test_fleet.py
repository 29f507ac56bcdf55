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


async def test_whoever_waits_for_news_can_be_woken_without_any() -> None:
    fleet = Fleet(Sites(()), manager_wait_s=5)
    heard = fleet.next_news()

    fleet.wake()

    assert heard.is_set()
    assert not fleet.is_met
    assert not fleet.next_news().is_set()


async def test_every_wait_for_news_is_for_the_next_one() -> None:
    fleet = Fleet(Sites(()), manager_wait_s=5)
    first = fleet.next_news()
    fleet.has_news()
    second = fleet.next_news()

    assert (first.is_set(), second.is_set()) == (True, False)


async def test_before_the_first_word_there_is_no_directory_and_nothing_to_tell() -> None:
    fleet = Fleet(Sites(()), manager_wait_s=5)

    assert fleet.statuses() == ()
    with pytest.raises(Unavailable):
        _ = fleet.directory


async def test_the_directory_is_made_anew_only_when_there_was_news() -> None:
    fleet = Fleet(Sites(()), manager_wait_s=5)
    fleet.has_news()
    first = fleet.directory

    again = fleet.directory
    fleet.has_news()

    assert again is first
    assert fleet.directory is not first
