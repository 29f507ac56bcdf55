"""Files as clients send them: real pictures, and videos of which only the tables are real."""

import base64
import io
import struct
from typing import Any

from PIL import Image

from switchyard_proxy.budget.content import Content, data_url

ORIENTATION = 0x0112


def picture(
    kind: str, size: tuple[int, int], *, turn: int | None = None, mode: str = "RGB", **options: Any
) -> bytes:
    image = Image.new(mode, size)
    if turn is not None:
        exif = Image.Exif()
        exif[0x010E] = "a description, so that the directory has more than one entry"
        exif[ORIENTATION] = turn
        options["exif"] = exif
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def encoded(content: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def behind(content: bytes) -> Content:
    return data_url(encoded(content))


def box(kind: bytes, *content: bytes) -> bytes:
    inner = b"".join(content)
    return struct.pack(">I4s", 8 + len(inner), kind) + inner


UPRIGHT = (0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
TURNED = (0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000)


def mp4(
    size: tuple[int, int] = (640, 360),
    frames: int = 300,
    scale: int = 30_000,
    step: int = 1_000,
    *,
    matrix: tuple[int, ...] = UPRIGHT,
    version: int = 0,
    stts: bytes | None = None,
    first: bytes = b"",
    last: bytes = b"",
) -> bytes:
    """Frames in a steady step. `first` and `last` are boxes around the movie's own."""
    ticks = frames * step
    flags = bytes([version, 0, 0, 0])
    if version:
        head = flags + struct.pack(">QQIQ", 0, 0, scale, ticks) + bytes(4)
        track = flags + struct.pack(">QQIIQ", 0, 0, 1, 0, ticks)
    else:
        head = flags + struct.pack(">IIII", 0, 0, scale, ticks) + bytes(4)
        track = flags + struct.pack(">IIIII", 0, 0, 1, 0, ticks)
    track += bytes(16) + struct.pack(">9i", *matrix) + struct.pack(">II", size[0] << 16, size[1] << 16)
    entry = box(b"avc1", bytes(24) + struct.pack(">HH", *size) + bytes(50))
    runs = struct.pack(">IIII", 0, 1, frames, step) if stts is None else stts
    table = box(
        b"stbl",
        box(b"stsd", struct.pack(">II", 0, 1), entry),
        box(b"stts", runs),
        box(b"stsz", struct.pack(">III", 0, 0, frames)),
    )
    video = box(
        b"trak",
        box(b"tkhd", track),
        box(b"mdia", box(b"mdhd", head), _handler(b"vide"), box(b"minf", table)),
    )
    sound = box(b"trak", box(b"mdia", _handler(b"soun")))
    return box(b"ftyp", b"isom") + first + box(b"moov", box(b"mvhd", bytes(100)), sound, video) + last


def _handler(kind: bytes) -> bytes:
    return box(b"hdlr", bytes(8) + kind + bytes(13))


def element(kind: int, *content: bytes, unknown: bool = False) -> bytes:
    """Of EBML, with its length in eight bytes, or in one that says that nobody knows it."""
    inner = b"".join(content)
    length = b"\xff" if unknown else ((1 << 56) | len(inner)).to_bytes(8)
    return kind.to_bytes((kind.bit_length() + 7) // 8) + length + inner


def number(kind: int, value: int) -> bytes:
    return element(kind, value.to_bytes(max(1, (value.bit_length() + 7) // 8)))


def webm(
    size: tuple[int, int] = (640, 360),
    length_ms: float = 10_000.0,
    every_ns: int | None = 40_000_000,
    *,
    unknown: bool = False,
) -> bytes:
    video = element(0xE0, number(0xB0, size[0]), number(0xBA, size[1]))
    rate = b"" if every_ns is None else number(0x23E383, every_ns)
    return element(0x1A45DFA3, element(0x4282, b"webm")) + element(
        0x18538067,
        element(0x1549A966, number(0x2AD7B1, 1_000_000), element(0x4489, struct.pack(">d", length_ms))),
        element(0x1654AE6B, element(0xAE, number(0x83, 2)), element(0xAE, number(0x83, 1), rate, video)),
        element(0x1F43B675, bytes(100)),
        unknown=unknown,
    )
