"""The routes over real HTTP, around models that misbehave on purpose: no torch, no weights."""

import threading
from collections.abc import Callable
from typing import Any

import httpx
import openai
import pytest

from switchyard_image_server.errors import StartCode, StartFailure
from tests.image_server.stand_ins import (
    Painter,
    SilentUntilLeft,
    Talker,
)

Serve = Callable[..., Any]
Says = Callable[..., dict[str, Any]]
Frames = Callable[[str], list[Any]]

CHAT = "/v1/chat/completions"
DRAW = "/v1/images/generations"


def error_of(answer: httpx.Response) -> dict[str, Any]:
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"].startswith("cannot ")
    assert "Traceback" not in answer.text
    told: dict[str, Any] = error
    return told


def test_health_answers_while_the_model_is_busy(serve: Serve, user_says: Says) -> None:
    model = SilentUntilLeft()
    served = serve(lambda: model).until_ready()
    waiter = threading.Thread(target=lambda: served.client.post(CHAT, json=user_says("hi")))
    waiter.start()
    assert model.begun.wait(30)

    with httpx.Client(base_url=served.url) as other:
        health = other.get("/health")

    assert (health.status_code, health.json()["status"], health.json()["busy"]) == (200, "ok", True)
    served.close()
    waiter.join(30)


def test_refuses_at_once_when_the_queue_is_full(serve: Serve, user_says: Says) -> None:
    model = SilentUntilLeft()
    served = serve(lambda: model, max_queue=1).until_ready()
    answers: list[httpx.Response] = []
    waiters = [
        threading.Thread(target=lambda: answers.append(served.client.post(CHAT, json=user_says("hi"))))
        for _ in "ab"
    ]
    # One after the other: until the worker has taken the first, that one fills the queue.
    waiters[0].start()
    served.until(lambda: served.worker.busy)
    waiters[1].start()
    served.until(lambda: served.worker.waiting == 1)

    refused = served.client.post(CHAT, json=user_says("hi"))

    assert refused.status_code == 429
    assert error_of(refused)["code"] == "queue_full"
    assert 1 <= int(refused.headers["retry-after"]) <= 59
    served.close()
    for waiter in waiters:
        waiter.join(30)
    assert [error_of(answer)["code"] for answer in answers] == ["backend_unavailable"] * 2


def test_says_that_it_is_loading_until_it_is_ready(serve: Serve, user_says: Says) -> None:
    loaded = threading.Event()

    def load() -> Talker:
        assert loaded.wait(30)
        return Talker()

    served = serve(load)
    health, chat = served.client.get("/health"), served.client.post(CHAT, json=user_says("hi"))

    assert (health.status_code, health.json()["status"]) == (503, "loading")
    assert (chat.status_code, error_of(chat)["code"]) == (503, "model_loading")
    assert 1 <= int(chat.headers["retry-after"]) <= 59
    assert served.client.get("/v1/models").json()["data"][0]["id"] == "demo"
    loaded.set()
    assert served.until_ready().client.post(CHAT, json=user_says("hi")).status_code == 200


def test_a_failed_load_ends_the_service_with_its_reason(serve: Serve) -> None:
    def load() -> Talker:
        raise StartFailure(StartCode.UNSUPPORTED_MODEL, "cannot load x: nobody knows it")

    served = serve(load)

    served.until(lambda: served.failure is not None)
    assert served.failure.code is StartCode.UNSUPPORTED_MODEL


def test_stopping_does_not_wait_for_a_load(serve: Serve) -> None:
    hold = threading.Event()
    served = serve(lambda: hold.wait(30))

    stopper = threading.Thread(target=served.close)
    stopper.start()

    served.until(lambda: not served._thread.is_alive())
    hold.set()
    stopper.join(30)


def test_draws(serve: Serve) -> None:
    served = serve(Painter).until_ready()

    with openai.OpenAI(base_url=f"{served.url}/v1", api_key="none") as client:
        answer = client.images.generate(
            model="demo", prompt="a cat", n=2, size="100x70", extra_body={"seed": 7, "num_inference_steps": 3}
        )

    assert answer.data is not None
    assert [entry.b64_json is not None for entry in answer.data] == [True, True]
    assert [entry.model_extra for entry in answer.data] == [{"seed": 7}, {"seed": 8}]
    assert (answer.size, answer.output_format) == ("96x64", "png")
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.total_tokens) == (5, 32, 37)


@pytest.mark.parametrize(
    ("model", "path", "body", "hint"),
    [
        (Talker, DRAW, {"prompt": "a cat"}, "it writes text; use /v1/chat/completions"),
        (Painter, CHAT, {"messages": [{"role": "user", "content": "hi"}]}, "it makes images; use /v1/images"),
    ],
)
def test_says_which_route_the_model_is_for(
    serve: Serve, model: type[Any], path: str, body: dict[str, Any], hint: str
) -> None:
    answer = serve(model).until_ready().client.post(path, json=body)

    assert answer.status_code == 400
    assert error_of(answer)["code"] == "unsupported_endpoint"
    assert hint in error_of(answer)["message"]


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "code", "param"),
    [
        ("GET", "/nowhere", b"", 404, "unknown_url", None),
        ("GET", "/v1/jobs/", b"", 404, "unknown_url", None),
        ("GET", CHAT, b"", 405, "method_not_allowed", None),
        ("POST", CHAT, b"{", 400, "invalid_json", None),
        ("POST", CHAT, b"{}", 400, "missing_required_parameter", "messages"),
        ("POST", DRAW, b'{"prompt": 3}', 400, "invalid_value", "prompt"),
        (
            "POST",
            CHAT,
            b'{"messages": [{"role": "user", "content": "x"}], "model": "other"}',
            404,
            "model_not_found",
            "model",
        ),
    ],
)
def test_every_refusal_has_openais_shape(
    serve: Serve, method: str, path: str, content: bytes, status: int, code: str, param: str | None
) -> None:
    client = serve(Talker).until_ready().client

    answer = client.request(method, path, content=content)

    error = error_of(answer)
    assert (answer.status_code, error["code"], error["param"]) == (status, code, param)


def test_refuses_a_body_that_is_too_large_and_lives_on(serve: Serve) -> None:
    client = serve(Talker).until_ready().client

    answer = client.post(CHAT, content=b" " * (64 * 1024 * 1024 + 1))

    assert (answer.status_code, error_of(answer)["code"]) == (413, "request_too_large")
    assert client.get("/health").status_code == 200


def test_its_openapi_page_describes_the_bodies(serve: Serve) -> None:
    paths = serve(Talker).until_ready().client.get("/openapi.json").json()["paths"]

    schema = paths[CHAT]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert {"messages", "temperature", "stop"} <= set(schema["properties"])
    assert "$ref" not in str(schema)
