"""The arithmetic, against numbers that a real processor gave, and its rules one by one.

That it agrees with the processors on everything is tested where they are installed.
"""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from switchyard_contracts.serving import Vision
from switchyard_proxy.budget.counting import TooNarrow, image_tokens, sampled_frames, video_tokens

HUB = Vision()
SIDES = st.integers(1, 6000)


@pytest.mark.parametrize(
    ("size", "tokens"),
    [
        ((64, 64), 64),
        ((256, 256), 64),
        ((512, 512), 256),
        ((1024, 1024), 1024),
        ((1280, 720), 880),
        ((1920, 1080), 2040),
        ((3840, 2160), 8160),
        ((4032, 3024), 11_844),
        ((8000, 6000), 16_170),
    ],
)
def test_pictures_cost_what_the_processor_says(size: tuple[int, int], tokens: int) -> None:
    assert image_tokens(*size, HUB) == tokens


@pytest.mark.parametrize(
    ("seconds", "size", "plain", "capped"),
    [
        (10, (640, 360), 2200, 2200),
        (10, (1280, 720), 8800, 7200),
        (10, (1920, 1080), 11_960, 7200),
        (60, (1280, 720), 11_400, None),
        (600, (1280, 720), 10_752, None),
    ],
)
def test_videos_cost_what_the_processor_says(
    seconds: int, size: tuple[int, int], plain: int, capped: int | None
) -> None:
    frames = sampled_frames(seconds * 30, 30.0, HUB)
    groups, each = video_tokens(frames, *size, HUB)

    assert groups * each == plain
    if capped is not None:
        groups, each = video_tokens(frames, *size, HUB.model_copy(update={"cap_pixels_per_frame": True}))
        assert groups * each == capped


@pytest.mark.parametrize(
    ("total", "fps", "frames"),
    [(300, 30.0, 20), (10, 30.0, 4), (3, 30.0, 3), (1, 30.0, 1), (90_000, 30.0, 768), (299, 29.97, 19)],
)
def test_frames_are_sampled_at_a_rate_within_bounds(total: int, fps: float, frames: int) -> None:
    assert sampled_frames(total, fps, HUB) == frames


def test_no_side_shrinks_to_nothing() -> None:
    small = Vision(image_min_pixels=1, image_max_pixels=2000)

    assert image_tokens(6000, 40, small) == image_tokens(40, 6000, small) == 17


def test_the_cap_for_each_frame_never_goes_below_a_little_over_the_least() -> None:
    vision = Vision(video_min_pixels=131_072, cap_pixels_per_frame=True)

    assert video_tokens(768, 1100, 1000, vision) == (384, 12 * 11)


def test_an_odd_frame_makes_a_group_of_its_own() -> None:
    assert video_tokens(5, 640, 360, HUB)[0] == 3


@pytest.mark.parametrize("size", [(201, 1), (1, 201), (4020, 20)])
def test_a_picture_too_narrow_is_refused_as_the_processors_do(size: tuple[int, int]) -> None:
    with pytest.raises(TooNarrow, match="one side over 200 times the other"):
        image_tokens(*size, HUB)
    with pytest.raises(TooNarrow):
        video_tokens(4, size[0] * 32, size[1] * 32, HUB)


@given(width=SIDES, height=SIDES)
def test_a_picture_costs_the_same_on_its_side(width: int, height: int) -> None:
    if max(width, height) <= 200 * min(width, height):
        assert image_tokens(width, height, HUB) == image_tokens(height, width, HUB)
        assert image_tokens(width, height, HUB) <= HUB.image_max_pixels // 32**2
