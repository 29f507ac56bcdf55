"""Ask a model, and take the times of it: of a client, and of the same requests at the engine itself."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

PATIENCE_S = 300.0


@dataclass(frozen=True, slots=True)
class Question:
    """A streamed request. Its first sign is the first event that has something of the answer in it."""

    path: str
    body: Mapping[str, Any]

    def has_answer(self, event: Mapping[str, Any]) -> bool:
        if "choices" not in event:
            return "type" in event  # a picture's event: a preview, or the whole
        return any(choice["delta"].get("content") for choice in event["choices"])


def chat(words: str = "hi", tokens: int = 8, **more: Any) -> Question:
    said = {"messages": [{"role": "user", "content": words}], "max_tokens": tokens, "stream": True}
    return Question("/v1/chat/completions", said | more)


def picture() -> Question:
    said = {"prompt": "a grey square", "size": "64x64", "num_inference_steps": 2, "stream": True}
    return Question("/v1/images/generations", said)


@dataclass(frozen=True, slots=True)
class Asked:
    """Seconds since 1970."""

    asked: float
    first: float
    ended: float


def ask(base: str, question: Question, model: str, headers: Mapping[str, str] | None = None) -> Asked:
    """With a connection of its own, as a client that comes after a while has it."""
    with httpx.Client(timeout=PATIENCE_S, trust_env=False) as client:
        body = json.dumps({"model": model, **question.body})
        said = {"Content-Type": "application/json", **(headers or {})}
        asked = time.time()
        first: float | None = None
        with client.stream("POST", base + question.path, content=body, headers=said) as reply:
            lines: list[str] = []
            for line in reply.iter_lines():
                lines.append(line)
                if first is None and line.startswith("data: {"):
                    now = time.time()
                    first = now if question.has_answer(json.loads(line.removeprefix("data: "))) else None
        ended = time.time()
    if first is None:
        answer = "\n".join(lines)[-1000:]
        raise SystemExit(
            f"cannot bench: {model} answered with {reply.status_code}, and nothing in it: {answer}"
        )
    return Asked(asked, first, ended)


def timed(client: httpx.Client, method: str, path: str, body: Mapping[str, Any] | None = None) -> float:
    began = time.perf_counter()
    reply = client.request(method, path, json=body)
    took_s = time.perf_counter() - began
    reply.raise_for_status()
    return took_s
