"""Pictures behind addresses: for a while, and only so much of them."""

import pytest

from switchyard_image_server.errors import TooLarge, UnknownFile
from switchyard_image_server.files import MIB, File, Files
from switchyard_image_server.settings import ResultSettings


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def picture(mib: float = 0.5) -> File:
    return File(b"x" * int(mib * MIB), "image/png")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def files(clock: Clock) -> Files:
    return Files(ResultSettings(keep_s=60.0, max_mib=1), clock)


@pytest.mark.parametrize(
    ("media_type", "ending"), [("image/png", ".png"), ("image/jpeg", ".jpg"), ("image/webp", ".webp")]
)
def test_a_name_has_the_ending_of_its_type(files: Files, media_type: str, ending: str) -> None:
    file = File(b"a picture", media_type)

    name = files.put(file)

    assert name.endswith(ending)
    assert files.get(name) == file


def test_names_cannot_be_guessed_from_one_another(files: Files) -> None:
    names = {files.put(File(b"the same", "image/png")) for _ in range(100)}

    assert len(names) == 100
    assert all(len(name) >= 36 for name in names)


def test_a_file_is_kept_for_its_time_and_no_longer(files: Files, clock: Clock) -> None:
    name = files.put(picture())

    clock.now += 59.9
    assert files.get(name)
    assert files.left_s(name) == pytest.approx(0.1)

    clock.now += 0.1
    with pytest.raises(UnknownFile, match="kept for 60 s"):
        files.get(name)


def test_the_oldest_make_room(files: Files) -> None:
    first, second, third = (files.put(picture(0.5)) for _ in range(3))

    with pytest.raises(UnknownFile):
        files.get(first)
    assert files.get(second)
    assert files.get(third)


def test_what_has_expired_takes_no_room(files: Files, clock: Clock) -> None:
    files.put(picture(0.9))
    clock.now += 60
    small = [files.put(picture(0.1)) for _ in range(9)]

    assert all(files.get(name) for name in small)


def test_a_file_larger_than_the_store_is_refused_and_costs_nobody_a_place(files: Files) -> None:
    name = files.put(picture())

    with pytest.raises(TooLarge, match=r"1048577 bytes .* 1048576 bytes") as refused:
        files.put(File(b"x" * (MIB + 1), "image/png"))

    assert refused.value.param == "response_format"
    assert files.get(name)


def test_one_that_fills_the_store_is_kept(files: Files) -> None:
    files.put(picture(0.5))

    assert files.get(files.put(picture(1.0)))


def test_an_unknown_name_is_told_briefly(files: Files) -> None:
    with pytest.raises(UnknownFile) as refused:
        files.get("x" * 10_000)

    assert len(refused.value.message) < 300


def test_pictures_of_one_answer_do_not_push_each_other_out(files: Files) -> None:
    older = files.put(picture(0.5))
    first = files.put(picture(0.5))
    second = files.put(picture(0.5), beside={first})

    with pytest.raises(TooLarge, match="together they are over the 1048576 bytes") as refused:
        files.put(picture(0.1), beside={first, second})

    assert refused.value.param == "response_format"
    assert files.get(first)
    with pytest.raises(UnknownFile):
        files.get(older)
