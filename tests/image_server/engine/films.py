"""Small real videos. Each frame is of one grey, so that a test can tell which frame it is looking at."""

import io
from fractions import Fraction
from typing import Any

import av
import numpy as np

STEP = 3  # of grey, from a frame to the next


def film(
    kind: str = "mp4",
    codec: str = "mpeg4",
    *,
    frames: int = 30,
    rate: Fraction | int = 10,
    size: tuple[int, int] = (64, 48),
    corner: bool = False,
    options: dict[str, str] | None = None,
) -> bytes:
    """`corner`: a white one, at the top left, to see which way up the frames are."""
    out = io.BytesIO()
    with av.open(out, "w", format=kind) as container:
        stream: Any = container.add_stream(
            codec, rate=Fraction(rate), options=options or {"g": "5", "qscale": "2"}
        )
        stream.width, stream.height = size
        stream.pix_fmt = "rgb8" if codec == "gif" else "yuv420p"
        for number in range(frames):
            pixels = np.full((size[1], size[0], 3), grey(number), dtype=np.uint8)
            if corner:
                pixels[: size[1] // 2, : size[0] // 2] = 255
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return out.getvalue()


def grey(number: int) -> int:
    return (20 + number * STEP) % 200


def sound() -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream: Any = container.add_stream("aac", rate=16_000)
        silence = av.AudioFrame.from_ndarray(
            np.zeros((1, 1024), dtype=np.float32), format="fltp", layout="mono"
        )
        silence.sample_rate = 16_000
        container.mux(stream.encode(silence))
        container.mux(stream.encode())
    return out.getvalue()


def turned(content: bytes, quarters: int) -> bytes:
    """The same MP4, to be shown turned clockwise."""
    one = 0x10000
    rows = [(one, 0, 0, one), (0, one, -one, 0), (-one, 0, 0, -one), (0, -one, one, 0)]
    a, b, c, d = rows[quarters]
    at = content.index(b"tkhd") + 4 + 40
    matrix = np.array([a, b, 0, c, d, 0, 0, 0, 0x40000000], dtype=">i4").tobytes()
    return content[:at] + matrix + content[at + 36 :]
