"""What an engine says when it streams a response: OpenAI's events, numbered from 0."""

import json
from typing import Any


def told(kind: str, number: int, **payload: Any) -> bytes:
    data = {"type": kind, "sequence_number": number, **payload}
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n".encode()


def response(status: str, name: str = "resp_engine", **more: Any) -> dict[str, Any]:
    return {
        "id": name,
        "object": "response",
        "created_at": 1,
        "model": "chat",
        "status": status,
        "output": [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        **more,
    }


def message(text: str, status: str = "completed") -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": []}
    content = [part] if text else []
    return {"id": "msg_a", "type": "message", "role": "assistant", "status": status, "content": content}


def words(*said: str, name: str = "resp_engine") -> list[bytes]:
    """A whole reply, its text in these pieces."""
    at = {"item_id": "msg_a", "output_index": 0, "content_index": 0}
    empty = {"type": "output_text", "text": "", "annotations": []}
    text = "".join(said)
    deltas = [{"delta": word, "logprobs": [], **at} for word in said]
    steps: list[tuple[str, dict[str, Any]]] = [
        ("response.created", {"response": response("in_progress", name)}),
        ("response.in_progress", {"response": response("in_progress", name)}),
        ("response.output_item.added", {"output_index": 0, "item": message("", "in_progress")}),
        ("response.content_part.added", {**at, "part": empty}),
        *(("response.output_text.delta", delta) for delta in deltas),
        ("response.output_text.done", {"text": text, "logprobs": [], **at}),
        ("response.content_part.done", {**at, "part": {**empty, "text": text}}),
        ("response.output_item.done", {"output_index": 0, "item": message(text)}),
        ("response.completed", {"response": response("completed", name, output=[message(text)])}),
    ]
    return [told(kind, number, **payload) for number, (kind, payload) in enumerate(steps)]
