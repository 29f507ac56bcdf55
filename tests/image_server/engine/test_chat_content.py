"""Pictures and videos among text, over real HTTP, to real models of every architecture that sees."""

import base64
from collections.abc import Callable
from typing import Any

import pytest
from transformers import Qwen2_5_VLProcessor, Qwen2VLImageProcessor, Qwen2VLVideoProcessor

from switchyard_image_server.settings import BudgetSettings
from tests.image_server.engine.films import film
from tests.image_server.engine.tiny_language import make_tokenizer, write

CHAT, TOKENIZE = "/v1/chat/completions", "/v1/tokenize"


@pytest.fixture(scope="module", params=["qwen3_vl", "qwen3_5", "qwen2_5_vl"])
def seer(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, load_from: Callable[..., Any]
) -> Any:
    folder = write(tmp_path_factory.mktemp("seer"), request.param)
    if request.param == "qwen2_5_vl":
        elder_processor().save_pretrained(folder)
    return load_from(folder)


def elder_processor() -> Any:
    """It writes no times between the frames, and bounds each frame by itself."""
    tokenizer = make_tokenizer()
    limits = {"size": {"shortest_edge": 4096, "longest_edge": 65_536}, "patch_size": 16}
    return Qwen2_5_VLProcessor(
        image_processor=Qwen2VLImageProcessor(**limits),
        tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(**limits),
        chat_template=tokenizer.chat_template,
    )


@pytest.fixture
def served(serve: Callable[..., Any], seer: Any) -> Any:
    return serve(lambda: seer, budget=BudgetSettings(warning=100, critical=10_000)).until_ready()


@pytest.fixture
def mixed(make_png: Callable[..., bytes], as_data_url: Callable[..., str]) -> dict[str, Any]:
    """Two pictures and a video among texts, in three turns, each sent in another way."""
    clip = base64.b64encode(film(frames=9, size=(96, 64))).decode()
    return {
        "messages": [
            {"role": "system", "content": "You see."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "First"},
                    {"type": "image_url", "image_url": {"url": as_data_url(make_png((96, 64)))}},
                    {"type": "text", "text": "then"},
                    {"type": "video_url", "video_url": {"url": f"data:video/mp4;base64,{clip}"}},
                ],
            },
            {"role": "assistant", "content": "I see."},
            {
                "role": "user",
                "content": [
                    {"type": "input_image", "data": base64.b64encode(make_png((70, 90))).decode()},
                    {"type": "input_text", "text": "And now?"},
                ],
            },
        ],
        "max_tokens": 3,
    }


def test_what_was_counted_is_what_is_billed(served: Any, mixed: dict[str, Any]) -> None:
    counted = served.client.post(TOKENIZE, json=mixed).json()

    answer = served.client.post(CHAT, json=mixed)

    assert answer.status_code == 200
    assert answer.json()["usage"]["prompt_tokens"] == counted["count"] == len(counted["tokens"])
    assert [(item["type"], item.get("label")) for item in counted["items"]] == [
        ("image", "Image 1"),
        ("video", "Video 1"),
        ("image", "Image 2"),
        ("text", None),
    ]
    assert answer.headers["x-switchyard-token-level"] == counted["level"] == "warning"


def test_labels_are_words_of_the_prompt(served: Any, mixed: dict[str, Any]) -> None:
    with_labels, without = (
        served.client.post(TOKENIZE, json=mixed | {"labels": labels}).json()["items"]
        for labels in (True, False)
    )

    assert [item["tokens"] for item in with_labels[:3]] == [item["tokens"] for item in without[:3]]
    assert with_labels[3]["tokens"] > without[3]["tokens"]


def test_a_video_may_be_streamed_about(served: Any, mixed: dict[str, Any], read_frames: Any) -> None:
    answer = served.client.post(CHAT, json=mixed | {"stream": True})

    frames = read_frames(answer.text)
    assert frames[-1] == "[DONE]"
    assert frames[-2]["choices"][0]["finish_reason"] in {"length", "stop"}


def test_what_does_not_fit_is_refused_with_its_numbers(served: Any, mixed: dict[str, Any]) -> None:
    counted = served.client.post(TOKENIZE, json=mixed).json()

    answer = served.client.post(CHAT, json=mixed | {"max_tokens": counted["context"]})

    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "context_length_exceeded")
    assert str(counted["count"]) in error["message"]
    assert f"at most {counted['remaining']}" in error["message"]
