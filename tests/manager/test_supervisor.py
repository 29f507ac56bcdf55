"""The supervisor with real engine processes: what is decided really happens."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from switchyard_contracts.catalog import Catalog
from switchyard_contracts.errors import Reason
from switchyard_contracts.grants import Broken, Drained
from switchyard_contracts.status import Phase
from switchyard_manager.scheduler import Verdict, consider
from switchyard_manager.supervise import liveness
from switchyard_manager.supervise.news import ProxySaid
from tests.manager.yard import Yard, open_yards

Open = Callable[[Catalog], Awaitable[Yard]]


@pytest.fixture
async def open_yard(tmp_path: Path) -> AsyncIterator[Open]:
    async with open_yards(tmp_path) as opened:
        yield opened


async def test_a_wanted_model_is_started_proved_and_granted(
    open_yard: Open, catalog: Callable[..., Catalog]
) -> None:
    yard = await open_yard(catalog(m={"extra_args": ["--load-s", "0.2"]}))

    yard.want("m")
    granted = await yard.granted()

    async with httpx.AsyncClient() as http:
        assert (await http.get(granted.endpoint + "/health")).json() == {"status": "ok"}
    assert {message.phase for message in yard.session.of_kind("loading")} == {Phase.LOADING, Phase.WARMING}


async def test_fifty_concurrent_first_requests_start_exactly_one_process(
    open_yard: Open, catalog: Callable[..., Catalog], tmp_path: Path
) -> None:
    yard = await open_yard(catalog(m={"extra_args": ["--load-s", "0.2", "--count", str(tmp_path / "starts")]}))

    for number in range(50):
        yard.want("m", f"t{number}")
    await yard.granted()

    assert len((tmp_path / "starts").read_text().splitlines()) == 1
    assert yard.status("m").in_flight == 50


async def test_an_idle_model_is_drained_and_its_process_ends(
    open_yard: Open, catalog: Callable[..., Catalog]
) -> None:
    yard = await open_yard(catalog(m={"idle_unload_s": 1}))
    yard.want("m")
    granted = await yard.granted()
    yard.finish(granted)

    await yard.until(lambda: bool(yard.session.of_kind("revoke")))
    yard.supervisor.post(ProxySaid(yard.session, Drained(model="m", grant=granted.grant)))

    await yard.until(lambda: yard.status("m").phase is Phase.STOPPED)
    assert await yard.engines() == []


async def test_an_engine_killed_from_outside_is_replaced_for_the_next_request(
    open_yard: Open, catalog: Callable[..., Catalog]
) -> None:
    yard = await open_yard(catalog(m={}))
    yard.want("m")
    first = await yard.granted()
    (engine,) = await yard.engines()

    engine.send_signal(signal.SIGKILL)
    await yard.until(lambda: yard.status("m").phase is Phase.FAILED)
    yard.want("m", "again")

    await yard.until(lambda: yard.session.of_kind("granted")[-1] != first)
    assert yard.status("m").phase is Phase.READY


async def test_an_engine_that_says_yes_and_cannot_infer_is_never_granted(
    open_yard: Open, catalog: Callable[..., Catalog]
) -> None:
    yard = await open_yard(catalog(m={"extra_args": ["--canary", "bad"]}))

    yard.want("m")
    await yard.until(lambda: bool(yard.session.of_kind("refused")))

    failure = yard.status("m").failure
    assert failure is not None
    assert failure.reason is Reason.CANARY_FAILED
    assert yard.session.of_kind("granted") == []
    assert await yard.engines() == []


async def test_an_engine_that_hangs_at_its_first_request_is_stopped_at_the_limit(
    open_yard: Open, catalog: Callable[..., Catalog]
) -> None:
    yard = await open_yard(catalog(m={"extra_args": ["--canary", "hangs"], "startup_timeout_s": 2}))

    yard.want("m")
    await yard.until(lambda: bool(yard.session.of_kind("refused")))

    failure = yard.status("m").failure
    assert failure is not None
    assert failure.reason is Reason.STARTUP_TIMEOUT
    assert await yard.engines() == []


async def test_the_reason_of_a_failed_start_reaches_who_asked(
    open_yard: Open, catalog: Callable[..., Catalog]
) -> None:
    words = 'SWITCHYARD_FAILURE {"code": "gated_repo", "message": "the licence was not accepted"}'
    yard = await open_yard(catalog(m={"extra_args": ["--exit-while-loading", "1", "--last-words", words]}))

    yard.want("m")
    await yard.until(lambda: bool(yard.session.of_kind("refused")))

    (refused,) = yard.session.of_kind("refused")
    assert refused.error.message == (
        "cannot run m: the licence was not accepted: accept the model's licence on its page and set HF_TOKEN"
    )


async def test_a_slow_stop_of_one_model_does_not_hold_up_another(
    open_yard: Open, catalog: Callable[..., Catalog], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("switchyard_manager.supervise.recording.STOP_GRACE_S", 4.0)
    yard = await open_yard(catalog(slow={"extra_args": ["--deaf"], "idle_unload_s": 1}, quick={}))
    yard.want("slow")
    granted = await yard.granted()
    yard.finish(granted)
    await yard.until(lambda: bool(yard.session.of_kind("revoke")))
    yard.supervisor.post(ProxySaid(yard.session, Drained(model="slow", grant=granted.grant)))
    await yard.until(lambda: yard.status("slow").phase is Phase.STOPPING)

    yard.want("quick")
    await yard.until(lambda: yard.status("quick").phase is Phase.READY)

    assert yard.status("slow").phase is Phase.STOPPING


async def test_f11_a_health_check_that_is_taken_and_never_answered_cannot_outlast_the_limit(
    open_yard: Open, catalog: Callable[..., Catalog]
) -> None:
    yard = await open_yard(catalog(m={"extra_args": ["--health", "hangs"], "startup_timeout_s": 2}))

    yard.want("m")
    await yard.until(lambda: bool(yard.session.of_kind("refused")))

    failure = yard.status("m").failure
    assert failure is not None
    assert failure.reason is Reason.STARTUP_TIMEOUT
    assert await yard.engines() == []


async def test_k19_a_fault_in_one_decision_does_not_end_the_daemon(
    tmp_path: Path, catalog: Callable[..., Catalog], caplog: pytest.LogCaptureFixture
) -> None:
    faults = iter(range(3))

    def stumbles(*seen: Any) -> Verdict:
        if next(faults, None) is not None:
            raise RuntimeError("a fault in the policy")
        return consider(*seen)

    async with open_yards(tmp_path, policy=stumbles) as open_stumbling:
        yard = await open_stumbling(catalog(m={}))
        yard.want("m")

        await yard.granted()

    assert caplog.text.count("cannot decide") == 3


async def test_k26_an_engine_too_busy_for_its_health_check_is_left_alone(
    open_yard: Open, catalog: Callable[..., Catalog], tmp_path: Path
) -> None:
    """A health check that times out is an engine at work; only one that is refused is dead."""
    busy = tmp_path / "busy"
    yard = await open_yard(catalog(m={"extra_args": ["--busy-while", str(busy)]}))
    yard.want("m")
    granted = await yard.granted()
    (engine,) = await yard.engines()
    busy.touch()

    yard.supervisor.post(ProxySaid(yard.session, Broken(model="m", grant=granted.grant)))
    yard.supervisor.post(ProxySaid(yard.session, Drained(model="m", grant=granted.grant)))
    yard.want("m", "again")
    await yard.until(lambda: yard.session.of_kind("granted")[-1] != granted)

    assert [one.pid for one in await yard.engines()] == [engine.pid]
    assert yard.status("m").failure is None


async def test_a_server_whose_engine_is_dead_is_ended_though_nobody_asks_it_anything(
    open_yard: Open, catalog: Callable[..., Catalog], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """vLLM's can stand for an hour like that, with the memory it holds."""
    monkeypatch.setattr(liveness, "LOOK_EVERY_S", 0.1)
    dead = tmp_path / "dead"
    yard = await open_yard(catalog(m={"extra_args": ["--dead-while", str(dead), "--deaf"]}))
    yard.want("m")
    await yard.granted()

    dead.touch()

    await yard.until(lambda: yard.status("m").failure is not None)
    failure = yard.status("m").failure
    assert failure is not None
    assert failure.reason is Reason.ENGINE_EXITED
    assert "what it served is gone (its health check says 503)" in failure.message
    await yard.until(lambda: yard.status("m").phase is Phase.FAILED)
    assert await yard.engines() == []


