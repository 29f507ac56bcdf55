"""Encode a drawn picture the way the client asked. CPU work of tens of milliseconds: keep it off the loop."""

import base64
import io
from dataclasses import dataclass

from PIL import Image

from switchyard_image_server.images.png import png
from switchyard_image_server.images.request import Background, OutputFormat

USUAL_QUALITY = 95


@dataclass(frozen=True, slots=True)
class Encoded:
    """A picture as the client gets it. `transparent`: there is something to look through."""

    content: bytes
    media_type: str
    size: str
    transparent: bool

    @property
    def base64(self) -> str:
        return base64.b64encode(self.content).decode("ascii")


def encode(
    image: Image.Image,
    output: OutputFormat,
    background: Background = Background.AUTO,
    compression: int | None = None,
) -> Encoded:
    """`compression` is OpenAI's: 100 is the best quality; PNG has no quality to give up."""
    if output is OutputFormat.JPEG or background is Background.OPAQUE:
        image = _opaque(image)
    if output is OutputFormat.PNG:
        content = png(image)
    else:
        stream = io.BytesIO()
        image.save(stream, output.name, quality=USUAL_QUALITY if compression is None else compression)
        content = stream.getvalue()
    size = f"{image.width}x{image.height}"
    return Encoded(content, f"image/{output}", size, _is_transparent(image))


def _is_transparent(image: Image.Image) -> bool:
    return image.mode == "RGBA" and bool(image.getchannel("A").getextrema()[0] < 255)


def _opaque(image: Image.Image) -> Image.Image:
    """What can be seen through shows a white page, as a viewer would."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    page = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(page, image).convert("RGB")
