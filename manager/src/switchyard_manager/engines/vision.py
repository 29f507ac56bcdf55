"""What a vision model's processor does to pictures and videos, as the files beside its weights say.

Reading blocks, never raises and believes no file: what is missing or makes no sense is as the model's family
has it. What the catalog says goes before all this, and is no business of this module.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from switchyard_contracts.catalog import Engine, ImageServerArgs, Model, VllmArgs
from switchyard_contracts.serving import Vision

LARGEST_FILE = 1_048_576
LARGEST_NUMBER = 2**40
OLDER = Vision(
    patch=14,
    merge=2,
    image_min_pixels=3_136,
    image_max_pixels=12_845_056,
    timestamp_tokens=0,  # it is told the time by position, not in words
)
NEWER = Vision()
# What our own engine takes of a video where its flags say nothing.
USUAL_FPS, USUAL_FRAMES = 2.0, 64
VLLM_FRAMES, VLLM_FPS = 32, 30.0  # every video of more than a second has as many
OLDER_NAMES = re.compile(r"qwen-?2([._]?5)?[-_]?vl", re.IGNORECASE)

PICTURES = {
    "patch": ("patch_size",),
    "merge": ("merge_size",),
    "temporal_patch": ("temporal_patch_size",),
    "image_min_pixels": ("min_pixels", "size.shortest_edge", "size.min_pixels"),
    "image_max_pixels": ("max_pixels", "size.longest_edge", "size.max_pixels"),
}
VIDEOS = {
    "temporal_patch": ("temporal_patch_size",),
    "video_min_pixels": ("size.shortest_edge", "min_pixels"),
    "video_max_pixels": ("size.longest_edge", "max_pixels"),
    "fps": ("fps",),
    "min_frames": ("min_frames",),
    "max_frames": ("max_frames",),
    "cap_pixels_per_frame": ("cap_pixels_per_frame",),
    "max_video_tokens": ("max_video_tokens",),
}
WHOLE = frozenset(Vision.model_fields) - {"fps", "cap_pixels_per_frame"}


def family_of(model: Model) -> Vision:
    """What models of its family usually do, by the name of its weights. Pure."""
    return OLDER if OLDER_NAMES.search(model.repo or model.path or "") else NEWER


def read_vision(model: Model, folder: Path) -> Vision:
    """What the files in the folder of its weights say."""
    kind = _object_in(folder / "config.json").get("model_type")
    family = family_of(model)
    if isinstance(kind, str):
        family = OLDER if OLDER_NAMES.search(kind) else NEWER
    both = _object_in(folder / "processor_config.json")
    pictures = _inner(both, "image_processor") | _object_in(folder / "preprocessor_config.json")
    videos = _inner(both, "video_processor") | _object_in(folder / "video_preprocessor_config.json")
    return family.model_copy(update=_said(PICTURES, pictures) | _said(VIDEOS, videos))


def as_served(model: Model, vision: Vision) -> Vision:
    """Engines take fewer frames than a processor would, and may be told to shrink pictures. Pure."""
    if isinstance(model.engine_args, VllmArgs):
        return _as_vllm_serves(model.engine_args, vision)
    if model.engine is not Engine.IMAGE_SERVER or not isinstance(model.engine_args, ImageServerArgs):
        return vision
    args = model.engine_args
    most = vision.image_max_pixels
    if args.max_image_tokens is not None:
        most = min(most, args.max_image_tokens * (vision.patch * vision.merge) ** 2)
    return vision.model_copy(
        update={
            "image_max_pixels": most,
            "image_min_pixels": vision.image_min_pixels if most >= 4 * vision.image_min_pixels else 1,
            "fps": args.video_fps or USUAL_FPS,
            "cap_pixels_per_frame": True,  # unless the files say no; then this errs on the side of letting pass
            "max_frames": min(vision.max_frames, args.max_video_frames or USUAL_FRAMES),
        }
    )


def _as_vllm_serves(args: VllmArgs, vision: Vision) -> Vision:
    """It spreads so many frames over a video, however long that is, before a processor sees any of it."""
    frames = {"fps": VLLM_FPS, "max_frames": min(vision.max_frames, VLLM_FRAMES)}
    return vision.model_copy(update=frames | _said(PICTURES, args.mm_processor_kwargs or {}))


def _said(fields: Mapping[str, tuple[str, ...]], file: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field, keys in fields.items():
        values = (_inner(file, outer).get(key) if outer else file.get(key) for outer, key in map(_split, keys))
        value = next((value for value in values if _is_sensible(field, value)), None)
        if value is not None:
            found[field] = float(value) if field == "fps" else value
    return found


def _split(key: str) -> tuple[str, str]:
    outer, _, inner = key.rpartition(".")
    return outer, inner


def _is_sensible(field: str, value: object) -> bool:
    if field == "cap_pixels_per_frame":
        return isinstance(value, bool)
    kinds = int if field in WHOLE else (int, float)
    return isinstance(value, kinds) and not isinstance(value, bool) and 0 < value <= LARGEST_NUMBER


def _inner(file: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = file.get(key)
    return value if isinstance(value, dict) else {}


def _object_in(file: Path) -> dict[str, Any]:
    try:
        if not file.is_file() or file.stat().st_size > LARGEST_FILE:
            return {}
        value = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
