"""What the tables of a video say, and no guess is passed off as knowledge."""

import struct

import hypothesis.strategies as st
import pytest
from hypothesis import given

from switchyard_proxy.budget.videos import Video, video_facts
from tests.proxy.budget.files import TURNED, behind, box, mp4, webm


@pytest.mark.parametrize("version", [0, 1])
def test_reads_size_frames_and_rate(version: int) -> None:
    assert video_facts(behind(mp4(version=version))) == Video(640, 360, 300, 30.0, exact=True)


@pytest.mark.parametrize("version", [0, 1])
def test_a_video_on_its_side_is_set_upright(version: int) -> None:
    found = video_facts(behind(mp4(matrix=TURNED, version=version)))

    assert found == Video(360, 640, 300, 30.0, exact=True)


def test_the_movie_may_stand_behind_its_frames() -> None:
    frames = box(b"mdat", bytes(100_000))
    long = struct.pack(">I4sQ", 1, b"mdat", 16 + 5000) + bytes(5000)

    assert video_facts(behind(mp4(first=frames))) == video_facts(behind(mp4(last=frames)))
    assert video_facts(behind(mp4(first=long))) == video_facts(behind(mp4()))


def test_the_frames_themselves_say_how_long_it_takes() -> None:
    uneven = struct.pack(">IIIIII", 0, 2, 100, 1_000, 200, 2_000)

    found = video_facts(behind(mp4(stts=uneven)))

    assert found is not None
    assert found.fps == pytest.approx(300 * 30_000 / 500_000)


def test_without_their_word_the_header_says_it() -> None:
    too_many = struct.pack(">II", 0, 50_001) + struct.pack(">II", 1, 2_000) * 50_001

    assert video_facts(behind(mp4(stts=too_many))) == Video(640, 360, 300, 30.0, exact=True)


@pytest.mark.parametrize(
    "content",
    [
        mp4(frames=0),
        mp4(size=(0, 0)),
        mp4(scale=0),
        mp4(step=0),
        box(b"ftyp", b"isom"),
        box(b"ftyp", b"isom") + box(b"moov"),
        webm(length_ms=0),
        webm(size=(0, 0)),
        b"\x1a\x45\xdf\xa3",
        b"RIFF\0\0\0\0AVI LIST",
        b"x",
    ],
)
def test_says_nothing_where_the_tables_do_not(content: bytes) -> None:
    assert video_facts(behind(content)) is None


@pytest.mark.parametrize("unknown", [False, True])
def test_a_webm_is_reckoned_and_said_to_be(unknown: bool) -> None:
    assert video_facts(behind(webm(unknown=unknown))) == Video(640, 360, 250, 25.0, exact=False)


def test_a_webm_without_a_rate_is_taken_for_a_usual_one() -> None:
    assert video_facts(behind(webm(every_ns=None))) == Video(640, 360, 240, 24.0, exact=False)


@given(whole=st.sampled_from([mp4(), webm(), mp4(version=1, matrix=TURNED)]), data=st.data())
def test_whatever_the_tables_hold_is_no_fault_of_ours(whole: bytes, data: st.DataObject) -> None:
    content = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))

    video_facts(behind(bytes(content[: data.draw(st.integers(1, len(content)))])))
