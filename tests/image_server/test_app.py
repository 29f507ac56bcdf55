"""The routes over real HTTP, around models that misbehave on purpose: no torch, no weights."""

import threading
from collections.abc import Callable
from typing import Any

import httpx
import openai
import pytest
from PIL import Image

from switchyard_image_server.chat.conversation import Conversation
from switchyard_image_server.chat.events import ChatEvent, Finished, Piece, Started
from switchyard_image_server.chat.request import ChatRequest
from switchyard_image_server.chat.scribe import FinishReason
from switchyard_image_server.errors import ContextTooLong, StartCode, StartFailure
from switchyard_image_server.images import events as image_events
from switchyard_image_server.images.classes import PipelineFacts
from switchyard_image_server.images.order import Order
from switchyard_image_server.images.sizes import Size
from switchyard_image_server.worker import Ticket

Serve = Callable[..., Any]
Says = Callable[..., dict[str, Any]]
Frames = Callable[[str], list[Any]]

CHAT = "/v1/chat/completions"
DRAW = "/v1/images/generations"


class Talker:
    """Answers with the words it was given."""

    kind = "text"
    context = 100

    def __init__(self, *words: str) -> None:
        self.words = words or ("one", " two")

    def answer(self, request: ChatRequest, conversation: Conversation, ticket: Ticket[ChatEvent]) -> None:
        ticket.send(Started(3))
        for word in self.words:
            ticket.send(Piece(word))
        ticket.send(Finished(FinishReason.STOP, 3, len(self.words)))


