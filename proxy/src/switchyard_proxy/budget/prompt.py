"""A chat request as it is composed: what each picture and video costs, and its words ready to be counted.

The words are counted by an engine, if one runs. It gets stand-ins for what is large: a picture's tokens follow
from its size, and only the marks around it are the engine's to count.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from switchyard_contracts.errors import ErrorCode
from switchyard_contracts.serving import Vision
from switchyard_proxy.budget.media import Kind, Medium, media_of
from switchyard_proxy.budget.reckoning import MOST_LOOKED_AT, item_of
from switchyard_proxy.errors import Refused

BYTES_A_TOKEN = 4  # about, where no engine can say
MARKS = 4  # about, of a message; and of a medium half of them
# Qwen's marks, which its tokenizers know in any text: the middle one is the medium itself.
MARKED = {
    Kind.IMAGE: "<|vision_start|><|image_pad|><|vision_end|>",
    Kind.VIDEO: "<|vision_start|><|video_pad|><|vision_end|>",
}
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8A"
    "AAAASUVORK5CYII="
)

Message = dict[str, Any]


class _Body(msgspec.Struct):
    messages: list[dict[str, Any]]
    model: str | None = None
    tools: Any = None
    chat_template_kwargs: Any = None
    labels: bool | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """One picture or video, or all of the text, in the order of the prompt."""

    kind: str
    tokens: int
    exact: bool
    param: str | None = None
    label: str | None = None
    width: int | None = None
    height: int | None = None
    frames: int | None = None

    def told(self) -> dict[str, Any]:
        shown = {
            "type": self.kind,
            "tokens": self.tokens,
            "exact": self.exact,
            "param": self.param,
            "label": self.label,
            "width": self.width,
            "height": self.height,
            "frames": self.frames,
        }
        return {name: value for name, value in shown.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a medium stands."""

    message: int
    part: int
    said: Message  # the part as it was sent
    medium: Medium

    @property
    def param(self) -> str:
        return f"messages[{self.message}].content[{self.part}]"


@dataclass(frozen=True, slots=True)
class Prompt:
    """A request that was read."""

    model: str | None
    messages: list[Message]
    more: dict[str, Any]  # that changes how the prompt is spelled
    places: tuple[Place, ...]

    @property
    def words(self) -> int:
        """Tokens of the text, roughly."""
        size = sum(len(text.encode(errors="replace")) for text in map(_text, self.messages))
        return -(-size // BYTES_A_TOKEN) + MARKS * len(self.messages) + MARKS // 2 * len(self.places)

    def costs(self, vision: Vision | None) -> list[Cost]:
        """Raises `Refused` for a file that cannot be read."""
        return [_cost(place, vision) for place in self.places[:MOST_LOOKED_AT]]

    def spelled(self, stands_for: Callable[[Place], Message | None]) -> dict[str, Any]:
        """The same with other parts in the places of its media; None leaves the part as it is."""
        messages = list(self.messages)
        for place in self.places:
            part = stands_for(place)
            if part is None:
                continue
            message = messages[place.message]
            if message is self.messages[place.message]:
                message = messages[place.message] = message | {"content": list(message["content"])}
            message["content"][place.part] = part
        return {"messages": messages, **self.more}


def read_prompt(body: bytes) -> Prompt:
    """Raises `Refused`."""
    try:
        read = msgspec.json.decode(body, type=_Body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(ErrorCode.INVALID_JSON, f"cannot read the body as a request to count: {error}") from None
    more = {"tools": read.tools, "chat_template_kwargs": read.chat_template_kwargs, "labels": read.labels}
    given = {name: value for name, value in more.items() if value is not None}
    return Prompt(read.model, read.messages, given, tuple(_places(read.messages)))


def as_text(place: Place) -> Message | None:
    """For tokenizers that read marks in any text."""
    return {"type": "text", "text": MARKED.get(place.medium.kind, "")}


def as_pixel(place: Place) -> Message | None:
    """For engines to which text is nothing but text."""
    label = {"label": place.said["label"]} if "label" in place.said else {}
    return {"type": "image_url", "image_url": {"url": PIXEL}, **label}


def _places(messages: list[Message]) -> Iterator[Place]:
    counts = dict.fromkeys(Kind, 0)
    for number, message in enumerate(messages):
        content = message.get("content")
        for index, part in enumerate(content if isinstance(content, list) else ()):
            if not isinstance(part, dict):
                continue
            for kind, url, bare in media_of(part):
                counts[kind] += 1
                yield Place(number, index, part, Medium(kind, counts[kind], url, bare))
                break  # one part is one medium


def _cost(place: Place, vision: Vision | None) -> Cost:
    medium = place.medium
    nothing = Cost(medium.kind, 0, exact=False, param=place.param)
    if vision is None or medium.kind not in (Kind.IMAGE, Kind.VIDEO):
        return nothing
    try:
        item = item_of(medium, vision)
    except Refused as refused:
        raise Refused(refused.code, str(refused), place.param) from refused
    about = medium.kind is Kind.VIDEO and vision.timestamp_tokens > 0
    return replace(
        nothing,
        tokens=item.tokens,
        exact=item.exact and not about,
        width=item.width,
        height=item.height,
        frames=item.frames,
    )


def _text(message: Message) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(str(part.get("text") or "") for part in parts if isinstance(part, dict))
