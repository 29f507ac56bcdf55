"""Jobs over HTTP, around a model that draws without a GPU."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from PIL import Image

from switchyard_image_server.images.events import Drawn, Finished, Preview, Step
from switchyard_image_server.images.order import Order
from switchyard_image_server.settings import ResultSettings
from switchyard_image_server.worker import Ticket
from tests.image_server.stand_ins import Painter, PaintsUntilLeft

BODY = {"prompt": "a cat", "seed": 7, "async": True}


class StepByStep(Painter):
    """Takes each step when it is let."""

    def __init__(self, steps: int = 2) -> None:
        self.steps = steps
        self.turn = threading.Semaphore(0)

    def draw(self, order: Order, ticket: Ticket[Any]) -> None:
        image = Image.new("RGB", (64, 64))
        for number in range(1, self.steps + 1):
            self.turn.acquire(timeout=30)
            ticket.check()
            ticket.send(Preview(0, number - 1, image))
            ticket.send(Step(number, self.steps))
        self.turn.acquire(timeout=30)
        ticket.send(Drawn(image, order.seeds[0]))
        ticket.send(Finished(5, 0, 16))


@pytest.fixture
def stepping(serve: Callable[..., Any]) -> Iterator[tuple[Any, StepByStep]]:
    model = StepByStep()
    yield serve(lambda: model).until_ready(), model
    model.turn.release(100)


def started(served: Any, **more: Any) -> str:
    answer = served.client.post("/v1/images/generations", json=BODY | more)
    assert answer.status_code == 202, answer.text
    path: str = answer.json()["links"]["self"]
    assert answer.headers["location"] == path
    return path


def ended(served: Any, path: str) -> dict[str, Any]:
    def over() -> bool:
        return served.client.get(path).json()["status"] not in {"queued", "in_progress"}

    served.until(over)
    told: dict[str, Any] = served.client.get(path).json()
    return told


def test_a_job_gives_what_the_plain_route_would(serve: Callable[..., Any]) -> None:
    served = serve(Painter).until_ready()
    plain = served.client.post("/v1/images/generations", json=BODY | {"async": False}).json()

    told = ended(served, started(served))

    assert told["status"] == "completed"
    assert told["result"]["data"][0]["b64_json"] == plain["data"][0]["b64_json"]
    assert served.client.get(told["links"]["result"]).json() == told["result"]


def test_progress_is_there_for_the_asking(stepping: tuple[Any, StepByStep]) -> None:
    served, model = stepping
    path = started(served)
    served.until(lambda: served.client.get(path).json()["status"] == "in_progress")

    model.turn.release()
    served.until(lambda: served.client.get(path).json()["step"] == 1)

    told = served.client.get(path).json()
    assert (told["total"], told["result"], told["error"]) == (2, None, None)
    assert told["eta_s"] >= 0
    assert base64.b64decode(told["preview"]["b64_json"]).startswith(b"RIFF")
    assert served.client.get(f"{path}?preview=false").json()["preview"] is None


def test_who_waits_is_told_the_place(stepping: tuple[Any, StepByStep]) -> None:
    served, _ = stepping
    paths = [started(served) for _ in range(3)]
    served.until(lambda: served.client.get(paths[0]).json()["status"] == "in_progress")

    told = [served.client.get(path).json() for path in paths]

    assert [one["queue_position"] for one in told] == [None, 0, 1]
    assert told[2]["eta_s"] > told[1]["eta_s"] > 0


def test_events_tell_the_same_as_it_happens(stepping: tuple[Any, StepByStep]) -> None:
    served, model = stepping
    path = started(served)

    with httpx.stream("GET", f"{served.url}{path}/events", timeout=30) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        names, told = [], []
        for line in lines:
            if line.startswith("event: "):
                names.append(line.removeprefix("event: "))
            if line.startswith("data: "):
                told.append(json.loads(line.removeprefix("data: ")))
                model.turn.release()

    assert [one["status"] for one in told][-1] == "completed"
    assert names == [f"job.{one['status']}" for one in told]
    assert told[-1]["result"]["data"][0]["seed"] == 7
    assert [one["step"] for one in told] == sorted(one["step"] for one in told)


def test_a_client_that_leaves_the_events_does_not_stop_the_job(stepping: tuple[Any, StepByStep]) -> None:
    served, model = stepping
    path = started(served)
    with httpx.stream("GET", f"{served.url}{path}/events", timeout=30) as stream:
        next(stream.iter_lines())

    model.turn.release(10)

    assert ended(served, path)["status"] == "completed"


def test_delete_cancels_and_the_work_stops(serve: Callable[..., Any]) -> None:
    model = PaintsUntilLeft()
    served = serve(lambda: model).until_ready()
    path = started(served)
    assert model.begun.wait(30)

    first = served.client.delete(path)

    assert (first.status_code, first.json()["status"]) == (200, "cancelled")
    assert model.left.wait(30)
    assert served.client.delete(path).json()["status"] == "cancelled"
    refused = served.client.get(f"{path}/result")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "request_cancelled")


def test_deleting_a_job_that_waits_never_begins_it(stepping: tuple[Any, StepByStep]) -> None:
    served, model = stepping
    first, second = started(served), started(served)

    served.client.delete(second)
    model.turn.release(10)

    assert ended(served, first)["status"] == "completed"
    assert served.client.get(second).json()["step"] == 0


def test_deleting_a_finished_job_removes_it(serve: Callable[..., Any]) -> None:
    served = serve(Painter).until_ready()
    path = started(served)
    ended(served, path)

    assert served.client.delete(path).json()["deleted"] is True

    gone = served.client.get(path)
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "job_not_found")
    assert "kept for" in gone.json()["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("GET", "/events"), ("GET", "/result"), ("DELETE", "")],
)
def test_an_unknown_job_is_a_404(serve: Callable[..., Any], method: str, path: str) -> None:
    served = serve(Painter).until_ready()

    answer = served.client.request(method, f"/v1/jobs/job_nobody{path}")

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "job_not_found")


def test_jobs_are_listed_the_newest_first_and_without_pictures(serve: Callable[..., Any]) -> None:
    served = serve(Painter).until_ready()
    paths = [started(served) for _ in range(2)]
    for path in paths:
        ended(served, path)

    listed = served.client.get("/v1/jobs").json()

    assert listed["object"] == "list"
    assert [one["links"]["self"] for one in listed["data"]] == paths[::-1]
    assert all("result" not in one and one["preview"] is None for one in listed["data"])


def test_a_switch_that_is_none_is_refused_by_name(serve: Callable[..., Any]) -> None:
    served = serve(Painter).until_ready()
    path = started(served)

    answer = served.client.get(f"{path}?preview=perhaps")

    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "preview")


def test_a_webhook_without_leave_is_refused_by_name(serve: Callable[..., Any]) -> None:
    served = serve(Painter).until_ready()

    answer = served.client.post("/v1/images/generations", json=BODY | {"webhook": "https://example.org/"})

    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "webhook")
    assert served.client.get("/v1/jobs").json()["data"] == []


def test_a_stop_tells_the_listeners_of_every_job(serve: Callable[..., Any]) -> None:
    model = PaintsUntilLeft()
    served = serve(lambda: model).until_ready()
    path = started(served)
    assert model.begun.wait(30)
    with httpx.stream("GET", f"{served.url}{path}/events", timeout=30) as stream:
        lines = stream.iter_lines()
        next(lines)

        served.close()
        last = [line for line in lines if line.startswith("data: ")][-1]

    told = json.loads(last.removeprefix("data: "))
    assert (told["status"], told["error"]["code"]) == ("failed", "backend_unavailable")


def test_results_go_when_there_are_too_many_bytes(serve: Callable[..., Any]) -> None:
    class PaintsNoise(Painter):
        def draw(self, order: Order, ticket: Ticket[Any]) -> None:
            noise = Image.effect_noise((512, 512), 100).convert("RGB")
            ticket.send(Drawn(noise, order.seeds[0]))
            ticket.send(Finished(5, 0, 16))

    served = serve(PaintsNoise, results=ResultSettings(max_mib=1)).until_ready()
    paths = []
    for _ in range(4):
        paths.append(started(served))
        ended(served, paths[-1])

    kept = [served.client.get(path).status_code for path in paths]

    assert kept[0] == 404
    assert kept[-1] == 200
