"""The model's life: one phase at a time, written by the event loop in the step that decides."""

import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from switchyard_image_server.engine import Engine, Failed, Loading, Ready, Shutting, Sleeping, Turning
from switchyard_image_server.errors import (
    Asleep,
    Busy,
    OutOfMemory,
    StartCode,
    StartFailure,
    StillLoading,
    Stopping,
    UnknownModel,
)
from switchyard_image_server.progress import Progress
from switchyard_image_server.worker import Worker
from tests.image_server.stand_ins import CannotSleep, Talker

Start = Callable[..., Engine]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    workers: list[Worker] = []

    def begin(load: Any) -> Engine:
        workers.append(Worker(4, time.monotonic, lambda: None))
        workers[-1].start()
        return Engine("demo", workers[-1], load)

    yield begin
    for worker in workers:
        assert worker.close(30)


class NoRoomToWake(Talker):
    def wake(self) -> None:
        raise RuntimeError("out of memory")


async def test_is_loading_until_it_is_ready(start: Start) -> None:
    engine = start(lambda _: Talker())

    assert isinstance(engine.phase, Loading)
    with pytest.raises(StillLoading):
        engine.model_named(None)
    await engine.load()

    assert isinstance(engine.phase, Ready)
    assert engine.model_named("demo") is engine.phase.model


async def test_tells_how_far_the_load_is(start: Start) -> None:
    told: list[Progress] = []

    class Watched(Engine):
        def __setattr__(self, name: str, value: object) -> None:
            if name == "phase" and isinstance(value, Loading):
                told.append(value.progress)
            super().__setattr__(name, value)

    def load(tell: Any) -> Talker:
        tell(Progress("vae", 0, 1, 0, 10))
        tell(Progress("vae", 1, 1, 10, 10))
        return Talker()

    plain = start(load)
    engine = Watched("demo", plain.worker, load)
    await engine.load()

    assert told == [Progress(), Progress("vae", 0, 1, 0, 10), Progress("vae", 1, 1, 10, 10)]
    assert isinstance(engine.phase, Ready)


async def test_a_load_that_fails_ends_in_its_reason(start: Start) -> None:
    def refuse(_: Any) -> Talker:
        raise StartFailure(StartCode.DISK_FULL, "cannot load: full")

    def break_down(_: Any) -> Talker:
        raise ValueError("what a library says")

    for load, code in ((refuse, StartCode.DISK_FULL), (break_down, StartCode.LOAD_FAILED)):
        engine = start(load)
        await engine.load()

        assert isinstance(engine.phase, Failed)
        assert engine.phase.failure.code is code
        with pytest.raises(Stopping):
            engine.model_named(None)


async def test_sleeps_and_wakes_and_is_nothing_else_meanwhile(start: Start) -> None:
    engine = start(lambda _: Talker())
    await engine.load()

    await engine.sleep()
    asleep = engine.phase
    with pytest.raises(Asleep):
        engine.model_named(None)
    await engine.wake()

    assert isinstance(asleep, Sleeping)
    assert isinstance(engine.phase, Ready)
    assert engine.phase.model is asleep.model


async def test_sleeping_twice_and_waking_twice_changes_nothing(start: Start) -> None:
    engine = start(lambda _: Talker())
    await engine.load()

    await engine.wake()
    await engine.sleep()
    await engine.sleep()
    await engine.wake()
    await engine.wake()

    assert isinstance(engine.phase, Ready)


async def test_a_sleep_that_is_refused_leaves_it_ready(start: Start) -> None:
    engine = start(lambda _: CannotSleep())
    await engine.load()

    with pytest.raises(Busy, match="cannot be parked"):
        await engine.sleep()

    assert isinstance(engine.phase, Ready)


async def test_a_library_that_exits_is_a_model_that_cannot_be_loaded(start: Start) -> None:
    def exits(_: Any) -> Any:
        raise SystemExit("no licence for this card")

    engine = start(exits)

    await engine.load()

    assert isinstance(engine.phase, Failed)
    assert "SystemExit: no licence for this card" in engine.phase.failure.message


async def test_a_wake_that_fails_leaves_it_asleep(start: Start) -> None:
    engine = start(lambda _: NoRoomToWake())
    await engine.load()
    await engine.sleep()

    with pytest.raises(OutOfMemory):
        await engine.wake()

    assert isinstance(engine.phase, Sleeping)


async def test_the_turn_is_recorded_in_the_step_that_decides_it(start: Start) -> None:
    """A request that comes in the same breath must not find the model ready any more."""
    engine = start(lambda _: Talker())
    await engine.load()
    turn = engine.sleep()

    turn.send(None)  # to its first wait, and no further

    assert isinstance(engine.phase, Turning)
    with pytest.raises(Asleep):
        engine.model_named(None)
    turn.close()


async def test_no_sleep_while_work_runs(start: Start) -> None:
    engine = start(lambda _: Talker())
    await engine.load()
    let = threading.Event()
    ticket = engine.submit(lambda _: let.wait(30) and None)

    with pytest.raises(Busy, match="cannot fall asleep"):
        await engine.sleep()
    let.set()
    _ = [event async for event in ticket.events()]

    assert isinstance(engine.phase, Ready)


async def test_shutting_down_is_the_end_of_every_phase(start: Start) -> None:
    engine = start(lambda _: Talker())
    await engine.load()

    engine.stop()

    assert isinstance(engine.phase, Shutting)
    with pytest.raises(Stopping):
        engine.model_named(None)
    with pytest.raises(Stopping):
        await engine.sleep()


async def test_there_is_one_model_and_it_may_be_called_nothing(start: Start) -> None:
    engine = start(lambda _: Talker())
    await engine.load()

    assert engine.model_named("") is engine.model_named(None) is engine.model_named("demo")
    with pytest.raises(UnknownModel) as unknown:
        engine.model_named("another")
    assert unknown.value.param == "model"
