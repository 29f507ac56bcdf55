"""How the engine stands: every phase has its word, and says what to do."""

import time
from typing import Any

import pytest

from switchyard_image_server.engine import (
    Engine,
    Failed,
    Loading,
    Phase,
    Ready,
    Shutting,
    Sleeping,
    Turning,
)
from switchyard_image_server.errors import StartCode, StartFailure
from switchyard_image_server.progress import Progress
from switchyard_image_server.standing import Standing, model_of, word_of
from switchyard_image_server.worker import Worker
from tests.image_server.stand_ins import Talker

MODEL: Any = Talker()


def engine_in(phase: Phase) -> Engine:
    engine = Engine("demo", Worker(1, time.monotonic, lambda: None), lambda _: MODEL)
    engine.phase = phase
    return engine


@pytest.mark.parametrize(
    ("phase", "standing", "live", "ready"),
    [
        (Loading(), Standing.LOADING, False, False),
        (Ready(MODEL), Standing.OK, True, True),
        (Turning(MODEL, "asleep"), Standing.TURNING, True, False),
        (Sleeping(MODEL), Standing.ASLEEP, True, False),
        (Failed(StartFailure(StartCode.DISK_FULL, "cannot load demo")), Standing.FAILED, False, False),
        (Shutting(), Standing.STOPPING, False, False),
    ],
)
def test_is_live_with_its_model_and_ready_only_awake(
    phase: Phase, standing: Standing, live: bool, ready: bool
) -> None:
    word = word_of(engine_in(phase))

    assert (word.standing, word.live, word.ready) == (standing, live, ready)
    assert ready == (word.message is None)
    assert (model_of(engine_in(phase)) is MODEL) == live


def test_a_load_tells_how_far_it_is_and_a_failure_its_code() -> None:
    loading = word_of(engine_in(Loading(Progress("vae", 1, 2, 10, 20))))
    failed = word_of(engine_in(Failed(StartFailure(StartCode.DISK_FULL, "cannot load demo: no space"))))

    assert loading.more["progress"]["component"] == "vae"
    assert (failed.message, failed.more) == ("cannot load demo: no space", {"code": "disk_full"})


def test_an_engine_whose_worker_is_lost_is_not_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Worker, "lost", property(lambda _: True))

    word = word_of(engine_in(Ready(MODEL)))

    assert (word.live, word.standing) == (False, Standing.FAILED)
    assert "restart it" in (word.message or "")
