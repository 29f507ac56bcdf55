"""See that an image is there, pulling it if need be, and say in a few words how far that is. Blocking."""

import shutil
import threading
from collections.abc import Callable, Mapping
from typing import Any

from switchyard_contracts.errors import Reason
from switchyard_manager.errors import EngineFailed
from switchyard_manager.runtimes.docker import refusals
from switchyard_manager.runtimes.docker.engine import Engine, EngineSaid, Stream

LEAST_FREE = 2**30  # bytes, or …
LEAST_FREE_PERCENT = 5  # … of the disk: whichever is more
UNITS = ((1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB"), (1, "B"))


class Pull:
    """One pull, which may be called off from another thread."""

    def __init__(self, engine: Engine, model: str, image: str, tell: Callable[[str], None]) -> None:
        self._engine = engine
        self._model = model
        self._image = image
        self._tell = tell
        self._off = threading.Event()
        self._stream: Stream[dict[str, Any]] | None = None

    def ensure(self) -> None:
        """Raises `EngineFailed` when the image cannot be had."""
        try:
            if self._engine.has_image(self._image):
                return
            self._refuse_a_full_disk()
            self._tell(f"pulling image {self._image}")
            said = self._read()
        except EngineSaid as error:
            raise self._failed(error.words) from error
        if said is not None:
            raise self._failed(said)
        # A pull that broke off says nothing: the stream just ends.
        if not self._off.is_set() and not self._engine.has_image(self._image):
            raise self._failed("the connection broke off")

    def _refuse_a_full_disk(self) -> None:
        """Before it is begun: one that fills the disk takes everything else along."""
        folder = self._engine.about().folder
        try:
            disk = shutil.disk_usage(folder)
        except OSError:
            return  # the Engine is on another machine, or in another's files
        wanted = max(LEAST_FREE, disk.total * LEAST_FREE_PERCENT // 100)
        if disk.free < wanted:
            free, least = disk.free / 2**30, wanted / 2**30
            raise EngineFailed.because(
                Reason.DISK_FULL,
                f"cannot pull image {self._image} for {self._model}: {free:.1f} GiB are free where Docker keeps"
                f" images ({folder}), and {least:.1f} are the least to begin with",
                "free space there (`docker system df`, `docker image prune`)",
            )

    def _read(self) -> str | None:
        """What went wrong, if anything did."""
        self._stream = self._engine.pull(self._image)
        if self._off.is_set():
            self._stream.cut()
        progress, told = Progress(self._image), ""
        for news in self._stream:
            if "error" in news:
                self._stream.close()
                return str(news["error"])
            words = progress.heard(news)
            if words != told:
                self._tell(words)
                told = words
        return None

    def _failed(self, said: str) -> EngineFailed:
        return refusals.not_pulled(self._model, self._image, said)

    def call_off(self) -> None:
        self._off.set()
        if self._stream is not None:
            self._stream.cut()


class Progress:
    """How far a pull is, from what its layers say. The whole is known only when all of them have begun."""

    def __init__(self, image: str) -> None:
        self._image = image
        self._layers: dict[str, tuple[int, int]] = {}

    def heard(self, news: Mapping[str, Any]) -> str:
        layer, status = str(news.get("id", "")), str(news.get("status", ""))
        detail = news.get("progressDetail") or {}
        if status == "Downloading" and detail.get("total"):
            self._layers[layer] = int(detail.get("current", 0)), int(detail["total"])
        elif status in {"Download complete", "Extracting", "Pull complete"} and layer in self._layers:
            total = self._layers[layer][1]
            self._layers[layer] = total, total
        return self._words()

    def _words(self) -> str:
        have = sum(current for current, _ in self._layers.values())
        total = sum(total for _, total in self._layers.values())
        if not total:
            return f"pulling image {self._image}"
        size, unit = next((size, unit) for size, unit in UNITS if total >= size)
        if have >= total:
            return f"pulling image {self._image}: unpacking {total / size:.1f} {unit}"
        amounts = f"{have / size:.1f} of {total / size:.1f} {unit}"
        return f"pulling image {self._image}: {have * 100 // total} %, {amounts}"
