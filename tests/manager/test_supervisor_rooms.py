"""Making room with real engine processes: eviction, sleep, wake, and memory measured rather than believed."""

import asyncio
import dataclasses
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from switchyard_contracts.catalog import Catalog
from switchyard_contracts.errors import Reason
from switchyard_contracts.status import Phase
from switchyard_manager.gpu import Holder, Reading
from switchyard_manager.supervise.commands import Command, Verb
from tests.manager.conftest import gpu
from tests.manager.yard import WITHIN_S, Yard, open_yards

CARD_MIB = 24_000
Open = Callable[..., Awaitable[Yard]]


@dataclasses.dataclass
class Card:
    """A GPU that shows what the test says."""

    used_mib: int | None = 0
    holders: tuple[Holder, ...] = ()

    def read(self) -> Reading:
        one = dataclasses.replace(gpu("GPU-0", CARD_MIB, self.used_mib), holders=self.holders)
        return Reading((one,), ram_total_mib=64_000, ram_available_mib=60_000)


@pytest.fixture
async def open_yard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Open]:
    monkeypatch.setattr("switchyard_manager.supervise.supervisor.MEASURE_EVERY_S", 0.2)
    async with open_yards(tmp_path) as opened:
        yield opened


NAPS = {"extra_args": ["--naps"], "vram_mib": 20_000}


async def test_the_idle_model_makes_room_for_the_one_that_is_asked_for(
    open_yard: Open, catalog: Callable[..., Catalog]
) -> None:
    yard = await open_yard(catalog(a={}, b={}), Card())
    await yard.serve("a")

    yard.want("b", "t-b")
    await yard.drained("a")

    await yard.until(lambda: yard.status("b").phase is Phase.READY)
    assert yard.status("a").phase is Phase.STOPPED
    assert len(await yard.engines()) == 1


async def test_a_turn_that_comes_by_time_alone_is_noticed_without_a_tick(
    open_yard: Open, catalog: Callable[..., Catalog], monkeypatch: pytest.MonkeyPatch
) -> None:
    yard = await open_yard(catalog(a={}, b={}), Card())
    yard.want("a", "t-a")
    held = await yard.granted("a")
    monkeypatch.setattr("switchyard_manager.supervise.supervisor.TICK_S", 3600.0)
    monkeypatch.setattr("switchyard_manager.supervise.supervisor.MEASURE_EVERY_S", 3600.0)

    yard.finish(held)  # this moment: it is left alone for a while yet
    yard.want("b", "t-b")

    await yard.drained("a")


async def test_a_victim_sleeps_and_is_woken_in_the_same_process(
    open_yard: Open, catalog: Callable[..., Catalog]
) -> None:
    card = Card(used_mib=20_500)
    yard = await open_yard(catalog(a=NAPS, b={"vram_mib": 20_000}), card)
    card.used_mib = 500
    await yard.serve("a")
    card.used_mib = 20_500
    (first,), first_grant = await yard.engines(), await yard.granted("a")

    yard.want("b", "t-b")
    await yard.drained("a")
    await _sleeps(first_grant.endpoint)
    card.used_mib = 1_500
    await yard.until(lambda: yard.status("a").phase is Phase.ASLEEP)
    await yard.until(lambda: yard.status("b").phase is Phase.READY)
    await yard.done("b")
    yard.want("a", "again")
    await yard.drained("b")
    await yard.until(lambda: yard.status("a").phase is Phase.READY)

    assert [engine.pid for engine in await yard.engines()] == [first.pid]


async def _sleeps(endpoint: str) -> None:
    """It says so itself: what it held before has been measured by then."""
    async with httpx.AsyncClient() as http, asyncio.timeout(WITHIN_S):
        while not (await http.get(f"{endpoint}/is_sleeping")).json()["is_sleeping"]:
            await asyncio.sleep(0.01)


