"""Messages as clients send them, turned into messages as chat templates want them. No model needed.

A template gets nothing but what is listed here: role, content, tool calls. In particular no `url` or `path`
from a client may reach a processor, which would open it.

Pictures and videos may stand anywhere, in any number and order, in every turn, tools' results included. Where
there are several, each is given a label in front of it, "Image 1: " or the client's own, because that is how
people speak of them. Labels are text like any other: what looks like a control token in one is none.
"""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from switchyard_image_server.chat.brought import Brought, MediaKind, brought
from switchyard_image_server.chat.request import ChatRequest, Message, Part
from switchyard_image_server.errors import InvalidValue, MissingParameter, TooLarge, Unsupported
from switchyard_image_server.media.addresses import MediaReader
from switchyard_image_server.media.pictures import Picture, check_together, open_picture
from switchyard_image_server.media.videos import Sampling, Video, open_video

MAX_MEDIA = 256  # pictures and videos of one request
MAX_FETCHES = 4  # addresses that are read at once

USUAL_SAMPLING = Sampling()

_TEXT = {"text", "input_text", "output_text"}
_REFUSAL = "refusal"  # of an earlier answer: words like any other
_LATER = {"input_audio", "audio_url", "audio", "file", "input_file"}
_ROLES = {"developer": "system", "function": "tool"}
_CALLED = {MediaKind.IMAGE: "Image", MediaKind.VIDEO: "Video"}


@dataclass(frozen=True, slots=True)
class Conversation:
    """`messages` for a template; an image part stands for the next of `pictures`, a video part for the next of
    `videos`. `labels` are what they are called there, by the field that each came in. `spelled`: the tokens of
    a conversation in words alone, where they have been made already. `continues`: the last message is an answer
    that broke off, and is to be gone on with.
    """

    messages: list[dict[str, Any]]
    pictures: list[Picture] = field(default_factory=list)
    videos: list[Video] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    spelled: list[int] | None = None
    continues: bool = False


async def read_conversation(
    request: ChatRequest,
    media: MediaReader,
    *,
    sees: bool,
    labels: bool = True,
    sampling: Sampling = USUAL_SAMPLING,
) -> Conversation:
    """On the event loop; what is slow happens elsewhere. Refuses pictures and videos where the model does not
    see. Opens them, decodes none. `labels`: whether they are given where the request does not say.
    """
    found = _Found(sees=sees)
    messages = [found.message(message, f"messages[{i}]") for i, message in enumerate(request.messages)]
    if request.continues:
        _check_continues(messages)
    if not found.media:
        return Conversation(messages, continues=request.continues)
    contents = await _contents(found.media, media)
    pictures, videos = await asyncio.to_thread(_opened, found.media, contents, sampling)
    named = _labels(found.media, asked=request.labels, usual=labels, kwargs=request.chat_template_kwargs)
    told = _labelled(messages, found.media, named)
    return Conversation(told, pictures, videos, named, continues=request.continues)


def _check_continues(messages: list[dict[str, Any]]) -> None:
    last, at = messages[-1], f"messages[{len(messages) - 1}]"
    content = last.get("content") or ""
    words = content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
    if last["role"] != "assistant" or last.get("tool_calls"):
        raise InvalidValue(
            "cannot continue a message that is no answer in words: the last one must be the assistant's",
            param=at,
        )
    if not words.strip():
        raise InvalidValue(
            "cannot continue an answer without a word; leave the message and continue_final_message out",
            param=f"{at}.content",
        )


