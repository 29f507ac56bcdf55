"""Finished pictures in OpenAI's shape, whole or as the events of a stream, with the seed of each. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from json import JSONEncoder
from typing import Any

from switchyard_image_server.images.encode import Encoded
from switchyard_image_server.images.events import Finished, Step, Timings
from switchyard_image_server.images.request import EditRequest, ImageRequest, Quality

# Its types know these names only, whatever was asked for.
_TOLD_QUALITY = {
    Quality.AUTO: "medium",
    Quality.STANDARD: "medium",
    Quality.HD: "high",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A finished picture. `content` is its base64, or its address where `response_format` asks for one."""

    encoded: Encoded
    content: str
    seed: int
    layer: int | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """`quality_counts`: the number of steps was left to `quality`."""

    request: ImageRequest
    created: int
    quality_counts: bool = True

    @property
    def quality(self) -> str:
        asked = self.request.quality
        return _TOLD_QUALITY.get(asked, str(asked)) if self.quality_counts else "medium"

    @property
    def _kind(self) -> str:
        return "image_edit" if isinstance(self.request, EditRequest) else "image_generation"

    def whole(self, pictures: Sequence[Shown], end: Finished) -> dict[str, Any]:
        first = pictures[0].encoded
        return {
            "created": self.created,
            "data": [self._datum(one) for one in pictures],
            "background": _background(*(one.encoded for one in pictures)),
            "output_format": str(self.request.output_format),
            "quality": self.quality,
            "size": first.size,
            "usage": usage(end),
            **self._told(end),
        }

    def partial(self, encoded: Encoded, content: str, picture: int, index: int) -> dict[str, Any]:
        return self._event("partial_image", encoded, content) | {
            "partial_image_index": index,
            "index": picture,
        }

    def progress(self, step: Step) -> dict[str, Any]:
        """For those who ask only: OpenAI's clients know no such event."""
        return {"type": f"{self._kind}.progress", "step": step.done, "total": step.total}

    def completed(self, one: Shown, place: int, end: Finished) -> dict[str, Any]:
        """Every one carries the usage of the whole request: whoever reads the last event only has it all."""
        layer = {} if one.layer is None else {"layer": one.layer}
        return (
            self._event("completed", one.encoded, one.content)
            | {"index": place, "seed": one.seed, "usage": usage(end)}
            | layer
            | self._told(end)
        )

    def _datum(self, one: Shown) -> dict[str, Any]:
        layer = {} if one.layer is None else {"layer": one.layer}
        return {self.request.response_format: one.content, "seed": one.seed} | layer

    def _event(self, what: str, encoded: Encoded, content: str) -> dict[str, Any]:
        return {
            "type": f"{self._kind}.{what}",
            "b64_json": content,
            "created_at": self.created,
            "size": encoded.size,
            "quality": self.quality,
            "background": _background(encoded),
            "output_format": str(self.request.output_format),
        }

    def _told(self, end: Finished) -> dict[str, Any]:
        client = self.request.client
        return (
            {"timings": timings(end.timings)}
            | ({} if client is None else {"safety_identifier": client})
            | ({} if end.note is None else {"memory": end.note})
        )


def as_json(body: Mapping[str, Any]) -> bytes:
    """Large ones off the loop, and piece by piece: one call for ten large pictures would hold the interpreter,
    and so the loop, for half a second.
    """
    pieces = JSONEncoder(ensure_ascii=False, separators=(",", ":")).iterencode(body)
    return b"".join(piece.encode() for piece in pieces)


def usage(end: Finished) -> dict[str, Any]:
    read = end.text_tokens + end.image_tokens
    return {
        "input_tokens": read,
        "output_tokens": end.picture_tokens,
        "total_tokens": read + end.picture_tokens,
        "input_tokens_details": {"text_tokens": end.text_tokens, "image_tokens": end.image_tokens},
        "output_tokens_details": {"text_tokens": 0, "image_tokens": end.picture_tokens},
    }


def timings(spent: Timings) -> dict[str, Any]:
    return {
        "prepare_s": round(spent.prepare_s, 4),
        "denoise_s": round(spent.denoise_s, 4),
        "decode_s": round(spent.decode_s, 4),
        "total_s": round(spent.total_s, 4),
        "passes": spent.passes,
    }


def _background(*pictures: Encoded) -> str:
    return "transparent" if any(one.transparent for one in pictures) else "opaque"
