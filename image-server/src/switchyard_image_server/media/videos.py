"""Videos: bytes in, sampled frames out, with PyAV. Guards come before decoding.

Opening a video reads its container only, and settles how many frames are looked at and when each of them is;
`frames` decodes them, is expensive, and belongs on the worker thread. What was settled is kept to: a file that
holds less than it promised repeats its last frame, so that what was counted beforehand stays true.

A file is only ever read as one of `CONTAINERS`: FFmpeg knows formats that name other files and addresses.
"""

import io
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from switchyard_image_server.errors import InvalidValue, TooLarge
from switchyard_image_server.media.boxes import quarter_turns

CONTAINERS = ("mov", "mp4", "matroska", "webm", "avi", "gif", "mpegts", "mpeg", "flv", "ogg", "asf")
_INDEXED = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm")  # the rest finds a moment by guessing
MAX_FRAME_PIXELS = 36_000_000
MAX_KEPT_PIXELS = 25_165_824  # what Qwen's processors make of the longest video
MAX_ASPECT = 200
MAX_PACKETS = 1_000_000
MAX_DECODE_S = 30.0
FEWEST_FRAMES = 4  # of a short clip, whatever the rate, as Qwen's processors have it
SEEK_AHEAD_S = 4.0  # nearer frames are reached sooner by decoding on


@dataclass(frozen=True, slots=True)
class Sampling:
    """How many frames are looked at: so many for each second, and no more than `most`."""

    fps: float = 2.0
    most: int = 64


@dataclass(frozen=True, slots=True)
class Video:
    """A video that was sent, not decoded yet. `param` names the field it came in.

    `indices` are the frames that are looked at, counted at `fps` from the video's beginning; `total` is how
    many there are. Width and height are upright: `turns` quarter turns clockwise from how frames are stored.
    """

    content: bytes
    param: str
    width: int
    height: int
    turns: int
    fps: float
    total: int
    indices: tuple[int, ...]

    @property
    def pixels(self) -> int:
        """Of what is kept: frames are scaled one by one as they are decoded."""
        return min(self.width * self.height * len(self.indices), MAX_KEPT_PIXELS)

    @property
    def seconds(self) -> float:
        return self.total / self.fps

    def frames(
        self, check: Callable[[], None] = lambda: None, clock: Callable[[], float] = time.monotonic
    ) -> Iterator[Any]:
        """The sampled frames in turn, upright, as arrays of height x width x 3 bytes. `check` may raise."""
        return _Decoding(self, check, clock).frames()


def sampled(total: int, fps: float, sampling: Sampling) -> tuple[int, ...]:
    """Which frames are looked at, evenly from the first to the last. A single frame is looked at twice, because
    the processors take frames in groups.
    """
    number = min(max(int(total / fps * sampling.fps), FEWEST_FRAMES), sampling.most, total)
    number = max(number, 2)
    return tuple(round(at * (total - 1) / (number - 1)) for at in range(number))


def open_video(content: bytes, param: str, sampling: Sampling) -> Video:
    """Read the container, and refuse what would be too large to decode."""
    import av

    try:
        with _container(content) as container:
            facts = _facts(container, param)
    except (av.error.FFmpegError, ValueError, OSError, UnicodeError):
        raise InvalidValue(
            "cannot read the video: it is none of MP4, MOV, WebM, MKV, AVI, GIF, MPEG, or is damaged",
            param=param,
        ) from None
    width, height, fps, total = facts
    _check_shape(width, height, param)
    turns = quarter_turns(content)
    if turns % 2:
        width, height = height, width
    return Video(content, param, width, height, turns, fps, total, sampled(total, fps, sampling))


def _container(content: bytes) -> Any:
    import av

    # What a file refers to outside of itself is not looked at. To learn what the header does not say, FFmpeg
    # decodes a little; it says nothing at all of frames over its limit, so that is not as tight as ours.
    options = {
        "format_whitelist": ",".join(CONTAINERS),
        "protocol_whitelist": "none",
        "max_streams": "64",
        "max_pixels": str(2 * MAX_FRAME_PIXELS),
    }
    return av.open(io.BytesIO(content), options=options)


def _facts(container: Any, param: str) -> tuple[int, int, float, int]:
    """Width and height as stored, rate, and number of frames."""
    if not container.streams.video:
        raise InvalidValue("cannot use the video: there are no pictures in it", param=param)
    stream = container.streams.video[0]
    if stream.codec_context is None:
        raise InvalidValue("cannot use the video: nobody here knows its codec", param=param)
    width, height = stream.codec_context.width, stream.codec_context.height
    if width < 1 or height < 1:
        raise InvalidValue(
            "cannot use the video: it does not say how large its frames are, or they have over "
            f"{MAX_FRAME_PIXELS // 1_000_000} megapixels",
            param=param,
        )
    rate = stream.average_rate or stream.guessed_rate
    fps = float(rate) if rate and rate > 0 else 0.0
    total = stream.frames
    if total <= 0 or not 0 < fps <= 1000:
        total, fps = _counted(container, stream, fps)
    return width, height, fps, total


