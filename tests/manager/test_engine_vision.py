"""What the files beside a vision model's weights say of its eyes, and what holds where they say nothing."""

import json
from pathlib import Path
from typing import Any

import pytest

from switchyard_contracts.catalog import Model
from switchyard_contracts.serving import Vision
from switchyard_manager.engines.vision import as_served, family_of, read_vision
from tests.manager.conftest import catalog_of

HUB_QWEN3 = {
    "size": {"longest_edge": 16_777_216, "shortest_edge": 65_536},
    "patch_size": 16,
    "temporal_patch_size": 2,
    "merge_size": 2,
}
HUB_QWEN3_VIDEO = HUB_QWEN3 | {"size": {"longest_edge": 25_165_824, "shortest_edge": 4_096}}
HUB_QWEN2 = {"min_pixels": 3_136, "max_pixels": 12_845_056, "patch_size": 14, "merge_size": 2}


def eyes(path: str = "/x", **said: Any) -> Model:
    return catalog_of(m={"type": "vision", "path": path, **said}).models["m"]


def write(folder: Path, **files: Any) -> None:
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))


def test_files_as_qwen3_has_them_on_the_hub_say_what_we_take_for_granted(tmp_path: Path) -> None:
    write(tmp_path, preprocessor_config=HUB_QWEN3, video_preprocessor_config=HUB_QWEN3_VIDEO)

    assert read_vision(eyes(), tmp_path) == Vision()


def test_files_as_qwen2_has_them_on_the_hub_say_what_we_take_for_granted_of_it(tmp_path: Path) -> None:
    write(tmp_path, config={"model_type": "qwen2_5_vl"}, preprocessor_config=HUB_QWEN2)

    found = read_vision(eyes(), tmp_path)

    assert found == family_of(eyes("/models/Qwen2.5-VL-7B-Instruct"))
    assert (found.patch, found.merge) == (14, 2)


def test_whatever_the_files_say_is_taken_from_them(tmp_path: Path) -> None:
    pictures = {"patch_size": 8, "merge_size": 4, "size": {"shortest_edge": 1, "longest_edge": 2}}
    videos = {
        "size": {"shortest_edge": 3, "longest_edge": 4},
        "temporal_patch_size": 5,
        "fps": 1,
        "min_frames": 6,
        "max_frames": 7,
        "cap_pixels_per_frame": True,
        "max_video_tokens": 8,
    }
    write(tmp_path, preprocessor_config=pictures, video_preprocessor_config=videos)

    assert read_vision(eyes(), tmp_path) == Vision(
        patch=8,
        merge=4,
        image_min_pixels=1,
        image_max_pixels=2,
        video_min_pixels=3,
        video_max_pixels=4,
        temporal_patch=5,
        fps=1.0,
        min_frames=6,
        max_frames=7,
        cap_pixels_per_frame=True,
        max_video_tokens=8,
    )


def test_how_frames_are_grouped_is_for_the_file_on_videos_to_say(tmp_path: Path) -> None:
    write(
        tmp_path,
        preprocessor_config={"temporal_patch_size": 2},
        video_preprocessor_config={"temporal_patch_size": 4},
    )

    assert read_vision(eyes(), tmp_path).temporal_patch == 4


def test_a_bound_by_itself_goes_before_the_one_under_size(tmp_path: Path) -> None:
    write(tmp_path, preprocessor_config={"min_pixels": 9, "size": {"shortest_edge": 1, "longest_edge": 99}})

    found = read_vision(eyes(), tmp_path)

    assert (found.image_min_pixels, found.image_max_pixels) == (9, 99)


def test_the_newer_single_file_is_read_too_and_the_older_ones_go_before_it(tmp_path: Path) -> None:
    both = {"image_processor": {"patch_size": 8, "merge_size": 3}, "video_processor": {"max_frames": 9}}
    write(tmp_path, processor_config=both, preprocessor_config={"patch_size": 12})

    found = read_vision(eyes(), tmp_path)

    assert (found.patch, found.merge, found.max_frames) == (12, 3, 9)


@pytest.mark.parametrize(
    "nonsense",
    [
        {"patch_size": "16", "merge_size": True, "size": 5},
        {"patch_size": 0, "merge_size": -1, "size": {"shortest_edge": None, "longest_edge": 1.5}},
        {"patch_size": 10**30, "fps": True, "max_frames": [1]},
        ["patch_size"],
        None,
    ],
)
def test_what_makes_no_sense_is_as_if_it_was_not_there(tmp_path: Path, nonsense: Any) -> None:
    write(tmp_path, preprocessor_config=nonsense, video_preprocessor_config=nonsense, config=nonsense)

    assert read_vision(eyes(), tmp_path) == Vision()


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b" " * 2_000_000 + b"{}"])
def test_a_file_that_cannot_be_read_is_as_if_it_was_not_there(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "preprocessor_config.json").write_bytes(content)

    assert read_vision(eyes(), tmp_path) == Vision()


def test_a_folder_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder" / "preprocessor_config.json").mkdir(parents=True)

    assert read_vision(eyes(), tmp_path / "none") == read_vision(eyes(), tmp_path / "folder") == Vision()


@pytest.mark.parametrize(
    ("repo", "patch"),
    [
        ("Qwen/Qwen2-VL-7B-Instruct", 14),
        ("Qwen/Qwen2.5-VL-72B-Instruct-AWQ", 14),
        ("someone/my-qwen2_5_vl", 14),
        ("Qwen/Qwen3-VL-8B-Instruct", 16),
        ("someone/else", 16),
    ],
)
def test_the_family_is_told_by_the_name_of_the_weights(repo: str, patch: int) -> None:
    assert family_of(eyes(path=None, repo=repo)).patch == patch  # type: ignore[arg-type]


def test_what_the_weights_say_they_are_goes_before_their_name(tmp_path: Path) -> None:
    write(tmp_path, config={"model_type": "qwen3_vl"})

    assert read_vision(eyes("/models/qwen2-vl"), tmp_path).patch == 16


def test_our_own_engine_takes_fewer_frames_than_a_processor_would() -> None:
    served = as_served(eyes(engine="image-server"), Vision())

    assert (served.fps, served.max_frames, served.cap_pixels_per_frame) == (2.0, 64, True)
    assert served.image_max_pixels == Vision().image_max_pixels


def test_what_its_flags_say_is_counted_with() -> None:
    flags = {"max_image_tokens": 1024, "max_video_frames": 8, "video_fps": 0.5}

    served = as_served(eyes(engine="image-server", engine_args=flags), Vision())

    assert (served.image_max_pixels, served.image_min_pixels) == (1024 * 32 * 32, 65_536)
    assert (served.fps, served.max_frames) == (0.5, 8)


def test_pictures_that_are_to_be_tiny_are_not_scaled_up_first() -> None:
    assert (
        as_served(eyes(engine="image-server", engine_args={"max_image_tokens": 16}), Vision()).image_min_pixels
        == 1
    )


def test_vllm_takes_so_many_frames_of_any_video_and_pictures_as_it_is_told() -> None:
    told = eyes(engine="vllm", engine_args={"mm_processor_kwargs": {"max_pixels": 1_003_520}})

    served = as_served(told, Vision())

    assert (served.fps, served.max_frames) == (30.0, 32)
    assert (served.image_max_pixels, served.image_min_pixels) == (1_003_520, 65_536)
