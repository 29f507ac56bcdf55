"""Picture sizes. Pipelines round odd sizes without a word; here it is done first, and reported. Pure."""

import math
import re
from dataclasses import dataclass

from switchyard_image_server.errors import InvalidValue

LEAST_SIDE = 64
MAX_SIDE = 4096
MAX_PIXELS = 2048 * 2048

_SIZE = re.compile(r"([1-9]\d{0,5})x([1-9]\d{0,5})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Size:
    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"

    @property
    def pixels(self) -> int:
        return self.width * self.height

    def rounded_down(self, multiple: int) -> "Size":
        return Size(self.width // multiple * multiple, self.height // multiple * multiple)


def parse_size(text: str) -> Size:
    match = _SIZE.fullmatch(text.strip().lower())
    if match is None:
        raise InvalidValue(f"cannot read the size {text[:40]!r}: write WIDTHxHEIGHT, or auto", param="size")
    return Size(int(match[1]), int(match[2]))


def size_to_draw(asked: str, usual: Size, multiple: int) -> Size:
    """What will really be drawn. `usual` stands in for `auto`."""
    size = usual if asked == "auto" else parse_size(asked)
    if min(size.width, size.height) < LEAST_SIDE:
        raise InvalidValue(f"cannot draw {size}: each side must be at least {LEAST_SIDE} pixels", param="size")
    if max(size.width, size.height) > MAX_SIDE or size.pixels > MAX_PIXELS:
        raise InvalidValue(
            f"cannot draw {size}: the limit is {MAX_SIDE} pixels a side and {MAX_PIXELS} pixels in all",
            param="size",
        )
    return size.rounded_down(multiple)


def fitted(area: int, shape: Size) -> Size:
    """About `area` pixels in the shape of a picture: what the pipelines themselves make of a reference."""
    ratio = shape.width / shape.height
    width = math.sqrt(area * ratio)
    return Size(round(width / 32) * 32, round(width / ratio / 32) * 32)
