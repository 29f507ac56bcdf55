"""Which way up a film is to be shown, read from boxes that may be broken."""

import random
import struct

import pytest

from switchyard_image_server.media.boxes import quarter_turns

ONE = 0x10000


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, kind) + content


def film(row: tuple[int, int], handler: bytes = b"vide", version: int = 0, before: bytes = b"") -> bytes:
    head = bytes([version]) + bytes(51 if version else 39)
    header = box(b"tkhd", head + struct.pack(">2i", *row) + bytes(28))
    track = box(b"trak", header + box(b"mdia", box(b"hdlr", bytes(8) + handler + bytes(12))))
    return box(b"ftyp", b"isom") + box(b"moov", before + track)


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize(
    ("row", "turns"), [((ONE, 0), 0), ((0, ONE), 1), ((-ONE, 0), 2), ((0, -ONE), 3), ((5, 7), 0)]
)
def test_reads_quarter_turns_clockwise(row: tuple[int, int], turns: int, version: int) -> None:
    assert quarter_turns(film(row, version=version)) == turns


def test_looks_at_the_picture_not_at_the_sound() -> None:
    sound = film((0, -ONE), handler=b"soun")[12 + 8 :]

    assert quarter_turns(film((0, ONE), before=sound)) == 1


def test_a_broken_file_is_not_turned_and_ends() -> None:
    whole = film((0, ONE))
    chance = random.Random("boxes")

    for cut in range(len(whole)):
        assert quarter_turns(whole[:cut]) in {0, 1}
    for _ in range(2000):
        broken = bytearray(whole)
        broken[chance.randrange(len(whole))] = chance.randrange(256)
        assert quarter_turns(bytes(broken)) in range(4)


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 1_000_000, b"RIFF" * 100, struct.pack(">I4sQ", 1, b"moov", 0)]
)
def test_what_is_no_film_is_not_turned(content: bytes) -> None:
    assert quarter_turns(content) == 0