async def test_an_engine_that_dies_while_a_proxy_complains_of_it_has_failed_by_how_it_died(
    open_yard: Open, catalog: Callable[..., Catalog], tmp_path: Path
) -> None:
    dead = tmp_path / "dead"
    yard = await open_yard(catalog(m={"extra_args": ["--dead-while", str(dead)]}))
    yard.want("m")
    granted = await yard.granted()
    (engine,) = await yard.engines()
    dead.touch()

    yard.supervisor.post(ProxySaid(yard.session, Broken(model="m", grant=granted.grant)))
    await asyncio.sleep(0.3)
    engine.send_signal(signal.SIGKILL)

    await yard.until(lambda: yard.status("m").failure is not None)
    failure = yard.status("m").failure
    assert failure is not None
    assert failure.message == "cannot run m: its engine was killed from outside, most likely for want of memory"


async def test_an_engine_that_a_proxy_complains_of_and_that_stays_dead_is_ended(
    open_yard: Open, catalog: Callable[..., Catalog], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(liveness, "GONE_WITHIN_S", 0.1)
    dead = tmp_path / "dead"
    yard = await open_yard(catalog(m={"extra_args": ["--dead-while", str(dead), "--deaf"]}))
    yard.want("m")
    granted = await yard.granted()
    dead.touch()

    yard.supervisor.post(ProxySaid(yard.session, Broken(model="m", grant=granted.grant)))

    await yard.until(lambda: yard.status("m").phase is Phase.FAILED)
    failure = yard.status("m").failure
    assert failure is not None
    assert failure.message == "cannot use m: its health check says 503"
    assert await yard.engines() == []


async def test_an_engine_that_has_not_been_up_yet_is_not_dead(
    open_yard: Open, catalog: Callable[..., Catalog], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(liveness, "LOOK_EVERY_S", 0.05)
    dead = tmp_path / "not-yet"
    dead.touch()
    yard = await open_yard(catalog(m={"extra_args": ["--dead-while", str(dead), "--load-s", "0.5"]}))
    yard.want("m")
    await yard.until(lambda: yard.status("m").phase is Phase.LOADING)
    await asyncio.sleep(1)

    dead.unlink()

    await yard.granted()
    assert yard.status("m").failure is None
