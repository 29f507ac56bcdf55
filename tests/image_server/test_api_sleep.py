"""`/sleep`, `/wake` and `/is_sleeping`: refused while something runs, seen through when the asker leaves."""

import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

from switchyard_image_server.engine import Sleeping, Turning
from switchyard_image_server.memory.report import Turned
from tests.image_server.stand_ins import CannotSleep, NeverStopsTalking, Talker, report

Serve = Callable[..., Any]


class Sleeper(Talker):
    """Tells what a turn took, as a real model does."""

    def __init__(self) -> None:
        super().__init__()
        self.memory = report()

    def sleep(self) -> None:
        self.memory = report(turned=Turned("asleep", 0.5, 1000))

    def wake(self) -> None:
        self.memory = report(turned=Turned("awake", 0.25, 1000, "a note"))


class SlowSleeper(Talker):
    """Does not fall asleep before it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Event()
        self.let = threading.Event()

    def sleep(self) -> None:
        self.begun.set()
        assert self.let.wait(30)


class WakesUpBroken(Talker):
    """There is no room to come back to."""

    def wake(self) -> None:
        raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB")


def test_sleeps_and_wakes_and_says_what_that_took(serve: Serve) -> None:
    served = serve(Sleeper).until_ready()

    assert served.client.post("/sleep").json() == {
        "is_sleeping": True,
        "seconds": 0.5,
        "bytes": 1000,
        "bytes_per_s": 2000,
    }
    assert served.client.get("/is_sleeping").json() == {"is_sleeping": True}
    assert served.client.post("/sleep").json() == {"is_sleeping": True}
    assert served.client.post("/wake").json() == {
        "is_sleeping": False,
        "seconds": 0.25,
        "bytes": 1000,
        "bytes_per_s": 4000,
        "note": "a note",
    }
    assert served.client.get("/is_sleeping").json() == {"is_sleeping": False}
    assert served.client.post("/wake").json() == {"is_sleeping": False}


def test_speaks_as_vllm_is_asked(serve: Serve) -> None:
    served = serve(Talker).until_ready()

    assert served.client.post("/sleep?level=1").status_code == 200
    assert served.client.post("/wake_up").status_code == 200


def test_asleep_it_answers_no_request_and_awake_it_does(serve: Serve, user_says: Any) -> None:
    served = serve(Talker).until_ready()

    served.client.post("/sleep")
    asleep = served.client.post("/v1/chat/completions", json=user_says("hi"))
    health = served.client.get("/health")
    served.client.post("/wake")
    awake = served.client.post("/v1/chat/completions", json=user_says("hi"))

    assert (asleep.status_code, asleep.json()["error"]["code"]) == (503, "model_asleep")
    assert 1 <= int(asleep.headers["retry-after"]) <= 59
    assert health.json()["status"] == "asleep"
    assert awake.status_code == 200


@pytest.mark.parametrize(
    ("query", "code", "param"),
    [
        ("/sleep?level=2", "unsupported_parameter", "level"),
        ("/sleep?level=0", "unsupported_parameter", "level"),
        ("/sleep?level=deep", "invalid_value", "level"),
        ("/sleep?level=1&mode=abort", "unsupported_parameter", "mode"),
        ("/wake_up?tags=weights", "unsupported_parameter", "tags"),
    ],
)
def test_what_it_cannot_honour_is_refused_by_name(serve: Serve, query: str, code: str, param: str) -> None:
    served = serve(Talker).until_ready()

    reply = served.client.post(query)

    assert reply.status_code == 400
    assert (reply.json()["error"]["code"], reply.json()["error"]["param"]) == (code, param)
    assert served.client.get("/is_sleeping").json() == {"is_sleeping": False}


def test_refuses_to_sleep_while_a_request_runs(serve: Serve, user_says: Any) -> None:
    model = NeverStopsTalking()
    served = serve(lambda: model).until_ready()

    with served.client.stream("POST", "/v1/chat/completions", json=user_says("hi", stream=True)):
        assert model.begun.wait(30)
        refused = served.client.post("/sleep")

    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "not_possible_now")
    assert "cannot fall asleep: 1 requests run and 0 wait" in refused.json()["error"]["message"]
    served.until(lambda: not served.worker.busy)
    assert served.client.post("/sleep").status_code == 200


def test_refuses_with_the_models_own_reason_and_stays_awake(serve: Serve, user_says: Any) -> None:
    served = serve(CannotSleep).until_ready()

    refused = served.client.post("/sleep")

    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "not_possible_now")
    assert "its weights cannot be parked" in refused.json()["error"]["message"]
    assert served.client.post("/v1/chat/completions", json=user_says("hi")).status_code == 200


def test_falls_asleep_to_the_end_even_if_nobody_waits_for_it(serve: Serve) -> None:
    model = SlowSleeper()
    served = serve(lambda: model).until_ready()
    address = served.client.base_url

    with socket.create_connection((address.host, address.port)) as asker:
        asker.sendall(b"POST /sleep HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        assert model.begun.wait(30)
    while_turning = served.client.get("/is_sleeping").json()
    second = served.client.post("/wake")
    assert isinstance(served.engine.phase, Turning)
    model.let.set()

    assert while_turning == {"is_sleeping": True}
    assert (second.status_code, second.json()["error"]["code"]) == (409, "not_possible_now")
    served.until(lambda: isinstance(served.engine.phase, Sleeping))


def test_a_wake_that_fails_leaves_it_asleep(serve: Serve) -> None:
    served = serve(WakesUpBroken).until_ready()
    served.client.post("/sleep")

    failed = served.client.post("/wake")

    assert (failed.status_code, failed.json()["error"]["code"]) == (500, "cuda_out_of_memory")
    assert served.client.get("/is_sleeping").json() == {"is_sleeping": True}


def test_before_the_model_is_there_nothing_sleeps(serve: Serve) -> None:
    let = threading.Event()

    def load() -> Talker:
        assert let.wait(30)
        return Talker()

    served = serve(load)
    early = served.client.post("/sleep")
    state = served.client.get("/is_sleeping")
    let.set()

    assert (early.status_code, early.json()["error"]["code"]) == (503, "model_loading")
    assert state.json() == {"is_sleeping": False}
