"""What is known of one job, and how a client is told of it. Knows no clock: times are handed in."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from switchyard_image_server.errors import ServerError
from switchyard_image_server.jobs.lifecycle import News, Status, advance

PATH = "/v1/jobs"
HALF_OF_THE_RUNNING_ONE = 0.5


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """What picture number `picture` looks like by now, small: the full previews are for streams."""

    picture: int
    index: int
    b64: str
    output_format: str = "webp"

    def told(self) -> dict[str, Any]:
        return {
            "picture": self.picture,
            "index": self.index,
            "b64_json": self.b64,
            "output_format": self.output_format,
        }


@dataclass(frozen=True, slots=True)
class Pace:
    """Denoising steps done, and when the first and the last of them were."""

    done: int
    total: int
    first_s: float
    last_s: float
    first_done: int = 1

    def then(self, done: int, total: int, now_s: float) -> "Pace":
        return Pace(done, total, self.first_s, now_s, self.first_done)

    def left_s(self, begun_s: float, now_s: float) -> float:
        """By the steps so far; the first one alone tells with everything that came before it."""
        timed = self.done - self.first_done
        each = (
            (self.last_s - self.first_s) / timed if timed > 0 else (self.last_s - begun_s) / max(1, self.done)
        )
        return max(0.0, each * (self.total - self.done) - (now_s - self.last_s))


@dataclass(frozen=True, slots=True)
class Place:
    """Where the job stands in the queue, and how long requests take lately."""

    ahead: int | None
    usual_s: float


@dataclass(slots=True)
class Job:
    """Changed by the desk only. Times in `_at` are of the day, those in `_s` for reckoning with."""

    id: str
    kind: str
    created_at: int
    prefix: str = ""
    status: Status = Status.QUEUED
    begun_at: int | None = None
    finished_at: int | None = None
    begun_s: float | None = None
    finished_s: float | None = None
    pace: Pace | None = None
    thumbnail: Thumbnail | None = None
    error: ServerError | None = None
    result: bytes | None = None

    def begin(self, now_s: float, at: int) -> None:
        self.status = advance(self.status, News.BEGUN)
        self.begun_s, self.begun_at = now_s, at

    def step(self, done: int, total: int, now_s: float) -> None:
        known = self.pace
        self.pace = known.then(done, total, now_s) if known else Pace(done, total, now_s, now_s, done)

    def show(self, thumbnail: Thumbnail) -> None:
        self.thumbnail = thumbnail

    def finish(self, result: bytes, now_s: float, at: int) -> None:
        self._end(News.DONE, now_s, at)
        self.result = result

    def fail(self, error: ServerError, now_s: float, at: int) -> None:
        self._end(News.BROKEN, now_s, at)
        self.error = error

    def cancel(self, error: ServerError, now_s: float, at: int) -> None:
        self._end(News.CANCELLED, now_s, at)
        self.error = error

    def _end(self, news: News, now_s: float, at: int) -> None:
        self.status = advance(self.status, news)
        self.finished_s, self.finished_at = now_s, at
        self.thumbnail = None  # the picture itself is there, or will never be

    def told(self, now_s: float, place: Place, keep_s: float, *, preview: bool = True) -> dict[str, Any]:
        """The job without its result."""
        return {
            "id": self.id,
            "object": "job",
            "kind": self.kind,
            "status": self.status,
            "created_at": self.created_at,
            "started_at": self.begun_at,
            "finished_at": self.finished_at,
            "expires_at": None if self.finished_at is None else self.finished_at + round(keep_s),
            "step": self.pace.done if self.pace else 0,
            "total": self.pace.total if self.pace else None,
            "queue_position": place.ahead if self.status is Status.QUEUED else None,
            "eta_s": self._eta_s(now_s, place),
            "preview": self.thumbnail.told() if preview and self.thumbnail else None,
            "error": None if self.error is None else self.error.body()["error"],
            "links": links(f"{self.prefix}{PATH}/{self.id}"),
        }

    def _eta_s(self, now_s: float, place: Place) -> float | None:
        if self.status.over:
            return None
        if self.begun_s is None:
            return round((1 + (place.ahead or 0) + HALF_OF_THE_RUNNING_ONE) * place.usual_s, 1)
        if self.pace is None:
            return round(max(0.0, place.usual_s - (now_s - self.begun_s)), 1)
        return round(self.pace.left_s(self.begun_s, now_s), 1)


def links(own: str) -> dict[str, str]:
    return {"self": own, "events": f"{own}/events", "result": f"{own}/result"}


def with_result(told: Mapping[str, Any], result: bytes | None) -> bytes:
    """The job as JSON. The result is JSON already, and may be large: it is put in as it is."""
    head = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    return head[:-1] + b',"result":' + (b"null" if result is None else result) + b"}"
