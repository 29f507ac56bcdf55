"""What an engine answered as a whole, as Ollama would have: one object, with its times and counts."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from switchyard_proxy.dialects.ollama.requests import Asked, Kind, Wish

NS = 1_000_000_000


@dataclass(slots=True)
class Times:
    """Of one request, in Unix nanoseconds."""

    asked: int
    loaded: int  # when the engine began to answer, or was last waited for
    first: int = 0  # when the first word came
    last: int = 0

    def durations(self) -> dict[str, int]:
        first = self.first or self.last
        spans = {
            "total_duration": self.last - self.asked,
            "load_duration": self.loaded - self.asked,
            "prompt_eval_duration": first - self.loaded,
            "eval_duration": self.last - first,
        }
        return {name: max(span, 0) for name, span in spans.items()}


def whole(asked: Asked, reply: Mapping[str, Any], times: Times) -> dict[str, Any]:
    """Of an engine's JSON reply."""
    match asked.kind:
        case Kind.EMBED:
            vectors = [entry["embedding"] for entry in reply.get("data") or ()]
            spans = times.durations()
            counts = {name: spans[name] for name in ("total_duration", "load_duration")}
            return {
                "model": asked.named,
                "embeddings": vectors,
                **counts,
                **_counts(reply, "prompt_eval_count"),
            }
        case Kind.EMBEDDINGS:
            data = reply.get("data") or [{"embedding": []}]
            return {"embedding": data[0]["embedding"]}
        case _:
            choice = (reply.get("choices") or [{}])[0]
            message = choice.get("message") or {"content": choice.get("text")}
            calls = [called(call) for call in message.get("tool_calls") or ()]
            said = words(asked, times.last, message.get("content") or "", thought_in(message), calls)
            return said | ending(choice.get("finish_reason"), reply, times)


def idle(asked: Asked, now: int) -> dict[str, Any]:
    """Of a request that only loads or unloads."""
    if asked.kind is Kind.EMBED:
        return {"model": asked.named, "embeddings": []}
    if asked.kind is Kind.EMBEDDINGS:
        return {"embedding": []}
    reason = "unload" if asked.wish is Wish.UNLOAD else "load"
    return words(asked, now, "", "", []) | {"done": True, "done_reason": reason}


def words(
    asked: Asked, now: int, text: str, thought: str, calls: list[dict[str, Any]], *, done: bool = False
) -> dict[str, Any]:
    """Some of the answer, or all of it."""
    more: dict[str, Any] = {"thinking": thought} if thought else {}
    head = {"model": asked.named, "created_at": timestamp(now)}
    if asked.kind is Kind.GENERATE:
        return {**head, "response": text, **more, "done": done}
    if calls:
        more["tool_calls"] = calls
    return {**head, "message": {"role": "assistant", "content": text, **more}, "done": done}


def ending(reason: str | None, counted: Mapping[str, Any], times: Times) -> dict[str, Any]:
    counts = _counts(counted, "prompt_eval_count", "eval_count")
    return {
        "done": True,
        "done_reason": "length" if reason == "length" else "stop",
        **times.durations(),
        **counts,
    }


def thought_in(message: Mapping[str, Any]) -> str:
    return str(message.get("reasoning_content") or message.get("reasoning") or "")


def called(call: Mapping[str, Any]) -> dict[str, Any]:
    """A call whose arguments are an object; what is none is kept where it can be seen."""
    function = call.get("function") or {}
    text = function.get("arguments") or "{}"
    try:
        arguments = json.loads(text)
    except (ValueError, RecursionError):
        arguments = text
    if not isinstance(arguments, dict):
        arguments = {"arguments": arguments}
    return {"function": {"name": function.get("name") or "", "arguments": arguments}}


def timestamp(now: int) -> str:
    seconds, rest = divmod(now, NS)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def _counts(reply: Mapping[str, Any], *names: str) -> dict[str, int]:
    usage = reply.get("usage") or {}
    counted = {"prompt_eval_count": "prompt_tokens", "eval_count": "completion_tokens"}
    return {name: usage.get(counted[name]) or 0 for name in names}
