"""The whole program over real HTTP: starting, answering, leaving, stopping, failing."""

import base64
import io
import json
import os
import shutil
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from PIL import Image

from switchyard_image_server.demo.replies import chat_script

Run = Callable[..., Any]
Says = Callable[..., dict[str, Any]]
CHAT = "/v1/chat/completions"


@pytest.fixture(scope="module")
def chat_server(run_server: Run, demo: Path) -> Any:
    return run_server(
        *("--model", str(demo / "chat"), "--served-model-name", "demo-chat"),
        *("--max-queue", "1", "--max-concurrency", "1"),
    ).until_ready()


@pytest.fixture(scope="module")
def image_server(run_server: Run, demo: Path) -> Any:
    return run_server("--model", str(demo / "image"), "--served-model-name", "demo-image").until_ready()


def marker(server: Any) -> dict[str, str]:
    lines = [line for line in server.log.read_text().splitlines() if line.startswith("SWITCHYARD_FAILURE ")]
    assert len(lines) == 1, server.log.read_text()
    told: dict[str, str] = json.loads(lines[0].removeprefix("SWITCHYARD_FAILURE "))
    return told


def test_is_loading_then_ready_and_stops_cleanly(run_server: Run, demo: Path) -> None:
    server = run_server("--model", str(demo / "vision")).until_listening()
    first = httpx.get(f"{server.url}/health", timeout=30)

    server.until_ready()

    assert (first.status_code, first.json()["status"]) == (503, "loading")
    ready = httpx.get(f"{server.url}/health", timeout=30).json()
    assert (ready["status"], ready["model"], ready["type"]) == ("ok", "vision", "vision")
    assert server.terminate() == 0


def test_streams_to_openai_python(chat_server: Any) -> None:
    with openai.OpenAI(base_url=f"{chat_server.url}/v1", api_key="none") as client:
        stream = client.chat.completions.create(
            model="demo-chat",
            messages=[{"role": "user", "content": "How do I add a model?"}],
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = list(stream)
        whole = client.chat.completions.create(
            model="demo-chat", messages=[{"role": "user", "content": "How do I add a model?"}]
        )

    streamed = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert streamed == whole.choices[0].message.content == chat_script().all_replies()["add"]
    assert len(chunks) > 30
    assert [chunk.usage for chunk in chunks if chunk.usage] == [whole.usage]
    assert len({(chunk.id, chunk.created) for chunk in chunks}) == 1


def test_draws_a_png_of_the_asked_size(image_server: Any) -> None:
    with openai.OpenAI(base_url=f"{image_server.url}/v1", api_key="none") as client:
        answer = client.images.generate(model="demo-image", prompt="a lighthouse at dawn", size="128x96")  # type: ignore[arg-type]

    assert answer.data is not None
    picture = Image.open(io.BytesIO(base64.b64decode(answer.data[0].b64_json or "")))
    assert (picture.format, picture.size) == ("PNG", (128, 96))
    assert answer.size == "128x96"


def test_the_same_seed_draws_the_same_picture(image_server: Any) -> None:
    body = {"prompt": "a lighthouse", "seed": 5, "size": "64x64"}

    answers = [
        httpx.post(f"{image_server.url}/v1/images/generations", json=body, timeout=30).json() for _ in "ab"
    ]

    assert answers[0]["data"] == answers[1]["data"]
    assert answers[0]["data"][0]["seed"] == 5


def test_health_answers_while_a_picture_is_drawn_and_leaving_stops_it(image_server: Any) -> None:
    impatient = httpx.Client(base_url=image_server.url, timeout=httpx.Timeout(30, read=0.5))
    with impatient, pytest.raises(httpx.ReadTimeout):
        impatient.post("/v1/images/generations", json={"prompt": "x", "size": "1024x1024", "steps": 200})

    during = httpx.get(f"{image_server.url}/health", timeout=30).json()

    assert during["status"] == "ok"
    pause = threading.Event()
    while httpx.get(f"{image_server.url}/health", timeout=30).json()["busy"]:
        pause.wait(0.05)  # 200 such steps take minutes; the test's own limit is the deadline


def test_refuses_what_does_not_fit_into_the_queue(chat_server: Any, user_says: Says) -> None:
    endless = user_says("[script:count]", ignore_eos=True, max_tokens=30_000, stream=True)
    with httpx.Client(base_url=chat_server.url, timeout=30) as client:
        with client.stream("POST", CHAT, json=endless) as running:
            lines = running.iter_lines()  # kept: the stream closes with it
            next(lines)
            waiter = threading.Thread(
                target=lambda: httpx.post(f"{chat_server.url}{CHAT}", json=user_says("hi"), timeout=30)
            )
            waiter.start()
            pause = threading.Event()
            while client.get("/health").json()["waiting"] < 1:
                pause.wait(0.01)

            refused = client.post(CHAT, json=user_says("hi"))

        waiter.join(30)

    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "queue_full")
    assert not waiter.is_alive()


def test_stops_while_it_generates(run_server: Run, demo: Path, user_says: Says) -> None:
    server = run_server("--model", str(demo / "chat")).until_ready()
    endless = user_says("[script:count]", ignore_eos=True, max_tokens=30_000, stream=True)

    with httpx.stream("POST", f"{server.url}{CHAT}", json=endless, timeout=30) as running:
        lines = running.iter_lines()
        next(lines)
        status = server.terminate()
        rest = [line for line in lines if line]

    assert status == 0
    assert json.loads(rest[-2].removeprefix("data: "))["error"]["code"] == "stream_broken"
    assert rest[-1] == "data: [DONE]"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stops_while_it_loads(run_server: Run, demo: Path, number: signal.Signals) -> None:
    server = run_server("--model", str(demo / "image")).until_listening()

    server.process.send_signal(number)

    assert server.process.wait(30) == 0


def test_says_that_weights_are_damaged(run_server: Run, demo: Path, tmp_path: Path) -> None:
    shutil.copytree(demo / "chat", tmp_path / "damaged")
    os.truncate(tmp_path / "damaged" / "model.safetensors", 100_000)

    server = run_server("--model", str(tmp_path / "damaged"))

    assert server.process.wait(60) == 1
    assert marker(server)["code"] == "load_failed"


def test_says_that_it_does_not_know_an_architecture(run_server: Run, demo: Path, tmp_path: Path) -> None:
    shutil.copytree(demo / "chat", tmp_path / "strange")
    config = json.loads((tmp_path / "strange" / "config.json").read_text())
    (tmp_path / "strange" / "config.json").write_text(json.dumps(config | {"model_type": "qwen99"}))

    server = run_server("--model", str(tmp_path / "strange"))

    assert server.process.wait(60) == 1
    assert marker(server)["code"] == "unsupported_model"


def test_says_that_a_repository_is_not_at_hand(run_server: Run) -> None:
    server = run_server("--model", "switchyard/no-such-model")

    assert server.process.wait(60) == 1
    assert marker(server)["code"] == "model_not_found"


def test_says_that_there_is_no_gpu(run_server: Run, demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # whatever this machine has

    server = run_server("--model", str(demo / "chat"), "--device", "cuda")

    assert server.process.wait(60) == 1
    assert marker(server)["code"] == "no_gpu_driver"
