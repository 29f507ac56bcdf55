"""What an engine says on each route, as vLLM says it: plain replies, and streams as lists of events. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CREATED = 1_700_000_000
USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
SPOKEN = {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10}
DONE = b"data: [DONE]\n\n"
Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the engine has to say, whoever asks in whatever words."""

    words: tuple[str, ...] = ("Hel", "lo", " there")
    thoughts: tuple[str, ...] = ()
    tool: tuple[str, str] | None = None  # name and arguments

    @property
    def text(self) -> str:
        return "".join(self.words)


def data(value: Any) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def named(value: Mapping[str, Any]) -> bytes:
    return b"event: " + str(value["type"]).encode() + b"\n" + data(value)


# Chat and completions


def chat(answer: Answer, asked: Body) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": answer.text}
    if answer.tool is not None:
        name, arguments = answer.tool
        call = {"id": "call-1", "type": "function", "function": {"name": name, "arguments": arguments}}
        message |= {"content": None, "tool_calls": [call]}
    if answer.thoughts:
        message["reasoning_content"] = "".join(answer.thoughts)
    choice = {"index": 0, "message": message, "finish_reason": _finish(answer), "logprobs": None}
    return _plain("chatcmpl-engine", "chat.completion", asked, choice)


def chat_stream(answer: Answer, asked: Body) -> list[bytes]:
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"reasoning_content": thought} for thought in answer.thoughts]
    if answer.tool is None:
        deltas += [{"content": word} for word in answer.words]
    else:
        deltas += _tool_deltas(*answer.tool)
    choices = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": _finish(answer)})
    return _chunks("chatcmpl-engine", "chat.completion.chunk", asked, choices)


def _tool_deltas(name: str, arguments: str) -> list[dict[str, Any]]:
    begun = {"index": 0, "id": "call-1", "type": "function", "function": {"name": name, "arguments": ""}}
    middle = len(arguments) // 2
    halves = [arguments[:middle], arguments[middle:]]
    return [{"tool_calls": [begun]}] + [
        {"tool_calls": [{"index": 0, "function": {"arguments": half}}]} for half in halves
    ]


def _finish(answer: Answer) -> str:
    return "stop" if answer.tool is None else "tool_calls"


def completion(answer: Answer, asked: Body) -> dict[str, Any]:
    choice = {"index": 0, "text": answer.text, "finish_reason": "stop", "logprobs": None}
    return _plain("cmpl-engine", "text_completion", asked, choice)


def completion_stream(answer: Answer, asked: Body) -> list[bytes]:
    choices = [{"index": 0, "text": word, "finish_reason": None, "logprobs": None} for word in answer.words]
    choices.append({"index": 0, "text": "", "finish_reason": "stop", "logprobs": None})
    return _chunks("cmpl-engine", "text_completion", asked, choices)


def _plain(name: str, kind: str, asked: Body, choice: Body) -> dict[str, Any]:
    return {
        "id": name,
        "object": kind,
        "created": CREATED,
        "model": asked["model"],
        "choices": [choice],
        "usage": USAGE,
    }


def _chunks(name: str, kind: str, asked: Body, choices: list[dict[str, Any]]) -> list[bytes]:
    """The usage only where it was asked for, last before the end."""
    head = {"id": name, "object": kind, "created": CREATED, "model": asked["model"]}
    events = [data(head | {"choices": [choice]}) for choice in choices]
    if (asked.get("stream_options") or {}).get("include_usage"):
        events.append(data(head | {"choices": [], "usage": USAGE}))
    return [*events, DONE]


def embeddings(asked: Body) -> dict[str, Any]:
    vector: Any = "AACAPwAAAEA=" if asked.get("encoding_format") == "base64" else [1.0, 2.0]
    item = {"object": "embedding", "index": 0, "embedding": vector}
    return {
        "object": "list",
        "model": asked["model"],
        "data": [item],
        "usage": {"prompt_tokens": 1, "total_tokens": 1},
    }


# Responses


def response(
    answer: Answer, asked: Body, status: str = "completed", name: str = "resp_engine"
) -> dict[str, Any]:
    done = status == "completed"
    return {
        "id": name,
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "model": asked["model"],
        "output": [_message(answer)] if done else [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "temperature": 1.0,
        "top_p": 1.0,
        "metadata": {},
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "usage": _response_usage() if done else None,
    }


def _response_usage() -> dict[str, Any]:
    details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    return SPOKEN | details


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": []}


def _message(answer: Answer | None) -> dict[str, Any]:
    status = "in_progress" if answer is None else "completed"
    content = [] if answer is None else [_part(answer.text)]
    return {"type": "message", "id": "msg_engine", "role": "assistant", "status": status, "content": content}


def response_stream(answer: Answer, asked: Body) -> list[bytes]:
    begun = response(answer, asked, "in_progress")
    place = {"item_id": "msg_engine", "output_index": 0, "content_index": 0}
    words = [
        {"type": "response.output_text.delta", **place, "delta": word, "logprobs": []} for word in answer.words
    ]
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
        {"type": "response.output_item.added", "output_index": 0, "item": _message(None)},
        {"type": "response.content_part.added", **place, "part": _part("")},
        *words,
        {"type": "response.output_text.done", **place, "text": answer.text, "logprobs": []},
        {"type": "response.content_part.done", **place, "part": _part(answer.text)},
        {"type": "response.output_item.done", "output_index": 0, "item": _message(answer)},
        {"type": "response.completed", "response": response(answer, asked)},
    ]
    return [named(event | {"sequence_number": number}) for number, event in enumerate(events)]


# Messages


def message(answer: Answer, asked: Body) -> dict[str, Any]:
    return _message_head(asked) | {
        "content": [{"type": "text", "text": answer.text}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 7, "output_tokens": 3},
    }


def _message_head(asked: Body) -> dict[str, Any]:
    return {
        "id": "msg_engine",
        "type": "message",
        "role": "assistant",
        "model": asked["model"],
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 7, "output_tokens": 0},
    }


def message_stream(answer: Answer, asked: Body) -> list[bytes]:
    words = [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}}
        for word in answer.words
    ]
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": _message_head(asked)},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *words,
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": 3},
        },
        {"type": "message_stop"},
    ]
    return [named(event) for event in events]


# Pictures

PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def pictures(asked: Body) -> dict[str, Any]:
    """Base64 unless addresses were asked for, which an engine of ours refuses and others may give."""
    as_url = asked.get("response_format") == "url"
    item = {"url": "http://127.0.0.1:9/picture.png"} if as_url else {"b64_json": PICTURE}
    return {
        "created": CREATED,
        "data": [item] * int(asked.get("n") or 1),
        **_drawn(asked),
        "usage": _picture_usage(),
    }


def picture_stream(asked: Body, kind: str) -> list[bytes]:
    facts = {**_drawn(asked), "created_at": CREATED, "b64_json": PICTURE}
    partial = {"type": f"{kind}.partial_image", "partial_image_index": 0, **facts}
    whole = {"type": f"{kind}.completed", **facts, "usage": _picture_usage()}
    return [named(partial), named(whole)]


def _drawn(asked: Body) -> dict[str, Any]:
    asked_size = asked.get("size") or "auto"
    return {
        "background": asked.get("background") or "auto",
        "output_format": asked.get("output_format") or "png",
        "quality": asked.get("quality") or "auto",
        "size": "1024x1024" if asked_size == "auto" else asked_size,
    }


def _picture_usage() -> dict[str, Any]:
    return SPOKEN | {"input_tokens_details": {"text_tokens": 7, "image_tokens": 0}}
