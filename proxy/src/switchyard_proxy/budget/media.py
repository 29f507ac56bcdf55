"""Find pictures, videos and whatever else an engine would fetch or decode, in the bodies of all dialects.

Looks only where messages have their parts, and never into tools, arguments or metadata: what stands there is
nobody's picture. A shape that is not known here is passed over; the engine answers for it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.budget.content import Broken, Content, data_url
from switchyard_proxy.errors import Refused

_LONGEST_SCHEME = 64  # with whatever stands before it


class Kind(StrEnum):
    """What a part of a message holds."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Medium:
    """One of them, as it came. `index` counts each kind from one, in the order of the body."""

    kind: Kind
    index: int
    url: str
    bare: bool = False  # base64 without an address, as Anthropic sends it

    @property
    def label(self) -> str:
        return f"{self.kind} {self.index}"

    @property
    def remote(self) -> bool:
        return not self.bare and self.url[:_LONGEST_SCHEME].lstrip().lower().startswith(("http://", "https://"))

    @property
    def inline(self) -> bool:
        return self.bare or self.url[:5].lower() == "data:"

    def content(self) -> Content:
        """Raises `Broken`."""
        return Content(self.url) if self.bare else data_url(self.url)


class _Body(msgspec.Struct):
    """Every top-level field under which the engines' routes take parts; the others are skipped."""

    messages: Any = None
    input: Any = None
    images: Any = None
    mask: Any = None
    documents: Any = None
    query: Any = None
    queries: Any = None
    data_1: Any = None
    data_2: Any = None
    text_1: Any = None
    text_2: Any = None


_DECODER = msgspec.json.Decoder(_Body)
# JSON may write any letter of a key as \u00xx, so a body that does so somewhere is looked through, too.
_ESCAPE = b"\\u00"
_ESCAPED_LETTER = re.compile(rb"\\u00[2-7]")
_KEYS = {
    "image_url": Kind.IMAGE,
    "video_url": Kind.VIDEO,
    "audio_url": Kind.AUDIO,
    "file_url": Kind.FILE,
}
_SOURCES = {"image": Kind.IMAGE, "video": Kind.VIDEO, "audio": Kind.AUDIO, "document": Kind.FILE}
_DEEPER = ("source", "output", "content")


def looks_like_media(body: bytes) -> bool:
    """Never false for a body with media; seldom true for one without."""
    if b'_url"' in body or b'"source"' in body:
        return True
    return _ESCAPE in body and _ESCAPED_LETTER.search(body) is not None


def media_in(body: bytes) -> tuple[Medium, ...]:
    """Raises `Refused` for what is no JSON object."""
    try:
        decoded = _DECODER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(ErrorCode.INVALID_JSON, f"cannot read the body as a JSON object: {error}") from None
    counts = dict.fromkeys(Kind, 0)
    found = []
    for part in _parts([getattr(decoded, name) for name in _Body.__struct_fields__]):
        for kind, url, bare in media_of(part):
            counts[kind] += 1
            found.append(Medium(kind, counts[kind], url, bare))
    return tuple(found)


def refuse_addresses(media: tuple[Medium, ...], *, allowed: bool) -> None:
    """Nothing on the network unless the operator allows it, and nothing on the engine's disk ever."""
    for medium in media:
        if medium.remote and not allowed:
            raise Refused(
                ErrorCode.MEDIA_URL_NOT_ALLOWED,
                f"cannot let an engine fetch {medium.label} from the network: the operator has not allowed it; "
                "send it as a data URL",
                "messages",
            )
        if not medium.remote and not medium.inline:
            shown = medium.url.split(":", 1)[0][:20] if ":" in medium.url[:20] else "no"
            raise Refused(
                ErrorCode.INVALID_VALUE,
                f"cannot use {medium.label}: its address has {shown!r} for a scheme; send it as a data URL",
                "messages",
            )


def broken(medium: Medium, error: Broken | ValueError) -> Refused:
    return Refused(ErrorCode.INVALID_VALUE, f"cannot use {medium.label}: {error}", "messages")


def _parts(top: list[Any]) -> Iterator[dict[str, Any]]:
    """Messages, their parts, and what tools put into them, in the order of the body."""
    waiting = top[::-1]
    while waiting:
        match waiting.pop():
            case list() as several:
                waiting.extend(reversed(several))
            case dict() as part:
                yield part
                waiting.extend(part[name] for name in _DEEPER if isinstance(part.get(name), list | dict))
            case _:
                pass


def media_of(part: dict[str, Any]) -> Iterator[tuple[Kind, str, bool]]:
    """What one part of a message brings: of what kind, its address or base64, and whether that is bare."""
    for name, kind in _KEYS.items():
        value = part.get(name)
        for each in value if isinstance(value, list) else (value,):  # a video may come as its frames
            url = each.get("url") if isinstance(each, dict) else each
            if isinstance(url, str) and url:
                yield kind, url, False
    source = part.get("source")
    kind_of_source = _SOURCES.get(str(part.get("type")))
    if isinstance(source, dict) and kind_of_source is not None:
        yield from _source(kind_of_source, source)


def _source(kind: Kind, source: dict[str, Any]) -> Iterator[tuple[Kind, str, bool]]:
    if isinstance(source.get("url"), str):
        yield kind, source["url"], False
    elif source.get("type") == "base64" and isinstance(source.get("data"), str):
        yield kind, source["data"], True
