"""Encode a drawn picture the way the client asked. CPU work of tens of milliseconds: keep it off the loop."""

import base64
import io

from PIL import Image

from switchyard_image_server.images.request import Background, OutputFormat

USUAL_QUALITY = 95


def encode(image: Image.Image, output: OutputFormat, background: Background, compression: int | None) -> str:
    """Base64. `compression` is OpenAI's: 100 is the best quality; PNG has no quality to give up."""
    if output is OutputFormat.JPEG or background is Background.OPAQUE:
        image = _opaque(image)
    stream = io.BytesIO()
    if output is OutputFormat.PNG:
        image.save(stream, "PNG")
    else:
        image.save(stream, output.name, quality=USUAL_QUALITY if compression is None else compression)
    return base64.b64encode(stream.getbuffer()).decode("ascii")


def _opaque(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image.convert("RGB")
    page = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(page, image).convert("RGB")
