"""What the server says of itself."""

from collections.abc import Callable
from typing import Any

from tests.image_server.stand_ins import Painter, SilentUntilLeft, Talker, report

Serve = Callable[..., Any]
CHAT = "/v1/chat/completions"


class Measured(Painter):
    memory = report(expected_peak=3 * 2**20, measured_peak=2 * 2**20, stepped_down=("tiled",))


def test_tells_model_memory_and_versions(serve: Serve) -> None:
    told = serve(Measured).until_ready().client.get("/v1/status").json()

    assert (told["status"], told["model"], told["type"], told["message"]) == ("ok", "demo", "image", None)
    assert told["capabilities"] == Painter.facts.told()
    assert (told["memory"]["expected_peak_mib"], told["memory"]["measured_peak_mib"]) == (3.0, 2.0)
    assert (told["memory"]["reason"], told["memory"]["stepped_down"]) == ("it is a stand-in", ["tiled"])
    assert "switchyard-image-server" in told["versions"]
    assert told["uptime_s"] >= 0


def test_tells_who_waits(serve: Serve, user_says: Callable[..., dict[str, Any]]) -> None:
    served = serve(SilentUntilLeft).until_ready()
    served.in_background("POST", CHAT, json=user_says("hi", user="ann"))
    served.until(lambda: served.worker.busy)
    for user in ("bob", "bob", "ann"):
        served.in_background("POST", CHAT, json=user_says("hi", user=user))
    served.until(lambda: served.worker.waiting == 3)

    queue = served.client.get("/v1/status").json()["queue"]

    assert (queue["active"], queue["waiting"], queue["limit"]) == (1, 3, 32)
    assert sorted(queue["lanes"].values()) == [1, 2]


def test_tells_of_a_model_that_is_not_there_yet(serve: Serve) -> None:
    served = serve(Talker).until_ready()
    served.on_loop(served.engine.sleep)

    told = served.client.get("/v1/status").json()

    assert (told["status"], told["type"]) == ("asleep", "text")
