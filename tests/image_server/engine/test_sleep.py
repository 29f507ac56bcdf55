"""Real models behind the real server fall asleep and wake, and answer as before to the last bit."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Serve = Callable[..., Any]
CYCLES = 2


def test_a_picture_is_the_same_before_and_after(
    serve: Serve, load_from: Callable[..., Any], demo: Path
) -> None:
    served = serve(lambda: load_from(demo / "image")).until_ready()
    order = {"prompt": "a cat", "size": "64x64", "seed": 7}

    def draw() -> str:
        reply = served.client.post("/v1/images/generations", json=order)
        assert reply.status_code == 200, reply.text
        picture: str = reply.json()["data"][0]["b64_json"]
        return picture

    before = draw()
    for _ in range(CYCLES):
        asleep = served.client.post("/sleep").json()
        awake = served.client.post("/wake").json()

        assert asleep["is_sleeping"]
        assert awake["bytes"] == asleep["bytes"] > 0
        assert awake["bytes_per_s"] > 0
        assert draw() == before


@pytest.mark.parametrize("model", ["chat", "vision"])
def test_an_answer_is_the_same_before_and_after(
    serve: Serve, load_from: Callable[..., Any], demo: Path, user_says: Any, model: str
) -> None:
    served = serve(lambda: load_from(demo / model)).until_ready()
    body = user_says("hello", max_tokens=8, seed=1, logprobs=True)

    def answer() -> Any:
        reply = served.client.post("/v1/chat/completions", json=body)
        assert reply.status_code == 200, reply.text
        return reply.json()["choices"]

    before = answer()
    for _ in range(CYCLES):
        assert served.client.post("/sleep").status_code == 200
        assert served.client.post("/wake").status_code == 200

        assert answer() == before


def test_without_a_host_copy_it_refuses_with_the_reason(
    serve: Serve, load_from: Callable[..., Any], demo: Path
) -> None:
    served = serve(lambda: load_from(demo / "image", park=False)).until_ready()

    refused = served.client.post("/sleep")

    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "not_possible_now")
    assert "--no-park" in refused.json()["error"]["message"]
    assert served.client.get("/is_sleeping").json() == {"is_sleeping": False}
