"""`POST /v1/tokenize`, over HTTP, around a counter that needs no model."""

from collections.abc import Callable
from typing import Any

import pytest

from switchyard_image_server.chat.conversation import Conversation
from switchyard_image_server.chat.counted import Counted, CountedItem, ItemKind
from switchyard_image_server.chat.request import ChatRequest
from switchyard_image_server.settings import BudgetSettings
from tests.image_server.stand_ins import Painter, Talker


class OneForEachWord:
    """Ten tokens for a picture, and one for each word of the last message."""

    def __init__(self) -> None:
        self.heard: list[ChatRequest] = []

    def spell(self, request: ChatRequest, conversation: Conversation) -> tuple[Counted, list[int]]:
        self.heard.append(request)
        content = conversation.messages[-1]["content"]
        texts = [content] if isinstance(content, str) else [part.get("text", "") for part in content]
        words = len(" ".join(texts).split())
        pictures = [
            CountedItem(ItemKind.IMAGE, 10, one.param, conversation.labels.get(one.param), *one.size)
            for one in conversation.pictures
        ]
        counted = Counted((*pictures, CountedItem(ItemKind.TEXT, words)), 100)
        return counted, list(range(counted.total))

    def text(self, prompt: str) -> list[int]:
        return list(range(len(prompt.split())))


class Seer(Talker):
    kind = "vision"

    def __init__(self) -> None:
        super().__init__()
        self.counter = OneForEachWord()


@pytest.fixture
def ask(serve: Callable[..., Any]) -> Callable[..., Any]:
    served = serve(Seer, budget=BudgetSettings(warning=5, critical=12)).until_ready()

    def post(body: Any, path: str = "/v1/tokenize") -> Any:
        return served.client.post(path, json=body)

    return post


def says(content: Any, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": content}], **more}


@pytest.mark.parametrize("path", ["/v1/tokenize", "/tokenize"])
def test_counts_a_conversation(ask: Any, path: str) -> None:
    answer = ask(says("one two three"), path)

    assert answer.status_code == 200
    assert answer.json() == {
        "count": 3,
        "max_model_len": 100,
        "tokens": [0, 1, 2],
        "total": 3,
        "context": 100,
        "remaining": 97,
        "fits": True,
        "level": "ok",
        "warning_above": 5,
        "critical_above": 12,
        "items": [{"type": "text", "tokens": 3}],
    }


def test_tells_what_each_picture_costs_and_what_it_is_called(ask: Any, make_png: Any, as_data_url: Any) -> None:
    part = {"type": "image_url", "image_url": as_data_url(make_png((9, 7)))}

    told = ask(says([part, {"type": "text", "text": "look"}, part | {"label": "Back"}])).json()

    pictures = [item for item in told["items"] if item["type"] == "image"]
    assert pictures == [
        {
            "type": "image",
            "tokens": 10,
            "param": f"messages[0].content[{at}].image_url",
            "label": label,
            "width": 9,
            "height": 7,
        }
        for at, label in ((0, "Image 1"), (2, "Back"))
    ]
    assert told["total"] == sum(item["tokens"] for item in told["items"])


@pytest.mark.parametrize(("words", "level"), [(5, "ok"), (6, "warning"), (12, "warning"), (13, "critical")])
def test_tells_how_large_the_prompt_is(ask: Any, words: int, level: str) -> None:
    assert ask(says("word " * words)).json()["level"] == level


def test_counts_what_does_not_fit_and_says_so(ask: Any) -> None:
    told = ask(says("word " * 200)).json()

    assert (told["total"], told["remaining"], told["fits"]) == (200, 0, False)


def test_counts_bare_text(ask: Any) -> None:
    told = ask({"model": "demo", "prompt": "one two"}).json()

    assert (told["count"], told["tokens"], told["items"]) == (2, [0, 1], [{"type": "text", "tokens": 2}])


def test_takes_a_whole_chat_request(ask: Any) -> None:
    body = says("one", stream=True, max_tokens=5, temperature=0.5, stop="x", tools=None, seed=1)

    assert ask(body).status_code == 200


def test_takes_what_vllms_clients_send_as_a_matter_of_course(ask: Any) -> None:
    body = says("one", add_generation_prompt=True, continue_final_message=False, add_special_tokens=False)

    assert ask(body).status_code == 200


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({}, "missing_required_parameter", "messages"),
        ({"messages": []}, "invalid_value", "messages"),
        ({"messages": None}, "missing_required_parameter", "messages"),
        ({"prompt": ["a"]}, "invalid_value", "prompt"),
        (says("a", prompt="b"), "invalid_value", "prompt"),
        (says("a", add_generation_prompt=False), "unsupported_parameter", "add_generation_prompt"),
        (says("a", return_token_strs=True), "unsupported_parameter", "return_token_strs"),
        (says("a", model="other"), "model_not_found", "model"),
        (
            says([{"type": "image_url", "image_url": "http://a.test/"}]),
            "media_url_not_allowed",
            IMAGE := "messages[0].content[0].image_url",
        ),
        (says([{"type": "image_url", "image_url": "data:;base64,AAAA"}]), "invalid_value", IMAGE),
    ],
)
def test_names_what_it_refuses(ask: Any, body: dict[str, Any], code: str, param: str) -> None:
    answer = ask(body)

    error = answer.json()["error"]
    assert (error["code"], error["param"]) == (code, param)
    assert 400 <= answer.status_code < 500


def test_an_image_model_counts_nothing(serve: Callable[..., Any]) -> None:
    served = serve(Painter).until_ready()

    answer = served.client.post("/v1/tokenize", json=says("one"))

    assert answer.json()["error"]["code"] == "unsupported_endpoint"
