"""How many tokens a picture or video becomes: the arithmetic of Qwen's processors, on numbers alone.

They scale a picture so that both sides are multiples of a square (a patch, times how many are merged) and its
area lies within bounds; each square becomes one token. A video is bounded over all of its frames together, and
frames are taken in groups.
"""

import math

from switchyard_contracts.serving import Vision

MOST_NARROW = 200  # the processors refuse a picture whose one side is more times the other


class TooNarrow(ValueError):
    """No processor takes a picture of this shape."""


def image_tokens(width: int, height: int, vision: Vision) -> int:
    """Raises `TooNarrow`."""
    square = vision.patch * vision.merge
    return _squares(width, height, 1, 1, square, vision.image_min_pixels, vision.image_max_pixels)


def video_tokens(frames: int, width: int, height: int, vision: Vision) -> tuple[int, int]:
    """Groups of frames, and tokens of each group, for that many sampled frames. Raises `TooNarrow`."""
    square = vision.patch * vision.merge
    if width < square or height < square:
        scale = max(square / width, square / height)
        width, height = int(width * scale), int(height * scale)
    grouped = round(frames / vision.temporal_patch) * vision.temporal_patch
    most = _most_pixels(frames, vision)
    tokens = _squares(width, height, frames, grouped, square, vision.video_min_pixels, most)
    return -(-frames // vision.temporal_patch), tokens


def sampled_frames(total: int, fps: float, vision: Vision) -> int:
    """How many of a video's frames are looked at."""
    return min(max(int(total / fps * vision.fps), vision.min_frames), vision.max_frames, total)


def _most_pixels(frames: int, vision: Vision) -> int:
    """Over all frames. The cap for each frame, where it is on, never goes below a little over the least."""
    if not vision.cap_pixels_per_frame:
        return vision.video_max_pixels
    cap = vision.max_video_tokens * (vision.patch * vision.merge) ** 2
    share = vision.video_max_pixels // frames
    return max(min(cap, share), int(vision.video_min_pixels * 1.05)) * frames


def _squares(width: int, height: int, frames: int, grouped: int, square: int, least: int, most: int) -> int:
    """Squares in one frame. The area is compared as rounded, but scaled from what it was."""
    if max(width, height) / min(width, height) > MOST_NARROW:
        raise TooNarrow(f"it is {width}x{height}, one side over {MOST_NARROW} times the other")
    columns, rows = round(width / square), round(height / square)
    area = grouped * (rows * square) * (columns * square)
    if area > most:
        shrink = math.sqrt(frames * height * width / most)
        columns = max(1, math.floor(width / shrink / square))
        rows = max(1, math.floor(height / shrink / square))
    elif area < least:
        grow = math.sqrt(least / (frames * height * width))
        columns, rows = math.ceil(width * grow / square), math.ceil(height * grow / square)
    return columns * rows
