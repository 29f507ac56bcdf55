"""The one model, and what it can do."""

import threading
from collections.abc import Callable
from typing import Any

from tests.image_server.stand_ins import Painter, Seer, Talker

Serve = Callable[..., Any]


def test_lists_its_one_model(serve: Serve) -> None:
    client = serve(Talker).until_ready().client

    told = client.get("/v1/models").json()

    assert told["object"] == "list"
    assert [(entry["id"], entry["type"], entry["max_model_len"]) for entry in told["data"]] == [
        ("demo", "text", 100)
    ]
    assert client.get("/v1/models/demo").json() == told["data"][0]
    missing = client.get("/v1/models/org%2Fother")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "model_not_found")


def test_says_what_it_can_do(serve: Serve) -> None:
    (sees,) = serve(Seer).until_ready().client.get("/v1/models").json()["data"]
    (paints,) = serve(Painter).until_ready().client.get("/v1/models").json()["data"]

    assert (sees["type"], sees["capabilities"]["images"], sees["capabilities"]["videos"]) == (
        "vision",
        True,
        True,
    )
    assert (paints["type"], paints["capabilities"]["native_size"]) == ("image", "64x64")
    assert paints["capabilities"]["loras"] == []
    assert "max_model_len" not in paints


def test_is_listed_while_it_loads_and_while_it_sleeps(serve: Serve) -> None:
    loaded = threading.Event()

    def load() -> Talker:
        assert loaded.wait(30)
        return Talker()

    served = serve(load)
    (loading,) = served.client.get("/v1/models").json()["data"]
    loaded.set()
    served.until_ready()
    served.on_loop(served.engine.sleep)
    (asleep,) = served.client.get("/v1/models").json()["data"]

    assert (loading["id"], "capabilities" in loading) == ("demo", False)
    assert (asleep["id"], asleep["type"]) == ("demo", "text")
