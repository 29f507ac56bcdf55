"""How large a picture or a video is in tokens: the arithmetic of Qwen's processors, on numbers alone. Pure.

They scale a picture so that both sides are multiples of a square (a patch, times how many are merged) and its
area lies within bounds; each square becomes one token. Videos are bounded in one of two ways: Qwen3's over all
of their frames together, Qwen2's frame by frame. Frames are taken in groups.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

MOST_NARROW = 200  # the processors refuse a picture whose one side is more times the other


class TooNarrow(ValueError):
    """No processor takes a picture of this shape."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a picture or a frame is scaled to, in pixels and in tokens."""

    width: int
    height: int
    tokens: int


@dataclass(frozen=True, slots=True)
class PictureGeometry:
    """`least` and `most` are pixels."""

    patch: int
    merge: int
    least: int
    most: int

    @property
    def square(self) -> int:
        return self.patch * self.merge

    def shape(self, width: int, height: int, shrink: float = 1.0) -> Shape:
        """`shrink` leaves that part of the area. Raises `TooNarrow`."""
        usual = _shape(width, height, 1, 1, self.square, self.least, self.most)
        if shrink >= 1.0:
            return usual
        most = max(int(usual.width * usual.height * shrink), self.square * self.square)
        return _shape(width, height, 1, 1, self.square, 1, most)

    def bounded(self, most: int) -> "PictureGeometry":
        """With at most so many pixels, and at least one token, for each picture. Where that is little, nothing
        is scaled up: rounding would lead over the limit again.
        """
        most = max(min(self.most, most), self.square * self.square)
        return replace(self, least=self.least if most >= 4 * self.least else 1, most=most)

    def of_tokens(self, most: int | None) -> "PictureGeometry":
        return self if most is None else self.bounded(most * self.square * self.square)


@dataclass(frozen=True, slots=True)
class VideoGeometry:
    """`timestamps`: each group of frames is preceded by its time, and stands in marks of its own.

    `together`: the bounds are on all frames of a video, not on each. `cap`: a frame may have its even share of
    what the whole video may have, and no more than `max_tokens` lets it.
    """

    patch: int
    merge: int
    group: int
    least: int
    most: int
    cap: bool
    max_tokens: int
    timestamps: bool
    together: bool

    @property
    def square(self) -> int:
        return self.patch * self.merge

    def shape(self, frames: int, width: int, height: int, shrink: float = 1.0) -> Shape:
        """Of one frame; `shrink` leaves that part of the area. Raises `TooNarrow`."""
        usual = self._usual(frames, width, height)
        if shrink >= 1.0:
            return usual
        number = frames if self.together else 1
        most = max(int(number * usual.width * usual.height * shrink), self.square * self.square)
        return replace(self, least=1, most=most, cap=False).shape(frames, width, height)

    def _usual(self, frames: int, width: int, height: int) -> Shape:
        if not self.together:
            return _shape(width, height, 1, 1, self.square, self.least, self._most(frames))
        if width < self.square or height < self.square:
            scale = max(self.square / width, self.square / height)
            width, height = int(width * scale), int(height * scale)
        grouped = round(frames / self.group) * self.group
        return _shape(width, height, frames, grouped, self.square, self.least, self._most(frames))

    def groups(self, frames: int) -> int:
        return -(-frames // self.group)

    def _most(self, frames: int) -> int:
        if not self.cap:
            return self.most
        area = self.square * self.square
        floor = int(self.least * 1.05)
        if self.together:
            return max(min(self.max_tokens * area, self.most // frames), floor) * frames
        share = int(self.max_tokens * area * 0.9) * self.group // frames
        return max(min(self.most, share), floor)


def picture_geometry(processor: Any) -> PictureGeometry | None:
    """As an image processor has it; `None` for one that works otherwise."""
    size, patch = getattr(processor, "size", None), getattr(processor, "patch_size", None)
    merge = getattr(processor, "merge_size", None)
    least, most = _edge(size, "shortest_edge"), _edge(size, "longest_edge")
    if not (_is_qwen(processor) and patch and merge and least and most):
        return None
    return PictureGeometry(int(patch), int(merge), least, most)


def video_geometry(processor: Any, *, timestamps: bool) -> VideoGeometry | None:
    """As a video processor has it; `None` for one that works otherwise. Where it leaves open whether frames are
    capped, they are, as in Qwen's own preprocessing.
    """
    size = getattr(processor, "size", None)
    least, most = _edge(size, "shortest_edge"), _edge(size, "longest_edge")
    if not (_is_qwen(processor) and least and most):
        return None
    cap = processor.cap_pixels_per_frame
    return VideoGeometry(
        patch=processor.patch_size,
        merge=processor.merge_size,
        group=processor.temporal_patch_size,
        least=least,
        most=most,
        cap=True if cap is None else bool(cap),
        max_tokens=processor.max_video_tokens,
        timestamps=timestamps,
        together="Qwen3" in type(processor).__name__,
    )


def _is_qwen(processor: Any) -> bool:
    return type(processor).__name__.startswith(("Qwen2VL", "Qwen3VL"))


def _edge(size: Any, name: str) -> int | None:
    try:
        value = size[name]
    except (KeyError, TypeError):
        return None
    return None if value is None else int(value)


def moments(indices: tuple[int, ...], fps: float, group: int) -> list[float]:
    """When each group of frames is: halfway between its first and its last, in seconds."""
    padded = [*indices, *[indices[-1]] * (-len(indices) % group)]
    times = [index / fps for index in padded]
    return [(times[at] + times[at + group - 1]) / 2 for at in range(0, len(times), group)]


def _shape(width: int, height: int, frames: int, grouped: int, square: int, least: int, most: int) -> Shape:
    if max(width, height) / min(width, height) > MOST_NARROW:
        raise TooNarrow
    wide, tall = round(width / square) * square, round(height / square) * square
    if grouped * wide * tall > most:
        shrink = math.sqrt((frames * width * height) / most)
        wide = max(square, math.floor(width / shrink / square) * square)
        tall = max(square, math.floor(height / shrink / square) * square)
    elif grouped * wide * tall < least:
        grow = math.sqrt(least / (frames * width * height))
        wide = math.ceil(width * grow / square) * square
        tall = math.ceil(height * grow / square) * square
    return Shape(wide, tall, (wide // square) * (tall // square))
