"""Files are read in order, and how far is told: by component, files and bytes."""

from pathlib import Path

from switchyard_image_server.memory.readahead import PIECE, TOLD_EVERY, Reading
from switchyard_image_server.memory.sizes import Weights
from switchyard_image_server.progress import Progress

ROOM = 2**40


def part(folder: Path, name: str, *sizes: int) -> Weights:
    files = []
    for number, size in enumerate(sizes):
        files.append(folder / f"{name}-{number}")
        with files[-1].open("wb") as content:
            content.truncate(size)
    return Weights(name, "", "", tuple(files), sum(sizes))


def test_tells_each_component_each_file_and_all_bytes(tmp_path: Path) -> None:
    told: list[Progress] = []
    encoder, vae = part(tmp_path, "text_encoder", 10, 20), part(tmp_path, "vae", 5)
    reading = Reading([encoder, vae], told.append)

    for one in (encoder, vae):
        reading.begin(one.name)
        for file in one.files:
            reading.read(file, room=ROOM)

    assert told == [
        Progress("text_encoder", 0, 3, 0, 35),
        Progress("text_encoder", 1, 3, 10, 35),
        Progress("text_encoder", 2, 3, 30, 35),
        Progress("vae", 2, 3, 30, 35),
        Progress("vae", 3, 3, 35, 35),
    ]


def test_a_large_file_is_told_as_it_is_read(tmp_path: Path) -> None:
    told: list[Progress] = []
    model = part(tmp_path, "model", TOLD_EVERY + 3 * PIECE + 1)
    reading = Reading([model], told.append)

    reading.read(model.files[0], room=ROOM)

    assert [one.bytes_done for one in told] == [TOLD_EVERY, model.bytes]
    assert [one.files_done for one in told] == [0, 1]


def test_what_the_page_cache_cannot_hold_is_counted_but_not_read(tmp_path: Path) -> None:
    told: list[Progress] = []
    model = part(tmp_path, "model", TOLD_EVERY + PIECE)
    reading = Reading([model], told.append)

    reading.read(model.files[0], room=PIECE)

    assert [one.bytes_done for one in told] == [model.bytes]
