"""Messages as clients send them, turned into messages as chat templates want them. No model needed.

A template gets nothing but what is listed here: role, content, tool calls. In particular no `url` or `path`
from a client may reach a processor, which would open it.
"""

import json
from dataclasses import dataclass
from typing import Any

from switchyard_image_server.chat.request import ChatRequest, Message, Part
from switchyard_image_server.errors import InvalidValue, MissingParameter, Unsupported
from switchyard_image_server.media import Picture, check_together, open_picture, read_data_url

_TEXT = {"text", "input_text", "output_text"}
_IMAGE = {"image_url", "input_image"}
_LATER = {"video_url", "input_video", "input_audio", "audio_url", "file", "input_file", "video", "audio"}
_ROLES = {"developer": "system", "function": "tool"}


@dataclass(frozen=True, slots=True)
class Conversation:
    """`messages` for a template; an image part stands for the next of `pictures`."""

    messages: list[dict[str, Any]]
    pictures: list[Picture]


def read_conversation(request: ChatRequest, *, sees: bool) -> Conversation:
    """Refuses pictures where the model does not see. Opens pictures, decodes none."""
    pictures: list[Picture] = []
    messages = [
        _message(message, f"messages[{i}]", pictures, sees=sees) for i, message in enumerate(request.messages)
    ]
    check_together(pictures)
    return Conversation(messages, pictures)


def _message(message: Message, at: str, pictures: list[Picture], *, sees: bool) -> dict[str, Any]:
    told: dict[str, Any] = {"role": _ROLES.get(message.role, message.role)}
    if isinstance(message.content, list):
        parts = [
            _part(part, f"{at}.content[{i}]", pictures, sees=sees) for i, part in enumerate(message.content)
        ]
        told["content"] = parts if sees else "\n".join(part["text"] for part in parts)
    elif message.content is not None:
        told["content"] = message.content
    elif not message.tool_calls:
        raise MissingParameter(f"cannot use {at}: it has no content", param=f"{at}.content")
    if message.tool_calls:
        told["tool_calls"] = [_tool_call(call) for call in message.tool_calls]
        told.setdefault("content", "")
    if message.reasoning_content is not None:
        told["reasoning_content"] = message.reasoning_content
    return told | {
        key: value for key in ("name", "tool_call_id") if (value := getattr(message, key)) is not None
    }


def _tool_call(call: dict[str, Any]) -> dict[str, Any]:
    """OpenAI sends arguments as JSON text; templates write them out as an object."""
    function = call.get("function")
    if not isinstance(function, dict) or not isinstance(function.get("arguments"), str):
        return call
    try:
        arguments = json.loads(function["arguments"] or "{}")
    except ValueError:
        return call
    return call | {"function": function | {"arguments": arguments}} if isinstance(arguments, dict) else call


def _part(part: Part, at: str, pictures: list[Picture], *, sees: bool) -> dict[str, Any]:
    if part.type in _TEXT:
        if part.text is None:
            raise MissingParameter(f"cannot use {at}: a text part needs text", param=f"{at}.text")
        return {"type": "text", "text": part.text}
    if part.type in _IMAGE:
        if not sees:
            raise Unsupported("cannot look at images: this model reads text only", param=at)
        pictures.append(_picture(part, f"{at}.image_url"))
        return {"type": "image"}
    if part.type in _LATER:
        raise Unsupported(f"cannot use a part of type {part.type}: only text and images are taken", param=at)
    raise InvalidValue(
        f"cannot use a part of type {part.type!r}: only text and image_url are known", param=f"{at}.type"
    )


def _picture(part: Part, param: str) -> Picture:
    if part.image_url is None:
        raise MissingParameter("cannot use an image part without image_url", param=param)
    url = part.image_url if isinstance(part.image_url, str) else part.image_url.url
    return open_picture(read_data_url(url, param), param)
