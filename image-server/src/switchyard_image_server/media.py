"""Pictures as requests carry them: data URLs in, decoded pictures out. Guards come before decoding.

No address is ever fetched and no file of this machine is ever read here: a picture comes with the request or
not at all. Opening a picture reads its header only; `decode` is the expensive step and belongs off the loop.
"""

import base64
import binascii
import io
import re
import warnings
from dataclasses import dataclass

from PIL import Image, ImageOps, UnidentifiedImageError

from switchyard_image_server.errors import InvalidValue, TooLarge, Unsupported

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
MAX_PIXELS = 64_000_000
MAX_PIXELS_PER_REQUEST = 128_000_000
MAX_ASPECT = 200

_DATA_URL = re.compile(r"data:(?P<type>[\w.+-]+/[\w.+-]+)?(?:;[\w.+-]+=[^;,]*)*(?P<base64>;base64)?,", re.ASCII)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that was sent, not decoded yet. `param` names the field it came in."""

    image: Image.Image
    param: str

    @property
    def pixels(self) -> int:
        width, height = self.image.size
        return int(width * height)

    def decode(self) -> Image.Image:
        """The pixels, upright, as RGB."""
        try:
            upright = ImageOps.exif_transpose(self.image)
            return _flattened(upright)
        except (OSError, ValueError, SyntaxError, MemoryError) as error:
            raise InvalidValue(f"cannot decode the image: {error}", param=self.param) from None


def _flattened(image: Image.Image) -> Image.Image:
    """Transparent parts become white, as a viewer would show them."""
    if image.mode in {"I;16", "I;16B", "I;16L", "I"}:  # Pillow clips these to 8 bits instead of scaling
        image = image.point(lambda value: value / 257, "F").convert("L")
    if not image.has_transparency_data:
        return image.convert("RGB")
    layered = image.convert("RGBA")
    page = Image.new("RGBA", layered.size, "white")
    return Image.alpha_composite(page, layered).convert("RGB")


def read_data_url(url: str, param: str) -> bytes:
    """The bytes of a base64 data URL. Every other kind of address is refused."""
    head = _DATA_URL.match(url[:1000])
    if head is None:
        kind = url.split(":", 1)[0].lower() if ":" in url[:32] else "text"
        raise Unsupported(
            f"cannot read an image from this {kind} address: images are taken as data URLs only "
            "(data:image/png;base64,…); nothing is fetched from the network or from disk",
            param=param,
        )
    if not head["base64"]:
        raise InvalidValue("cannot read the data URL: it is not base64 (data:image/png;base64,…)", param=param)
    try:
        return base64.b64decode(url[head.end() :], validate=True)
    except (binascii.Error, ValueError):
        raise InvalidValue("cannot read the data URL: its base64 is broken", param=param) from None


def open_picture(content: bytes, param: str) -> Picture:
    """Read the header, and refuse what would be too large to decode."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # ours is the stricter limit
            image = Image.open(io.BytesIO(content), formats=FORMATS)
    except Image.DecompressionBombError:
        raise _too_many_pixels(param) from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
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


def check_together(pictures: list[Picture]) -> None:
    """All pictures of one request are held in memory at once."""
    if sum(picture.pixels for picture in pictures) > MAX_PIXELS_PER_REQUEST:
        raise TooLarge(
            f"cannot use {len(pictures)} images of together over {MAX_PIXELS_PER_REQUEST // 1_000_000} "
            "megapixels; send fewer or smaller ones",
            param=pictures[-1].param,
        )
