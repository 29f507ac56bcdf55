"""What an Ollama client asks becomes what an OpenAI engine understands, or is refused with a sentence."""

import contextlib
import json
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.dialects.ollama.requests import KINDS, Asked, Kind, Wish, read_request
from switchyard_proxy.errors import Refused

HI = [{"role": "user", "content": "hi"}]


def read(path: str, **asked: Any) -> tuple[Asked, dict[str, Any]]:
    found = read_request(path, json.dumps({"model": "qwen3", **asked}).encode())
    return found, json.loads(found.body)


def test_a_chat_is_streamed_and_counted_unless_the_client_says_otherwise() -> None:
    asked, body = read("/api/chat", messages=HI)

    assert (asked.kind, asked.wish, asked.streams) == (Kind.CHAT, Wish.ANSWER, True)
    assert asked.path == "/v1/chat/completions"
    assert body == {
        "model": "qwen3",
        "messages": HI,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_a_chat_that_is_not_to_be_streamed_is_not() -> None:
    asked, body = read("/api/chat", messages=HI, stream=False)

    assert not asked.streams
    assert "stream" not in body


def test_options_become_parameters_and_those_of_the_loader_are_left_to_the_catalog() -> None:
    options = {
        "num_predict": 9,
        "temperature": 0,
        "top_p": 0.5,
        "top_k": 3,
        "seed": 7,
        "stop": ["."],
        "min_p": 0.1,
    }

    _, body = read(
        "/api/chat", messages=HI, options={**options, "num_ctx": 9999, "mirostat": 1, "repeat_penalty": 2}
    )

    asked = {name: body[name] for name in body if name not in ("model", "messages", "stream", "stream_options")}
    assert asked == {
        "max_tokens": 9,
        "temperature": 0,
        "top_p": 0.5,
        "top_k": 3,
        "seed": 7,
        "stop": ["."],
        "min_p": 0.1,
        "repetition_penalty": 2,
    }


@pytest.mark.parametrize("limit", [-1, -2, 0])
def test_no_limit_is_no_parameter(limit: int) -> None:
    assert "max_tokens" not in read("/api/chat", messages=HI, options={"num_predict": limit})[1]


def test_a_format_becomes_a_response_format() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}

    assert read("/api/chat", messages=HI, format="json")[1]["response_format"] == {"type": "json_object"}
    assert read("/api/generate", prompt="hi", format=schema)[1]["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "reply", "schema": schema},
    }
    assert "response_format" not in read("/api/chat", messages=HI, format="")[1]


def test_thinking_is_switched_in_the_template_and_its_effort_is_a_parameter() -> None:
    off = read("/api/chat", messages=HI, think=False)[1]
    low = read("/api/generate", prompt="hi", think="low")[1]

    assert off["chat_template_kwargs"] == {"enable_thinking": False}
    assert low["reasoning_effort"] == "low"
    assert "chat_template_kwargs" not in read("/api/chat", messages=HI)[1]


def test_tools_pass_as_they_are() -> None:
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]

    assert read("/api/chat", messages=HI, tools=tools)[1]["tools"] == tools


def test_a_prompt_becomes_a_conversation() -> None:
    asked, body = read("/api/generate", prompt="what?", system="be kind", images=["iVBORw0K"])

    assert asked.kind is Kind.GENERATE
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert body["messages"][1]["content"][1]["image_url"]["url"].startswith("data:image/png;base64,")


@pytest.mark.parametrize("more", [{"raw": True}, {"suffix": "end"}])
def test_a_prompt_that_no_template_may_touch_is_completed(more: dict[str, Any]) -> None:
    asked, body = read("/api/generate", prompt="def f(", **more)

    assert asked.path == "/v1/completions"
    assert body["prompt"] == "def f("
    assert body.get("suffix") == more.get("suffix")


def test_embeddings_are_asked_for_as_numbers() -> None:
    many = read("/api/embed", input=["a", "b"], dimensions=8)
    one = read("/api/embeddings", prompt="a")

    assert many[1] == {"model": "qwen3", "input": ["a", "b"], "encoding_format": "float", "dimensions": 8}
    assert one[1]["input"] == "a"
    assert (one[0].path, one[0].streams) == ("/v1/embeddings", False)


@pytest.mark.parametrize(
    ("path", "empty"),
    [
        ("/api/chat", {"messages": []}),
        ("/api/generate", {"prompt": ""}),
        ("/api/generate", {}),
        ("/api/embed", {"input": ""}),
        ("/api/embeddings", {}),
    ],
)
@pytest.mark.parametrize("keep_alive", [None, "5m", -1, 300])
def test_without_a_prompt_the_model_is_only_loaded(path: str, empty: dict, keep_alive: object) -> None:
    assert read(path, **empty, keep_alive=keep_alive)[0].wish is Wish.LOAD


@pytest.mark.parametrize("keep_alive", [0, 0.0, "0", "0s", "0m", "-0ms"])
def test_keeping_it_for_no_time_unloads_it_now_or_after_the_answer(keep_alive: object) -> None:
    now, _ = read("/api/generate", keep_alive=keep_alive)
    later, _ = read("/api/chat", messages=HI, keep_alive=keep_alive)

    assert now.wish is Wish.UNLOAD
    assert later.wish is Wish.ANSWER
    assert later.unload_after


def test_a_tag_that_only_clients_add_is_dropped_but_the_client_hears_its_own_name() -> None:
    asked, body = read("/api/chat", model="qwen3:latest", messages=HI)

    assert (asked.model, asked.named, body["model"]) == ("qwen3", "qwen3:latest", "qwen3")


def test_a_tag_that_the_catalog_has_is_kept() -> None:
    asked = read_request("/api/chat", b'{"model": "x:latest"}', lambda name: name == "x:latest")

    assert asked.model == "x:latest"


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"{", ErrorCode.INVALID_JSON),
        (b"[]", ErrorCode.INVALID_JSON),
        (b"[" * 100_000, ErrorCode.INVALID_JSON),
        (b"\xff", ErrorCode.INVALID_JSON),
        (b'{"messages": []}', ErrorCode.MISSING_REQUIRED_PARAMETER),
        (b'{"model": "m", "messages": 3}', ErrorCode.INVALID_VALUE),
        (b'{"model": "m", "messages": ["hi"]}', ErrorCode.INVALID_VALUE),
        (b'{"model": "m", "messages": [{}], "options": {"num_predict": "x"}}', ErrorCode.INVALID_VALUE),
    ],
)
def test_what_makes_no_sense_is_refused(payload: bytes, code: ErrorCode) -> None:
    with pytest.raises(Refused, match="cannot") as refused:
        read_request("/api/chat", payload)

    assert refused.value.code is code


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
FIELDS = (
    "messages",
    "prompt",
    "input",
    "options",
    "format",
    "tools",
    "think",
    "keep_alive",
    "images",
    "system",
)
MESSAGES = st.lists(
    st.dictionaries(st.sampled_from(["role", "content", "images", "tool_calls"]), JUNK), max_size=2
)


@given(path=st.sampled_from(sorted(KINDS)), asked=st.dictionaries(st.sampled_from(FIELDS), JUNK | MESSAGES))
def test_any_body_is_read_or_refused(path: str, asked: dict[str, Any]) -> None:
    with contextlib.suppress(Refused):
        found = read_request(path, json.dumps({"model": "m", **asked}).encode())

        assert json.loads(found.body)["model"] == found.model