def _counted(container: Any, stream: Any, fps: float) -> tuple[int, float]:
    """Number and rate of a stream whose header does not say: its packets are looked at, none is decoded."""
    number, first, last = 0, None, 0.0
    for packet in container.demux(stream):
        if not packet.size:
            continue
        number += 1
        if packet.pts is not None and packet.time_base:
            at = float(packet.pts * packet.time_base)
            first, last = at if first is None else min(first, at), max(last, at)
        if number >= MAX_PACKETS:
            break
    seconds = last - first if first is not None else 0.0
    if seconds > 0 and number > 1:
        fps = min((number - 1) / seconds, 1000.0)
    return max(number, 1), fps if 0 < fps <= 1000 else 24.0


def _check_shape(width: int, height: int, param: str) -> None:
    if width * height > MAX_FRAME_PIXELS:
        raise TooLarge(
            f"cannot use a video of {width}x{height}: its frames have over "
            f"{MAX_FRAME_PIXELS // 1_000_000} megapixels; send a smaller one",
            param=param,
        )
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise InvalidValue(
            f"cannot use a video of {width}x{height}: one side is over {MAX_ASPECT} times the other",
            param=param,
        )


class _Decoding:
    """Walks through a video, and stops at the frames that are wanted."""

    def __init__(self, video: Video, check: Callable[[], None], clock: Callable[[], float]) -> None:
        self._video = video
        self._check = check
        self._clock = clock
        self._began_at = clock()
        self._seeks = False

    def frames(self) -> Iterator[Any]:
        import av

        try:
            with _container(self._video.content) as container:
                yield from self._wanted(container)
        except (av.error.FFmpegError, ValueError, OSError) as error:
            raise self._broken(error) from None

    def _wanted(self, container: Any) -> Iterator[Any]:
        """One for each index. What the file does not hold is the last that it does."""
        half = 0.5 / self._video.fps
        stream = container.streams.video[0]
        stream.codec_context.options = {"max_pixels": str(MAX_FRAME_PIXELS)}
        self._seeks = container.format.name in _INDEXED
        coming = self._decoded(container, stream)
        latest: tuple[float, Any] | None = None
        for index in self._video.indices:
            moment = index / self._video.fps
            if latest is not None and self._seeks and moment - latest[0] > SEEK_AHEAD_S:
                coming = self._nearer(container, stream, moment)
            while latest is None or latest[0] < moment - half:
                following = next(coming, None)
                if following is None:
                    break
                latest = following
            if latest is None:
                raise self._broken("there is no whole frame in it")
            yield self._pixels(latest[1])

    def _decoded(self, container: Any, stream: Any) -> Iterator[tuple[float, Any]]:
        """Each frame and its time from the beginning. Packets that are damaged are passed over."""
        import av

        origin = float(stream.start_time * stream.time_base) if stream.start_time else 0.0
        number = 0
        for packet in container.demux(stream):
            self._watch()
            try:
                decoded = packet.decode()
            except av.error.InvalidDataError:
                continue
            for frame in decoded:
                at = number / self._video.fps if frame.time is None else frame.time - origin
                number += 1
                yield at, frame

    def _nearer(self, container: Any, stream: Any, moment: float) -> Iterator[tuple[float, Any]]:
        """What comes from the last whole picture before that moment on. Where the file's index leads elsewhere,
        it is not asked again, and what comes is the film from its beginning.
        """
        coming = self._from(container, stream, moment)
        first = next(coming, None)
        if first is not None and first[0] <= moment:
            return chain((first,), coming)
        self._seeks = False
        return self._from(container, stream, 0.0)

    def _from(self, container: Any, stream: Any, moment: float) -> Iterator[tuple[float, Any]]:
        container.seek(int(moment / stream.time_base) + (stream.start_time or 0), stream=stream)
        return self._decoded(container, stream)

    def _watch(self) -> None:
        self._check()
        if self._clock() - self._began_at > MAX_DECODE_S:
            raise self._broken(f"that takes over {MAX_DECODE_S:g} s; send a shorter or smaller one")

    def _pixels(self, frame: Any) -> Any:
        video = self._video
        wide, tall = (video.height, video.width) if video.turns % 2 else (video.width, video.height)
        stored = frame.reformat(width=wide, height=tall, format="rgb24").to_ndarray()
        return _turned(stored, video.turns).copy()

    def _broken(self, why: object) -> InvalidValue:
        return InvalidValue(f"cannot decode the video: {why}", param=self._video.param)


def _turned(stored: Any, turns: int) -> Any:
    """Clockwise."""
    match turns:
        case 1:
            return stored.transpose(1, 0, 2)[:, ::-1]
        case 2:
            return stored[::-1, ::-1]
        case 3:
            return stored.transpose(1, 0, 2)[::-1]
        case _:
            return stored
