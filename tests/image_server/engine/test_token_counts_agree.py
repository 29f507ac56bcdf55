"""The proxy counts tokens without any model; here its arithmetic stands beside the real processors'.

The two are different services and share no code, so what the proxy's modules need is put on the path here.
"""

import base64
import importlib
import io
import random
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from switchyard_contracts.serving import Vision

PROXY = Path(__file__).parents[3] / "proxy" / "src"


@pytest.fixture(scope="module")
def counting() -> Any:
    return _of_the_proxy("counting")


@pytest.fixture(scope="module")
def videos() -> Any:
    return _of_the_proxy("videos")


def _of_the_proxy(name: str) -> Any:
    sys.path.append(str(PROXY))
    try:
        return importlib.import_module(f"switchyard_proxy.budget.{name}")
    finally:
        sys.path.remove(str(PROXY))


TINY = Vision(
    patch=14,
    image_min_pixels=3136,
    image_max_pixels=100_352,
    video_min_pixels=131_072,
    video_max_pixels=786_432,
)
LIMITS = [Vision(), TINY, Vision(merge=1, image_min_pixels=1, image_max_pixels=2_000)]


def sizes(seed: str, largest: int, number: int = 200) -> list[tuple[int, int]]:
    chance = random.Random(seed)
    return [(chance.randint(1, largest), chance.randint(1, largest)) for _ in range(number)]


def outcome(counted: Any, *arguments: Any) -> Any:
    """What it says; or that it refuses."""
    try:
        return counted(*arguments)
    except ValueError:
        return "refused"


@pytest.mark.parametrize("vision", LIMITS)
@pytest.mark.parametrize("largest", [300, 3000, 12_000])
def test_pictures_cost_what_the_real_processor_makes_of_them(
    counting: Any, vision: Vision, largest: int
) -> None:
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

    square = vision.patch * vision.merge

    def real(width: int, height: int) -> int:
        tall, wide = smart_resize(height, width, square, vision.image_min_pixels, vision.image_max_pixels)
        return int(tall // square) * (wide // square)

    for size in sizes(f"pictures {largest}", largest):
        assert outcome(counting.image_tokens, *size, vision) == outcome(real, *size), size


@pytest.mark.parametrize("cap", [False, True])
@pytest.mark.parametrize("vision", LIMITS)
def test_videos_cost_what_the_real_processor_makes_of_them(counting: Any, vision: Vision, cap: bool) -> None:
    from transformers.models.qwen3_vl.video_processing_qwen3_vl import smart_resize

    vision = vision.model_copy(update={"cap_pixels_per_frame": cap})
    square = vision.patch * vision.merge
    chance = random.Random(cap)

    def real(frames: int, width: int, height: int) -> tuple[int, int]:
        most = vision.video_max_pixels
        if cap:
            share = min(vision.max_video_tokens * square * square, most // frames)
            most = max(share, int(vision.video_min_pixels * 1.05)) * frames
        tall, wide = smart_resize(
            frames, height, width, vision.temporal_patch, square, vision.video_min_pixels, most
        )
        return -(-frames // vision.temporal_patch), (tall // square) * (wide // square)

    for size in sizes(f"videos {cap}", 2600):
        frames = chance.randint(2, 800)
        assert outcome(counting.video_tokens, frames, *size, vision) == outcome(real, frames, *size), (
            frames,
            size,
        )


def test_the_whole_video_processor_agrees(counting: Any) -> None:
    """Not its arithmetic alone: frames go in, and the grid that comes out is counted."""
    import torch
    from transformers.models.qwen3_vl.video_processing_qwen3_vl import Qwen3VLVideoProcessor

    chance = random.Random("grid")
    for cap in (False, True):
        vision = Vision(video_max_pixels=300_000, cap_pixels_per_frame=cap, max_video_tokens=20)
        processor = Qwen3VLVideoProcessor(
            size={"shortest_edge": vision.video_min_pixels, "longest_edge": vision.video_max_pixels},
            cap_pixels_per_frame=cap,
            max_video_tokens=vision.max_video_tokens,
        )
        for _ in range(6):
            frames, width, height = chance.randint(2, 9), chance.randint(20, 200), chance.randint(20, 200)
            clip = torch.zeros(frames, 3, height, width, dtype=torch.uint8)

            made = processor(videos=[clip], do_sample_frames=False, return_tensors="pt")

            groups, rows, columns = made["video_grid_thw"][0].tolist()
            assert counting.video_tokens(frames, width, height, vision) == (groups, rows * columns // 4)


def test_as_many_frames_are_sampled_as_the_real_processor_samples(counting: Any) -> None:
    from transformers.models.qwen3_vl.video_processing_qwen3_vl import Qwen3VLVideoProcessor
    from transformers.video_utils import VideoMetadata

    processor = Qwen3VLVideoProcessor()
    chance = random.Random("frames")
    for fps in (8.0, 23.976, 25.0, 29.97, 30.0, 60.0, 119.88):
        for _ in range(30):
            total = chance.randint(1, 40_000)
            real = processor.sample_frames(VideoMetadata(total_num_frames=total, fps=fps), fps=2.0)
            assert counting.sampled_frames(total, fps, Vision()) == len(real), (total, fps)


@pytest.mark.parametrize(
    ("kind", "codec", "rate", "frames", "size"),
    [
        ("mp4", "mpeg4", Fraction(30), 45, (320, 240)),
        ("mp4", "mpeg4", Fraction(30_000, 1001), 31, (64, 128)),
        ("mp4", "mpeg4", Fraction(8), 1, (96, 64)),
        ("mov", "mpeg4", Fraction(24), 25, (96, 64)),
    ],
)
def test_a_films_tables_say_what_a_decoder_finds(
    videos: Any, kind: str, codec: str, rate: Fraction, frames: int, size: tuple[int, int]
) -> None:
    content = film(kind, codec, rate, frames, size)

    found = videos.video_facts(behind(content))

    with av.open(io.BytesIO(content)) as container:
        stream = container.streams.video[0]
        assert stream.average_rate is not None
        assert (found.frames, found.width, found.height) == (stream.frames, *size)
        assert found.fps == pytest.approx(float(stream.average_rate), rel=1e-6)
    assert found.exact


def test_a_webm_is_reckoned_within_a_frame(videos: Any) -> None:
    content = film("webm", "libvpx", Fraction(25), 50, (96, 64))

    found = videos.video_facts(behind(content))

    assert (found.width, found.height, found.exact) == (96, 64, False)
    assert found.frames == pytest.approx(found.fps * 2, abs=1.5)


def film(kind: str, codec: str, rate: Fraction, frames: int, size: tuple[int, int]) -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format=kind) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for number in range(frames):
            pixels = np.full((size[1], size[0], 3), number % 255, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return out.getvalue()


def behind(content: bytes) -> Any:
    return _of_the_proxy("content").data_url(f"data:video/mp4;base64,{base64.b64encode(content).decode()}")
