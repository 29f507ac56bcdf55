"""Everything in the corpus, over real HTTP to real models: refused by name or answered, never a fault."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.image_server import hostile
from tests.image_server.engine.films import film, sound
from tests.image_server.engine.tiny_language import write
from tests.image_server.hostile import BadFile, Hostile

FEWEST_CASES = 60


@pytest.fixture(scope="module")
def seer(tmp_path_factory: pytest.TempPathFactory, load_from: Callable[..., Any]) -> Any:
    return load_from(write(tmp_path_factory.mktemp("seer"), "qwen3_vl"))


def bad_videos() -> Iterator[BadFile]:
    whole = film(frames=12)
    yield BadFile("that breaks off in its tables", film()[:200])
    yield BadFile("that breaks off in its pictures", film("matroska", frames=60)[:-600], None)
    yield BadFile("of one frame", film(frames=1), None)
    yield BadFile("of sound alone", sound())
    yield BadFile("as narrow as a line", film("matroska", "ffv1", size=(1000, 4), frames=2))
    yield BadFile("that claims two thousand million frames", _claims(whole, b"stsz", 8, 2**31 - 1))
    yield BadFile("that claims a frame as large as a field", _claims(whole, b"stsz", 4, 2**31 - 1))
    yield BadFile("whose frames are elsewhere", _claims(whole, b"stco", 8, 2**31 - 1))
    yield BadFile("that is no longer than nothing", _claims(whole, b"mdhd", 16, 0), None)
    yield BadFile("without a rate", _claims(whole, b"mdhd", 12, 0), None)
    yield BadFile("of a codec that nobody knows", whole.replace(b"mp4v", b"zzzz"), None)
    yield BadFile("of 300 frames", film("webm", "libvpx", frames=300, size=(16, 16)), None)


def _claims(content: bytes, box: bytes, offset: int, value: int) -> bytes:
    at = content.index(box) + 4 + offset
    return content[:at] + value.to_bytes(4, "big") + content[at + 4 :]


def test_the_corpus_is_large_and_no_case_is_there_twice() -> None:
    names = [case.name for case in hostile.chat_cases()]

    assert len(names) >= FEWEST_CASES
    assert len(set(names)) == len(names)


def test_a_chat_survives_everything(serve: Callable[..., Any], seer: Any) -> None:
    served = serve(lambda: seer).until_ready()
    cases = [*hostile.chat_cases(), *map(hostile.as_a_video, bad_videos())]

    rows = [row for case in cases if (row := _sent(served, hostile.CHAT, case)) is not None]

    assert rows == [], "\n".join(["", *rows])
    assert served.client.get("/health").status_code == 200


def _sent(served: Any, path: str, case: Hostile) -> str | None:
    body = {"content": case.body} if isinstance(case.body, bytes) else {"json": case.body}
    answer = served.client.post(path, headers={"content-type": "application/json"}, **body)
    return hostile.told(case, answer.status_code, answer.json())


def test_an_edit_survives_every_picture(serve: Callable[..., Any], image_model: Any) -> None:
    served = serve(lambda: image_model).until_ready()
    cases = [
        Hostile(file.name, edit | {"prompt": "x", "steps": 2, "size": "64x64"}, file.status, file.code, param)
        for file in hostile.bad_pictures()
        for edit in ({"images": [{"image_url": hostile.data_url(file.content)}]},)
        for param in (None if file.code is None else "images[0]",)
    ]

    rows = [row for case in cases if (row := _sent(served, hostile.EDIT, case)) is not None]

    assert rows == [], "\n".join(["", *rows])
    assert served.client.get("/health").status_code == 200
