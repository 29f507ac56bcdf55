"""Videos of every kind that people send: what is known before decoding, what is seen, what is refused."""

import dataclasses
import io
import random
from pathlib import Path
from typing import Any

import av
import pytest

from switchyard_image_server.errors import InvalidValue, Refused, TooLarge
from switchyard_image_server.media import videos
from switchyard_image_server.media.videos import Sampling, Video, open_video, sampled
from tests.image_server.conftest import png
from tests.image_server.engine.films import film, grey, sound, turned

KINDS = [
    ("mp4", "mpeg4"),
    ("mp4", "libx264"),
    ("mov", "mpeg4"),
    ("webm", "libvpx"),
    ("webm", "libvpx-vp9"),
    ("matroska", "mpeg4"),
    ("avi", "mpeg4"),
    ("mpegts", "mpeg2video"),
    ("gif", "gif"),
]


def opened(content: bytes, fps: float = 2.0, most: int = 64) -> Video:
    return open_video(content, "the.field", Sampling(fps, most))


def greys(video: Video) -> list[int]:
    return [round(float(frame.mean())) for frame in video.frames()]


@pytest.mark.parametrize(("kind", "codec"), KINDS)
def test_knows_a_video_before_decoding_and_sees_the_frames_that_it_chose(kind: str, codec: str) -> None:
    rate = 25 if kind == "mpegts" else 10
    video = opened(film(kind, codec, frames=31, rate=rate), fps=4)

    assert (video.width, video.height) == (64, 48)
    assert video.total == pytest.approx(31, abs=1)
    assert video.fps == pytest.approx(rate, rel=0.05)
    seen = greys(video)
    assert len(seen) == len(video.indices)
    wanted = [grey(min(index, 30)) for index in video.indices]
    assert seen == [pytest.approx(level, abs=20 if codec == "gif" else 5) for level in wanted]


def test_frames_are_spread_evenly_from_the_first_to_the_last() -> None:
    assert sampled(301, 30.0, Sampling(2.0, 5)) == (0, 75, 150, 225, 300)
    assert sampled(300, 30.0, Sampling(2.0, 64))[:2] == (0, 16)
    assert len(sampled(300, 30.0, Sampling(2.0, 64))) == 20


@pytest.mark.parametrize(
    ("total", "frames"), [(1, 2), (2, 2), (3, 3), (4, 4), (20, 4), (150, 10), (100_000, 64)]
)
def test_a_short_clip_is_seen_whole_and_a_long_one_in_part(total: int, frames: int) -> None:
    indices = sampled(total, 30.0, Sampling())

    assert len(indices) == frames
    assert all(0 <= index < total for index in indices)


def test_a_single_frame_is_looked_at_twice() -> None:
    video = opened(film(frames=1))

    assert video.indices == (0, 0)
    assert greys(video) == [pytest.approx(grey(0), abs=5)] * 2


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_a_film_taken_on_its_side_is_turned_upright(quarters: int) -> None:
    video = opened(turned(film(corner=True), quarters))

    first = next(video.frames())

    assert (video.width, video.height) == ((48, 64) if quarters % 2 else (64, 48))
    assert first.shape == (video.height, video.width, 3)
    corners = [first[4, 4], first[4, -4], first[-4, -4], first[-4, 4]]  # clockwise from the top left
    assert [bool(corner.mean() > 200) for corner in corners].index(True) == quarters
    with av.open(io.BytesIO(video.content)) as container:
        shown = next(container.decode(video=0)).rotation
    assert shown % 360 == (-90 * quarters) % 360


def test_a_long_film_is_skipped_through_and_the_frames_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    content = film("mp4", "libx264", frames=400, rate=10, options={"g": "50", "bf": "2"})
    video = opened(content, most=5)
    monkeypatch.setattr(videos, "SEEK_AHEAD_S", 1e9)
    walked = greys(video)
    monkeypatch.undo()
    steps: list[None] = []

    skipped = [round(float(frame.mean())) for frame in video.frames(lambda: steps.append(None))]

    assert skipped == walked
    assert len(steps) < 300


@pytest.mark.parametrize(("kind", "codec"), [("gif", "gif"), ("mpegts", "mpeg2video"), ("avi", "mpeg4")])
def test_a_film_that_cannot_be_skipped_through_is_walked(kind: str, codec: str) -> None:
    video = opened(film(kind, codec, frames=300, rate=25, size=(32, 32)), most=4)

    seen = greys(video)

    wanted = [grey(index) for index in video.indices]
    assert seen == [pytest.approx(level, abs=20 if kind == "gif" else 6) for level in wanted]