async def test_f22_an_engine_that_says_it_sleeps_and_keeps_its_memory_is_stopped(
    open_yard: Open, catalog: Callable[..., Catalog], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("switchyard_manager.supervise.sleeping.FREED_WITHIN_S", 0.3)
    card = Card()
    yard = await open_yard(catalog(a=NAPS, b={"vram_mib": 20_000}), card)
    await yard.serve("a")
    card.used_mib = 20_500

    await yard.supervisor.ask(Command(Verb.SLEEP, "a"))
    await yard.drained("a")
    await yard.until(lambda: yard.status("a").phase is Phase.STOPPED)

    assert await yard.engines() == []
    assert yard.status("a").failure is None


@pytest.mark.parametrize("flags", [["--nap-status", "500"], ["--pretends"]])
async def test_f22_an_engine_that_cannot_sleep_after_all_is_stopped(
    open_yard: Open, catalog: Callable[..., Catalog], flags: list[str]
) -> None:
    yard = await open_yard(catalog(a={**NAPS, "extra_args": ["--naps", *flags]}), Card())
    await yard.serve("a")

    await yard.supervisor.ask(Command(Verb.SLEEP, "a"))
    await yard.drained("a")

    await yard.until(lambda: yard.status("a").phase is Phase.STOPPED)


async def test_f22_an_engine_that_cannot_be_woken_is_stopped_and_started_anew(
    open_yard: Open, catalog: Callable[..., Catalog], tmp_path: Path
) -> None:
    told = tmp_path / "wake-fails"
    yard = await open_yard(
        catalog(a={**NAPS, "extra_args": ["--naps", "--wake-fails-while", str(told)]}), Card()
    )
    await yard.serve("a")
    (first,) = await yard.engines()
    await yard.supervisor.ask(Command(Verb.SLEEP, "a"))
    await yard.drained("a")
    await yard.until(lambda: yard.status("a").phase is Phase.ASLEEP)

    told.touch()
    yard.want("a", "again")
    await yard.until(lambda: yard.status("a").failure is not None)
    told.unlink()
    yard.want("a", "once more")

    await yard.until(lambda: yard.status("a").phase is Phase.READY)
    (second,) = await yard.engines()
    assert second.pid != first.pid


async def test_f7_a_start_waits_for_memory_that_was_freed_to_show(
    open_yard: Open, catalog: Callable[..., Catalog]
) -> None:
    card = Card()
    yard = await open_yard(catalog(a={"vram_mib": 20_000}, b={"vram_mib": 20_000}), card)
    await yard.serve("a")
    card.used_mib = 20_000
    await yard.settle()

    yard.want("b", "t-b")
    await yard.drained("a")
    await yard.until(lambda: yard.status("a").phase is Phase.STOPPED)
    await yard.settle()
    held_up = yard.status("b").phase
    card.used_mib = 0
    await yard.until(lambda: yard.status("b").phase is Phase.READY)

    assert held_up is Phase.STOPPED


async def test_k5_a_strangers_memory_is_told_by_name_and_is_not_the_models_fault(
    open_yard: Open, catalog: Callable[..., Catalog]
) -> None:
    card = Card(used_mib=18_000, holders=(Holder(4321, "blender", 18_000),))
    yard = await open_yard(catalog(a={"vram_mib": 20_000}), card)

    yard.want("a")
    await yard.until(lambda: bool(yard.session.of_kind("refused")))

    failure = yard.status("a").failure
    assert failure is not None
    assert failure.reason is Reason.VRAM_BUSY
    assert "blender (process 4321) holds 18000" in failure.message
    assert yard.status("a").phase is Phase.STOPPED
    card.used_mib, card.holders = 0, ()
    await yard.settle()
    await yard.supervisor.ask(Command(Verb.LOAD, "a"))
    await yard.until(lambda: yard.status("a").phase is Phase.READY)


async def test_a_load_by_hand_brings_it_up_without_any_request(
    open_yard: Open, catalog: Callable[..., Catalog]
) -> None:
    yard = await open_yard(catalog(a={}), Card())

    first = await yard.supervisor.ask(Command(Verb.LOAD, "a"))
    await yard.until(lambda: yard.status("a").phase is Phase.READY)
    second = await yard.supervisor.ask(Command(Verb.LOAD, "a"))

    assert (first.changed, second.changed) == (True, False)
    assert (yard.status("a").waiting, yard.status("a").in_flight) == (0, 0)


async def test_a_load_that_is_cancelled_ends_and_whoever_waits_is_told(
    open_yard: Open, catalog: Callable[..., Catalog]
) -> None:
    yard = await open_yard(catalog(a={"extra_args": ["--load-s", "30"]}), Card())
    yard.want("a")
    await yard.until(lambda: yard.status("a").phase is Phase.LOADING)
    began = time.monotonic()

    await yard.supervisor.ask(Command(Verb.CANCEL, "a"))
    await yard.until(lambda: yard.status("a").phase is Phase.STOPPED)

    (refused,) = yard.session.of_kind("refused")
    assert refused.error.message == "cannot load a: the operator cancelled it"
    assert time.monotonic() - began < 20
    assert await yard.engines() == []


async def test_f10_an_engine_that_stands_still_under_its_requests_is_found_out_and_replaced(
    open_yard: Open, catalog: Callable[..., Catalog], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("switchyard_manager.supervise.liveness.COUNT_EVERY_S", 0.05)
    monkeypatch.setattr("switchyard_manager.scheduler.alone.STILL_S", 0.3)
    monkeypatch.setattr("switchyard_manager.engines.protocol.CANARY_TIMEOUT_S", 0.5)
    hangs = tmp_path / "hangs"
    yard = await open_yard(catalog(a={"extra_args": ["--hangs-while", str(hangs)]}), Card())
    yard.want("a")
    granted = await yard.granted()
    async with httpx.AsyncClient() as http:
        assert (await http.get(granted.endpoint + "/health")).is_success

    hangs.touch()
    await yard.until(lambda: yard.status("a").failure is not None)

    failure = yard.status("a").failure
    assert failure is not None
    assert failure.reason is Reason.ENGINE_STUCK
    await yard.until(lambda: yard.status("a").phase is Phase.FAILED)


async def test_progress_of_a_load_is_read_from_the_log(
    open_yard: Open, catalog: Callable[..., Catalog]
) -> None:
    flags = ["--last-words", "weights 43 %", "--linger-s", "1"]
    yard = await open_yard(catalog(a={"extra_args": flags}), Card())

    yard.want("a")
    await yard.until(lambda: yard.status("a").progress == "weights 43 %")

    await asyncio.wait_for(yard.granted(), 20)
    assert any(message.progress == "weights 43 %" for message in yard.session.of_kind("loading"))
