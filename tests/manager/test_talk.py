"""What an engine's answers mean: to its health check, and to the one real request that proves it."""

import json
from collections.abc import Iterator

import httpx
import pytest

from switchyard_contracts.catalog import Engine
from switchyard_manager.engines import ADAPTERS, Probe
from switchyard_manager.supervise import talk
from tests.manager.test_engines import model_of

PICTURE = {"type": "image", "repo": "Qwen/Qwen-Image-2.1-Turbo"}


class Answering(httpx.AsyncBaseTransport):
    """A server that answers with one status after the other, the last for good."""

    def __init__(self, *statuses: int) -> None:
        self.statuses: Iterator[int] = iter(statuses)
        self.last = statuses[-1]
        self.asked: list[dict[str, object]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(json.loads(request.content or b"{}"))
        return httpx.Response(next(self.statuses, self.last), text="refused")


def engine(transport: Answering) -> talk.Engine:
    return talk.Engine(httpx.AsyncClient(transport=transport), "http://engine", {})


@pytest.mark.parametrize(
    ("status", "missing_will_do", "trouble"),
    [
        (200, False, None),
        (404, True, None),  # a foreign server that is up, and has no list of models
        (404, False, "its health check says 404"),
        (503, True, "its health check says 503"),
    ],
)
async def test_a_missing_route_is_health_only_where_the_route_is_a_guess(
    status: int, missing_will_do: bool, trouble: str | None
) -> None:
    probe = Probe("/v1/models", 1.0, missing_will_do=missing_will_do)

    assert await talk.health_trouble(engine(Answering(status)), probe) == trouble


async def test_only_of_foreign_servers_is_it_a_guess() -> None:
    foreign = ADAPTERS[Engine.CONTAINER].health(model_of(engine="container", image="a/b:1", port=80))
    ours = ADAPTERS[Engine.VLLM].health(model_of())

    assert await talk.health_trouble(engine(Answering(404)), foreign) is None
    assert await talk.health_trouble(engine(Answering(404)), ours) is not None


async def test_a_model_with_steps_of_its_own_proves_itself_in_those() -> None:
    canary = ADAPTERS[Engine.IMAGE_SERVER].canary(model_of(**PICTURE))
    assert canary is not None
    server = Answering(400, 200)

    assert await talk.trouble(engine(server), canary) is None

    assert [asked.get("num_inference_steps") for asked in server.asked] == [2, None]


async def test_a_model_that_refuses_both_is_told_with_its_words() -> None:
    canary = ADAPTERS[Engine.IMAGE_SERVER].canary(model_of(**PICTURE))
    assert canary is not None

    assert await talk.trouble(engine(Answering(400)), canary) == "was answered with 400: refused"


async def test_a_failure_is_not_asked_about_a_second_time() -> None:
    canary = ADAPTERS[Engine.IMAGE_SERVER].canary(model_of(**PICTURE))
    assert canary is not None
    server = Answering(500, 200)

    assert await talk.trouble(engine(server), canary) == "was answered with 500: refused"

    assert len(server.asked) == 1
