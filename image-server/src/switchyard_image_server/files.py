"""Finished pictures behind addresses: kept in memory, for a while, and no more than so many bytes of them."""

import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass

from switchyard_image_server.errors import TooLarge, UnknownFile
from switchyard_image_server.settings import ResultSettings

PATH = "/v1/images/files"
MIB = 2**20
NAME_BYTES = 24  # nobody guesses 192 bits
ENDINGS = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp"}


@dataclass(frozen=True, slots=True)
class File:
    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class _Kept:
    file: File
    until: float


class Files:
    """On the event loop only. A file's name cannot be guessed: whoever knows it may have the file."""

    def __init__(self, settings: ResultSettings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._kept: dict[str, _Kept] = {}  # the oldest first
        self._bytes = 0

    def put(self, file: File, beside: Collection[str] = ()) -> str:
        """Its name, with the ending of its type. Makes room at the cost of the oldest files, but not of those
        that it stands `beside` in one answer: nobody has seen them yet.
        """
        limit = self._settings.max_mib * MIB
        if len(file.content) > limit:
            raise TooLarge(
                f"cannot keep a picture of {len(file.content)} bytes behind an address: {limit} bytes are kept "
                "in all; ask for b64_json, or start the server with more --keep-results-mib",
                param="response_format",
            )
        self._forget_old()
        while self._bytes + len(file.content) > limit:
            oldest = next(iter(self._kept))
            if oldest in beside:
                raise TooLarge(
                    "cannot keep this many pictures behind addresses: together they are over the "
                    f"{limit} bytes that are kept in all; ask for fewer or for b64_json, or start the server "
                    "with more --keep-results-mib",
                    param="response_format",
                )
            self._forget(oldest)
        name = secrets.token_urlsafe(NAME_BYTES) + ENDINGS.get(file.media_type, ".bin")
        self._kept[name] = _Kept(file, self._clock() + self._settings.keep_s)
        self._bytes += len(file.content)
        return name

    def get(self, name: str) -> File:
        """Raises `UnknownFile`."""
        self._forget_old()
        if name not in self._kept:
            raise UnknownFile(
                f"cannot find the picture {name[:64]}: pictures are kept for {self._settings.keep_s:g} s, and "
                f"the oldest go when there are more than {self._settings.max_mib} MiB; draw it again"
            )
        return self._kept[name].file

    def left_s(self, name: str) -> float:
        """How long it will be kept at the most."""
        return max(0.0, self._kept[name].until - self._clock())

    def _forget_old(self) -> None:
        now = self._clock()
        while self._kept and (oldest := next(iter(self._kept))) and self._kept[oldest].until <= now:
            self._forget(oldest)

    def _forget(self, name: str) -> None:
        self._bytes -= len(self._kept.pop(name).file.content)
