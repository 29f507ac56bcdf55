"""The arithmetic of tokens, by the numbers that are known of the published models."""

from dataclasses import replace

import pytest

from switchyard_image_server.chat.geometry import PictureGeometry, TooNarrow, VideoGeometry, moments

PICTURES = PictureGeometry(16, 2, 65_536, 16_777_216)
VIDEOS = VideoGeometry(
    patch=16,
    merge=2,
    group=2,
    least=4_096,
    most=25_165_824,
    cap=False,
    max_tokens=768,
    timestamps=True,
    together=True,
)
CAPPED = replace(VIDEOS, cap=True)


@pytest.mark.parametrize(
    ("width", "height", "tokens"),
    [
        *((64, 64, 64), (256, 256, 64), (512, 512, 256), (1024, 1024, 1024), (1280, 720, 880)),
        *((1920, 1080, 2040), (3840, 2160, 8160), (4032, 3024, 11_844), (8000, 6000, 16_170)),
    ],
)
def test_a_picture_costs_what_it_costs_the_published_model(width: int, height: int, tokens: int) -> None:
    assert PICTURES.shape(width, height).tokens == tokens


@pytest.mark.parametrize(
    ("geometry", "frames", "width", "height", "tokens"),
    [
        *((VIDEOS, 20, 640, 360, 2200), (VIDEOS, 20, 1280, 720, 8800), (VIDEOS, 20, 1920, 1080, 11_960)),
        *((CAPPED, 20, 640, 360, 2200), (CAPPED, 20, 1280, 720, 7200), (CAPPED, 20, 1920, 1080, 7200)),
        *((VIDEOS, 120, 1280, 720, 11_400), (VIDEOS, 768, 1280, 720, 10_752)),
    ],
)
def test_a_video_costs_what_it_costs_the_published_model(
    geometry: VideoGeometry, frames: int, width: int, height: int, tokens: int
) -> None:
    assert geometry.groups(frames) * geometry.shape(frames, width, height).tokens == tokens


def test_a_share_of_the_pixels_is_a_share_of_the_tokens() -> None:
    assert PICTURES.shape(1024, 1024, 0.25).tokens == 256
    assert VIDEOS.shape(20, 1280, 720, 0.5).tokens <= VIDEOS.shape(20, 1280, 720).tokens / 2


def test_a_picture_keeps_one_token_whatever_the_share() -> None:
    assert PICTURES.shape(1024, 1024, 0.000001).tokens == 1


def test_refuses_what_is_narrower_than_any_processor_takes() -> None:
    assert PICTURES.shape(2000, 10)
    with pytest.raises(TooNarrow):
        PICTURES.shape(2001, 10)


def test_a_group_of_frames_is_halfway_between_its_first_and_last() -> None:
    assert moments((0, 10, 20, 30), 10.0, 2) == [0.5, 2.5]


def test_a_last_frame_that_is_alone_is_a_group_with_itself() -> None:
    assert moments((0, 10, 20), 10.0, 2) == [0.5, 2.0]