class NeverStopsTalking(Talker):
    """Talks until nobody listens."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Event()
        self.left = threading.Event()

    def answer(self, request: ChatRequest, conversation: Conversation, ticket: Ticket[ChatEvent]) -> None:
        ticket.send(Started(3))
        self.begun.set()
        pause = threading.Event()
        while not ticket.cancelled:
            ticket.send(Piece("and "))
            pause.wait(0.01)
        self.left.set()
        ticket.check()


class SilentUntilLeft(NeverStopsTalking):
    """Reads the prompt for ever, as a very long one would."""

    def answer(self, request: ChatRequest, conversation: Conversation, ticket: Ticket[ChatEvent]) -> None:
        self.begun.set()
        pause = threading.Event()
        while not ticket.cancelled:
            pause.wait(0.01)
        self.left.set()
        ticket.check()


class BreaksOff(Talker):
    """Fails in the middle of its answer."""

    def answer(self, request: ChatRequest, conversation: Conversation, ticket: Ticket[ChatEvent]) -> None:
        ticket.send(Started(3))
        ticket.send(Piece("half of"))
        raise RuntimeError("device-side assert triggered\nTraceback (most recent call last): …")


class RefusesPrompt(Talker):
    """Finds out on the worker that the prompt does not fit."""

    def answer(self, request: ChatRequest, conversation: Conversation, ticket: Ticket[ChatEvent]) -> None:
        raise ContextTooLong("cannot answer: the prompt has 101 tokens", param="messages")


class RunsOutOfMemory(Talker):
    def answer(self, request: ChatRequest, conversation: Conversation, ticket: Ticket[ChatEvent]) -> None:
        raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB")


class Painter:
    """Paints each seed in a colour of its own."""

    kind = "image"
    facts = PipelineFacts(steps=2, guidance=1.0, native=Size(64, 64))

    def draw(self, order: Order, ticket: Ticket[Any]) -> None:
        size = (order.size.width, order.size.height)
        for number, seed in enumerate(order.seeds):
            ticket.send(image_events.Step(number, 1, 1))
            ticket.send(image_events.Drawn(Image.new("RGB", size, (seed % 256, 0, 0)), seed))
        ticket.send(image_events.Finished(5, 16 * len(order.seeds)))


def error_of(answer: httpx.Response) -> dict[str, Any]:
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"].startswith("cannot ")
    assert "Traceback" not in answer.text
    told: dict[str, Any] = error
    return told


def test_answers_whole(serve: Serve, user_says: Says) -> None:
    client = serve(Talker).until_ready().client

    answer = client.post(CHAT, json=user_says("hi", model="demo")).json()

    assert answer["object"] == "chat.completion"
    assert answer["choices"][0]["message"] == {"role": "assistant", "content": "one two"}
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["usage"] == {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def test_streams_the_role_first_and_one_id_throughout(
    serve: Serve, user_says: Says, read_frames: Frames
) -> None:
    client = serve(Talker).until_ready().client

    answer = client.post(CHAT, json=user_says("hi", stream=True))

    *chunks, done = read_frames(answer.text)
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert done == "[DONE]"
    assert [chunk["choices"][0]["delta"] for chunk in chunks] == [
        {"role": "assistant", "content": ""},
        {"content": "one"},
        {"content": " two"},
        {},
    ]
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None, None, None, "stop"]
    assert len({(chunk["id"], chunk["created"], chunk["model"]) for chunk in chunks}) == 1
    assert not any("usage" in chunk for chunk in chunks)


def test_sends_the_usage_once_and_last_when_asked(serve: Serve, user_says: Says, read_frames: Frames) -> None:
    client = serve(Talker).until_ready().client

    answer = client.post(CHAT, json=user_says("hi", stream=True, stream_options={"include_usage": True}))

    *chunks, last, _ = read_frames(answer.text)
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] == 5
    assert all(chunk["usage"] is None for chunk in chunks)


def test_a_stream_that_breaks_says_so(serve: Serve, user_says: Says, read_frames: Frames) -> None:
    client = serve(BreaksOff).until_ready().client

    answer = client.post(CHAT, json=user_says("hi", stream=True))

    *_, half, error, _ = read_frames(answer.text)
    assert half["choices"][0]["delta"] == {"content": "half of"}
    assert error["error"]["code"] == "internal_error"
    assert 'finish_reason":"stop' not in answer.text


def test_a_broken_stream_is_an_exception_for_openai_python(serve: Serve) -> None:
    served = serve(BreaksOff).until_ready()

    with openai.OpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=0) as client:
        stream = client.chat.completions.create(
            model="demo", messages=[{"role": "user", "content": "hi"}], stream=True
        )
        with pytest.raises(openai.APIError, match="the engine failed with RuntimeError: device-side assert"):
            list(stream)


@pytest.mark.parametrize("stream", [False, True])
def test_a_refusal_of_the_worker_has_its_own_status(serve: Serve, user_says: Says, stream: bool) -> None:
    client = serve(RefusesPrompt).until_ready().client

    answer = client.post(CHAT, json=user_says("hi", stream=stream))

    assert answer.status_code == 400
    assert error_of(answer)["code"] == "context_length_exceeded"


def test_running_out_of_memory_is_an_error_and_not_the_end(serve: Serve, user_says: Says) -> None:
    client = serve(RunsOutOfMemory).until_ready().client

    answers = [client.post(CHAT, json=user_says("hi")) for _ in range(2)]

    assert [error_of(answer)["code"] for answer in answers] == ["out_of_memory"] * 2
    assert answers[0].headers["x-should-retry"] == "false"
    assert client.get("/health").status_code == 200


@pytest.mark.parametrize(
    ("kind", "stream"), [(NeverStopsTalking, False), (SilentUntilLeft, False), (SilentUntilLeft, True)]
)
def test_stops_when_the_client_leaves(
    serve: Serve, user_says: Says, kind: type[NeverStopsTalking], stream: bool
) -> None:
    model = kind()
    served = serve(lambda: model).until_ready()

    impatient = httpx.Client(base_url=served.url, timeout=httpx.Timeout(30, read=0.2))
    with impatient, pytest.raises(httpx.ReadTimeout):
        impatient.post(CHAT, json=user_says("hi", stream=stream))

    served.until(model.left.is_set)
    served.until(lambda: not served.worker.busy)


def test_stops_when_a_client_leaves_in_the_middle_of_a_stream(serve: Serve, user_says: Says) -> None:
    model = NeverStopsTalking()
    served = serve(lambda: model).until_ready()

    with served.client.stream("POST", CHAT, json=user_says("hi", stream=True)) as answer:
        next(answer.iter_lines())

    served.until(model.left.is_set)


def test_health_answers_while_the_model_is_busy(serve: Serve, user_says: Says) -> None:
    model = SilentUntilLeft()
    served = serve(lambda: model).until_ready()
    waiter = threading.Thread(target=lambda: served.client.post(CHAT, json=user_says("hi")))
    waiter.start()
    assert model.begun.wait(30)

    with httpx.Client(base_url=served.url) as other:
        health = other.get("/health")

    assert health.json() == {"status": "ok", "model": "demo", "type": "text", "waiting": 0, "busy": True}
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


def test_tells_a_listener_that_the_engine_stops(serve: Serve, user_says: Says, read_frames: Frames) -> None:
    model = NeverStopsTalking()
    served = serve(lambda: model).until_ready()
    text: list[str] = []
    listener = threading.Thread(
        target=lambda: text.append(served.client.post(CHAT, json=user_says("hi", stream=True)).text)
    )
    listener.start()
    assert model.begun.wait(30)

    served.close()
    listener.join(30)

    *_, error, done = read_frames(text[0])
    assert (error["error"]["code"], done) == ("stream_broken", "[DONE]")


def test_says_that_it_is_loading_until_it_is_ready(serve: Serve, user_says: Says) -> None:
    loaded = threading.Event()

    def load() -> Talker:
        assert loaded.wait(30)
        return Talker()

    served = serve(load)
    health, chat = served.client.get("/health"), served.client.post(CHAT, json=user_says("hi"))

    assert (health.status_code, health.json()) == (503, {"status": "loading", "model": "demo"})
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


def test_lists_its_one_model(serve: Serve) -> None:
    client = serve(Talker).until_ready().client

    told = client.get("/v1/models").json()

    assert told["object"] == "list"
    assert [(entry["id"], entry["type"], entry["max_model_len"]) for entry in told["data"]] == [
        ("demo", "text", 100)
    ]
    assert client.get("/v1/models/demo").json() == told["data"][0]
    missing = client.get("/v1/models/org%2Fother")
    assert (missing.status_code, error_of(missing)["code"]) == (404, "model_not_found")


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
        ("POST", "/v1/images/edits", b"{}", 404, "unknown_url", None),
        ("GET", CHAT, b"", 405, "method_not_allowed", None),
        ("POST", CHAT, b"{", 400, "invalid_json", None),
        ("POST", CHAT, b"{}", 400, "missing_required_parameter", "messages"),
        ("POST", DRAW, b'{"prompt": 3}', 400, "invalid_value", "prompt"),
        ("POST", DRAW, b'{"prompt": "x", "stream": true}', 400, "unsupported_parameter", "stream"),
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
