"""A conversation as Ollama has it, with pictures beside the text and calls without ids, as OpenAI has it."""

import json
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

# How pictures of each kind begin, in base64.
KINDS = {"/9j/": "jpeg", "iVBOR": "png", "R0lGOD": "gif", "UklGR": "webp", "Qk": "bmp"}
ADDRESSES = ("data:", "http://", "https://")


def openai_messages(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    calls = _Calls()
    return [_message(message, calls) for message in messages]


def content(text: object, images: Sequence[str] | None) -> object:
    """Text alone stays text."""
    if not images:
        return text or ""
    parts: list[dict[str, Any]] = [{"type": "text", "text": text}] if text else []
    return parts + [{"type": "image_url", "image_url": {"url": _address(image)}} for image in images]


class _Calls:
    """Gives each call an id, and each result the id of the call that it answers."""

    def __init__(self) -> None:
        self._open: deque[tuple[str, str]] = deque()
        self._made = 0

    def made(self, name: str) -> str:
        self._made += 1
        self._open.append((name, f"call_{self._made}"))
        return f"call_{self._made}"

    def answered(self, name: str | None) -> str:
        """By name where one is given, else in order."""
        for call in self._open:
            if name in (None, call[0]):
                self._open.remove(call)
                return call[1]
        return f"call_{self._made or 1}"


def _message(message: Mapping[str, Any], calls: _Calls) -> dict[str, Any]:
    said = {"role": message.get("role"), "content": content(message.get("content"), message.get("images"))}
    if asked := message.get("tool_calls"):
        said["tool_calls"] = [_call(call, calls) for call in asked]
    if said["role"] == "tool":
        given = message.get("tool_call_id")
        said["tool_call_id"] = given or calls.answered(message.get("tool_name") or message.get("name"))
    return said


def _call(call: Mapping[str, Any], calls: _Calls) -> dict[str, Any]:
    function = call.get("function") or {}
    name, arguments = function.get("name", ""), function.get("arguments", {})
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return {"id": calls.made(name), "type": "function", "function": {"name": name, "arguments": text}}


def _address(image: str) -> str:
    if image.startswith(ADDRESSES):
        return image
    kind = next((kind for start, kind in KINDS.items() if image.startswith(start)), "png")
    return f"data:image/{kind};base64,{image}"
