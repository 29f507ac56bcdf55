"""Pictures: bytes in, decoded pictures out. Guards come before decoding.

Opening a picture reads its header only; `decode` is the expensive step and belongs off the loop.
"""

import io
import struct
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from PIL import Image, UnidentifiedImageError

from switchyard_image_server.errors import InvalidValue, TooLarge, brief

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
MAX_PIXELS = 64_000_000
MAX_PIXELS_PER_REQUEST = 128_000_000
MAX_ASPECT = 200

_ORIENTATION = 0x0112
_ON_ITS_SIDE = 5
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# What Pillow's readers raise at files that are damaged in their own ways.
_DECODING_FAULTS = (
    *(OSError, ValueError, SyntaxError, MemoryError, EOFError, LookupError, ArithmeticError, struct.error),
)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that was sent, not decoded yet. `param` names the field it came in."""

    image: Image.Image
    param: str

    @property
    def pixels(self) -> int:
        width, height = self.image.size
        return int(width * height)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, upright."""
        width, height = self.image.size
        return (height, width) if _orientation(self.image) >= _ON_ITS_SIDE else (width, height)

    def decode(self) -> Image.Image:
        """The pixels, upright, as RGB."""
        try:
            with _quiet():
                return _flattened(_upright(self.image))
        except _DECODING_FAULTS as error:
            raise InvalidValue(f"cannot decode the image: {brief(error)}", param=self.param) from None

    def decode_with_alpha(self) -> Image.Image:
        """The pixels, upright, as RGBA: for models that read transparency, and for masks."""
        try:
            upright = _upright(self.image)
            return upright.convert("RGBA") if upright.has_transparency_data else _opaque(upright)
        except _DECODING_FAULTS as error:
            raise InvalidValue(f"cannot decode the image: {brief(error)}", param=self.param) from None


def _opaque(image: Image.Image) -> Image.Image:
    return _flattened(image).convert("RGBA")


@contextmanager
def _quiet() -> Iterator[None]:
    """Pillow warns of what it reads around, and of sizes for which ours is the stricter limit."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\b")
        yield


def _upright(image: Image.Image) -> Image.Image:
    turn = _TURNS.get(_orientation(image))
    return image if turn is None else image.transpose(turn)


def _orientation(image: Image.Image) -> int:
    """As the header has it. Pillow's PNG reader would decode the picture to look behind it, too; that of TIFF
    has turned it already.
    """
    if image.format == "TIFF":
        return 1
    try:
        return int(Image.Image.getexif(image).get(_ORIENTATION, 1))
    except (OSError, ValueError, SyntaxError, TypeError, KeyError, struct.error):
        return 1


def _flattened(image: Image.Image) -> Image.Image:
    """Transparent parts become white, as a viewer would show them."""
    if image.mode in {"I;16", "I;16B", "I;16L", "I"}:  # Pillow clips these to 8 bits instead of scaling
        image = image.point(lambda value: value / 257, "F").convert("L")
    if not image.has_transparency_data:
        return image.convert("RGB")
    layered = image.convert("RGBA")
    page = Image.new("RGBA", layered.size, "white")
    return Image.alpha_composite(page, layered).convert("RGB")


def open_picture(content: bytes, param: str) -> Picture:
    """Read the header, and refuse what would be too large to decode."""
    try:
        with _quiet():
            image = Image.open(io.BytesIO(content), formats=FORMATS)
    except Image.DecompressionBombError:
        raise _too_many_pixels(param) from None
    except (UnidentifiedImageError, *_DECODING_FAULTS):
        known = ", ".join(FORMATS)
        raise InvalidValue(
            f"cannot read the image: it is none of {known}, or is damaged", param=param
        ) from None
    picture = Picture(image, param)
    _check_shape(picture)
    return picture


def _check_shape(picture: Picture) -> None:
    width, height = picture.image.size
    if picture.pixels > MAX_PIXELS:
        raise _too_many_pixels(picture.param)
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise InvalidValue(
            f"cannot use an image of {width}x{height}: one side is over {MAX_ASPECT} times the other",
            param=picture.param,
        )


def _too_many_pixels(param: str) -> TooLarge:
    return TooLarge(
        f"cannot use the image: it has over {MAX_PIXELS // 1_000_000} megapixels; send a smaller one",
        param=param,
    )


class Sized(Protocol):
    """Something that takes memory once it is decoded."""

    @property
    def pixels(self) -> int: ...

    @property
    def param(self) -> str: ...


def check_together(given: Sequence[Sized]) -> None:
    """All pictures and videos of one request are held in memory at once."""
    if sum(item.pixels for item in given) > MAX_PIXELS_PER_REQUEST:
        raise TooLarge(
            f"cannot use {len(given)} images of together over {MAX_PIXELS_PER_REQUEST // 1_000_000} "
            "megapixels; send fewer or smaller ones",
            param=given[-1].param,
        )
