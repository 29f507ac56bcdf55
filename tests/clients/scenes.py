"""What tests show to models that draw or see, and what OpenAI's clients are known not to know of the answer."""

import base64
import io
from typing import Any

from PIL import Image

from tests.clients.programs import Program

SMALL: dict[str, Any] = {"prompt": "a red cat", "size": "64x64"}
FEW: dict[str, Any] = {"num_inference_steps": 3, "seed": 11}
COUNTS_TWO = "I can see two images. As a demo I only count them."


def png(color: str = "red") -> str:
    return _written(Image.new("RGB", (64, 64), color))


def left_half() -> str:
    """As OpenAI has it: what is clear is to be drawn anew."""
    mask = Image.new("RGBA", (64, 64), "black")
    mask.paste((0, 0, 0, 0), (0, 0, 32, 64))
    return _written(mask)


def opened(content: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(content)))


def said(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}]}


def scene(film: bytes) -> dict[str, Any]:
    """Two pictures and a film, with words between."""
    parts = [
        _picture("red"),
        {"type": "text", "text": "and"},
        _picture("blue"),
        {"type": "video_url", "video_url": _data_url(base64.b64encode(film).decode(), "video/mp4")},
        {"type": "text", "text": "What is this?"},
    ]
    return {"messages": [{"role": "user", "content": parts}]}


def unknown_size(sdk: Program) -> set[str]:
    """Version 2 knows three sizes only, whatever a server draws."""
    return {"size: literal_error"} if sdk.name == "openai2" else set()


def _picture(color: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": _data_url(png(color), "image/png")}


def _data_url(content: str, kind: str) -> dict[str, str]:
    return {"url": f"data:{kind};base64,{content}"}


def _written(image: Image.Image) -> str:
    content = io.BytesIO()
    image.save(content, "PNG")
    return base64.b64encode(content.getvalue()).decode()