class _Found:
    """Goes through the messages, and notes what was brought along, in the order of the prompt."""

    def __init__(self, *, sees: bool) -> None:
        self.media: list[Brought] = []
        self._sees = sees

    def message(self, message: Message, at: str) -> dict[str, Any]:
        told: dict[str, Any] = {"role": _ROLES.get(message.role, message.role)}
        if isinstance(message.content, list):
            parts = [self._part(part, f"{at}.content[{i}]") for i, part in enumerate(message.content)]
            told["content"] = parts if self._sees else "\n".join(part["text"] for part in parts)
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

    def _part(self, part: Part, at: str) -> dict[str, Any]:
        if part.type in _TEXT:
            if part.text is None:
                raise MissingParameter(f"cannot use {at}: a text part needs text", param=f"{at}.text")
            return {"type": "text", "text": part.text}
        if part.type == _REFUSAL and part.refusal is not None:
            return {"type": "text", "text": part.refusal}
        if part.type in _LATER:
            raise Unsupported(
                f"cannot use a part of type {part.type}: only text, images and videos are taken", param=at
            )
        kind = MediaKind.of(part.type)
        if kind is None:
            raise InvalidValue(
                f"cannot use a part of type {part.type[:64]!r}: only text, image_url and video_url are known",
                param=f"{at}.type",
            )
        if not self._sees:
            raise Unsupported(f"cannot look at {kind}s: this model reads text only", param=at)
        self._note(brought(part, kind, at))
        return {"type": str(kind)}

    def _note(self, item: Brought) -> None:
        if len(self.media) == MAX_MEDIA:
            raise TooLarge(
                f"cannot look at over {MAX_MEDIA} images and videos in one request; send fewer",
                param=item.param,
            )
        self.media.append(item)


def _tool_call(call: dict[str, Any]) -> dict[str, Any]:
    """OpenAI sends arguments as JSON text; templates write them out as an object."""
    function = call.get("function")
    if not isinstance(function, dict) or not isinstance(function.get("arguments"), str):
        return call
    try:
        arguments = json.loads(function["arguments"] or "{}")
    except (ValueError, RecursionError):
        return call
    return call | {"function": function | {"arguments": arguments}} if isinstance(arguments, dict) else call


async def _contents(found: list[Brought], media: MediaReader) -> list[bytes]:
    """In order. The first refusal is raised as it is, and ends the other fetches."""
    doors = asyncio.Semaphore(MAX_FETCHES)

    async def one(item: Brought) -> bytes:
        async with doors:
            return await media.read(item.address, item.param)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(item)) for item in found]
    except BaseExceptionGroup as faults:
        raise faults.exceptions[0] from None
    return [task.result() for task in tasks]


def _opened(
    found: list[Brought], contents: list[bytes], sampling: Sampling
) -> tuple[list[Picture], list[Video]]:
    """Off the loop: headers of large files take a while."""
    pictures: list[Picture] = []
    videos: list[Video] = []
    for item, content in zip(found, contents, strict=True):
        if item.kind is MediaKind.IMAGE:
            pictures.append(open_picture(content, item.param))
        else:
            videos.append(open_video(content, item.param, sampling))
    check_together([*pictures, *videos])
    return pictures, videos


def _labels(found: list[Brought], *, asked: bool | None, usual: bool, kwargs: dict[str, Any]) -> dict[str, str]:
    """By the field that each came in. A client's own label is given even where there is nothing to tell apart;
    a template that was asked to number by itself is left to do so.
    """
    if not (usual if asked is None else asked):
        return {}
    all_of_them = (asked or len(found) > 1) and not kwargs.get("add_vision_id")
    named: dict[str, str] = {}
    count = dict.fromkeys(MediaKind, 0)
    for item in found:
        count[item.kind] += 1
        if own := (item.label or "").strip():
            named[item.param] = own
        elif all_of_them:
            named[item.param] = f"{_CALLED[item.kind]} {count[item.kind]}"
    return named


def _labelled(
    messages: list[dict[str, Any]], found: list[Brought], named: dict[str, str]
) -> list[dict[str, Any]]:
    media = iter(found)

    def parts(content: list[dict[str, Any]]) -> list[dict[str, Any]]:
        told = []
        for part in content:
            if part["type"] != "text" and (label := named.get(next(media).param)):
                told.append({"type": "text", "text": label.removesuffix(":") + ": "})
            told.append(part)
        return told

    return [
        message | {"content": parts(message["content"])}
        if isinstance(message.get("content"), list)
        else message
        for message in messages
    ]
