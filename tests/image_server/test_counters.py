"""What is counted, and that nothing is counted twice."""

import pytest

from switchyard_image_server.chat import events as chat
from switchyard_image_server.counters import Counters
from switchyard_image_server.errors import Cancelled, EngineFault, GpuOutOfMemory, InvalidValue
from switchyard_image_server.images import events as images
from switchyard_image_server.worker import Settled


def value(counters: Counters, name: str, **labels: str) -> float | None:
    return counters.registry.get_sample_value(f"switchyard_image_server_{name}", labels)


def test_a_picture_is_steps_pictures_and_tokens() -> None:
    counters = Counters()

    for event in (images.Step(1, 2), images.Step(2, 2), images.Finished(5, 7, 16, note="tiled")):
        counters.sent(event)

    assert value(counters, "denoising_steps_total") == 2
    assert value(counters, "tokens_total", direction="in") == 12
    assert value(counters, "tokens_total", direction="out") == 16
    assert value(counters, "memory_retries_total") == 1
    assert value(counters, "work_total") == 3


def test_an_answer_that_needed_no_retry_counts_none() -> None:
    counters = Counters()

    counters.sent(chat.Finished(3, 4))

    assert value(counters, "memory_retries_total") == 0


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (None, "served"),
        (Cancelled(), "cancelled"),
        (InvalidValue("cannot"), "refused"),
        (GpuOutOfMemory("cannot"), "out_of_memory"),
        (EngineFault("cannot"), "failed"),
    ],
)
def test_what_was_settled_is_counted_by_how(error: Exception | None, outcome: str) -> None:
    counters = Counters()

    counters.settled(Settled(0.5, 2.0, error))  # type: ignore[arg-type]

    assert value(counters, "requests_total", outcome=outcome) == 1
    assert value(counters, "run_seconds_sum", outcome=outcome) == 2.0
    assert value(counters, "queue_seconds_sum") == 0.5


def test_the_servers_own_work_is_no_request() -> None:
    counters = Counters()

    counters.settled(Settled(0.0, 60.0, None, alone=True))

    assert value(counters, "queue_seconds_count") == 0
    assert value(counters, "work_total") == 1
