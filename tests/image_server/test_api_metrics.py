"""What Prometheus reads, and a manager that wants to know whether the engine gets on."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from switchyard_image_server.engine import Sleeping
from switchyard_image_server.memory.report import Turned
from tests.image_server.stand_ins import Painter, RunsOutOfMemory, SilentUntilLeft, Talker, report

Serve = Callable[..., Any]
Says = Callable[..., dict[str, Any]]
CHAT, DRAW = "/v1/chat/completions", "/v1/images/generations"


def metric(served: Any, name: str) -> float:
    """The value of one sample, by its name and labels after our prefix; 0 if it is not there."""
    text = served.client.get("/metrics").text
    found = re.search(rf"^switchyard_image_server_{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return 0.0 if found is None else float(found[1])


def test_counts_answers_tokens_and_seconds(serve: Serve, user_says: Says) -> None:
    served = serve(Talker).until_ready()

    for _ in range(3):
        served.client.post(CHAT, json=user_says("hi"))

    assert metric(served, f'http_requests_total{{method="POST",route="{CHAT}",status="200"}}') == 3
    assert metric(served, 'requests_total{outcome="served"}') == 3
    assert metric(served, 'tokens_total{direction="in"}') == 9
    assert metric(served, 'tokens_total{direction="out"}') == 6
    assert metric(served, "queue_seconds_count") == 3
    assert metric(served, 'run_seconds_count{outcome="served"}') == 3


def test_counts_steps_and_pictures(serve: Serve) -> None:
    served = serve(Painter).until_ready()

    served.client.post(DRAW, json={"prompt": "a cat", "n": 3})

    assert metric(served, "denoising_steps_total") == 3
    assert metric(served, "pictures_total") == 3
    assert metric(served, 'tokens_total{direction="out"}') == 48


def test_work_grows_with_every_event_and_not_by_being_asked(serve: Serve, user_says: Says) -> None:
    served = serve(lambda: Talker(*"abcdefgh")).until_ready()
    before, again = metric(served, "work_total"), metric(served, "work_total")

    served.client.post(CHAT, json=user_says("hi"))

    assert before == again
    assert metric(served, "work_total") >= before + 8


def test_counts_what_was_given_up_refused_or_out_of_memory(serve: Serve, user_says: Says) -> None:
    starved = serve(RunsOutOfMemory).until_ready()
    starved.client.post(CHAT, json=user_says("hi"))
    served = serve(SilentUntilLeft).until_ready()
    served.in_background("POST", CHAT, json=user_says("hi"), timeout=0.2)
    served.until(lambda: served.worker.busy)
    served.until(lambda: not served.worker.busy)

    assert metric(starved, 'requests_total{outcome="out_of_memory"}') == 1
    served.until(lambda: metric(served, 'requests_total{outcome="cancelled"}') == 1)


def test_paths_that_nobody_knows_make_no_counters_of_their_own(serve: Serve) -> None:
    served = serve(Talker).until_ready()

    for number in range(5):
        served.client.get(f"/nowhere/{number}")

    assert metric(served, 'http_requests_total{method="GET",route="none",status="404"}') == 5
    assert "nowhere" not in served.client.get("/metrics").text


def test_tells_how_long_it_took_to_wake(serve: Serve) -> None:
    model = Talker()
    model.memory = report(turned=Turned("awake", 1.5, 3_000))
    served = serve(lambda: model).until_ready()

    assert metric(served, 'sleep_seconds{towards="awake"}') == 1.5


@pytest.mark.parametrize("asleep", [False, True])
def test_tells_how_it_stands(serve: Serve, asleep: bool) -> None:
    served = serve(Talker).until_ready()
    if asleep:
        served.engine.phase = Sleeping(served.engine.phase.model)

    assert metric(served, 'status{status="asleep"}') == asleep
    assert metric(served, 'status{status="ok"}') == (not asleep)
    assert metric(served, "waiting") == 0
    assert metric(served, 'memory_bytes{of="host_copy"}') == 0
    assert served.client.get("/metrics").headers["content-type"].startswith("text/plain")