def test_a_film_whose_index_leads_elsewhere_is_walked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(videos, "_INDEXED", ("mpegts",))  # it guesses
    video = opened(film("mpegts", "mpeg2video", frames=300, rate=25, size=(32, 32)), most=4)

    seen = greys(video)

    assert seen == [pytest.approx(grey(index), abs=6) for index in video.indices]


def test_a_film_that_promised_more_repeats_its_last_frame() -> None:
    video = dataclasses.replace(opened(film(frames=10)), total=100, indices=(0, 9, 50, 99))

    seen = greys(video)

    assert seen == [pytest.approx(level, abs=5) for level in (grey(0), grey(9), grey(9), grey(9))]


def test_a_film_that_breaks_off_keeps_its_promise() -> None:
    whole = film("matroska", "mpeg4", frames=60, size=(160, 120))
    video = opened(whole[: len(whole) * 2 // 3])

    assert len(greys(video)) == len(video.indices)


def test_damaged_packets_are_passed_over() -> None:
    content = bytearray(film("avi", "mpeg4", frames=60))
    chance = random.Random("damage")
    for _ in range(60):
        content[chance.randrange(len(content) // 4, len(content) * 3 // 4)] ^= 0xFF
    video = opened(bytes(content))

    assert len(greys(video)) == len(video.indices)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a film",
        png(),
        bytes(10_000),
        film()[:100],
        b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"></MPD>',
        b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nc=IN IP4 127.0.0.1\r\nm=video 9 RTP/AVP 96\r\n",
    ],
)
def test_refuses_what_is_no_video(content: bytes) -> None:
    with pytest.raises(InvalidValue, match="cannot read the video") as refused:
        opened(content)

    assert refused.value.param == "the.field"


def test_a_playlist_opens_no_file_of_this_machine(tmp_path: Path) -> None:
    """FFmpeg would take it for a list of films, and read each."""
    (tmp_path / "a.ts").write_bytes(film("mpegts", "mpeg2video", rate=25))
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n{tmp_path}/a.ts\n#EXT-X-ENDLIST\n"
    concat = f"ffconcat version 1.0\nfile '{tmp_path}/a.ts'\n"

    for content in (playlist, concat):
        with pytest.raises(InvalidValue, match="cannot read the video"):
            opened(content.encode())


def test_refuses_sound_without_pictures() -> None:
    with pytest.raises(InvalidValue, match="there are no pictures in it"):
        opened(sound())


def test_refuses_frames_that_are_too_large_undecoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(videos, "MAX_FRAME_PIXELS", 3000)

    with pytest.raises(TooLarge, match="64x48"):
        opened(film())


@pytest.mark.parametrize(("kind", "codec"), KINDS)
def test_not_even_one_frame_that_is_too_large_is_decoded(
    kind: str, codec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some containers say nothing of the size: FFmpeg would decode a frame to learn it."""
    content = film(kind, codec, rate=25)
    video = opened(content)
    monkeypatch.setattr(videos, "MAX_FRAME_PIXELS", 1000)

    with pytest.raises(Refused):
        opened(content)
    with pytest.raises(InvalidValue, match="cannot decode the video"):
        list(video.frames())


def test_refuses_a_line() -> None:
    with pytest.raises(InvalidValue, match="over 200 times the other"):
        opened(film("matroska", "ffv1", size=(1000, 4), frames=2))


def test_a_film_that_takes_too_long_is_given_up() -> None:
    clock = iter(float(at) for at in range(0, 10_000, 10))

    with pytest.raises(InvalidValue, match="takes over 30 s"):
        list(opened(film()).frames(clock=lambda: next(clock)))


def test_whoever_asked_may_leave_while_frames_are_decoded() -> None:
    class LeftError(Exception):
        pass

    def left() -> None:
        raise LeftError

    with pytest.raises(LeftError):
        list(opened(film()).frames(left))


@pytest.mark.parametrize("seed", range(40))
def test_a_broken_film_is_refused_or_seen_and_never_anything_else(seed: int) -> None:
    chance = random.Random(seed)
    content = bytearray(film(*chance.choice(KINDS[:4] + KINDS[5:7]), frames=8, rate=25))
    for _ in range(chance.choice([1, 5, 40])):
        content[chance.randrange(len(content))] = chance.randrange(256)

    try:
        video = opened(bytes(content))
        seen: list[Any] = list(video.frames())
    except Refused:
        return
    assert len(seen) == len(video.indices)
