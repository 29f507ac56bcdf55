"""The life of a job: its states and the moves between them. What is no move raises, and changes nothing."""

from enum import StrEnum


class Status(StrEnum):
    """OpenAI's words, as in its background responses."""

    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def over(self) -> bool:
        return self not in MOVES


class News(StrEnum):
    BEGUN = "begun"
    DONE = "done"
    BROKEN = "broken"
    CANCELLED = "cancelled"


MOVES: dict[Status, dict[News, Status]] = {
    Status.QUEUED: {
        News.BEGUN: Status.IN_PROGRESS,
        News.DONE: Status.COMPLETED,  # quicker than anybody looked
        News.BROKEN: Status.FAILED,
        News.CANCELLED: Status.CANCELLED,
    },
    Status.IN_PROGRESS: {
        News.DONE: Status.COMPLETED,
        News.BROKEN: Status.FAILED,
        News.CANCELLED: Status.CANCELLED,
    },
}


class NoSuchMove(Exception):
    """A fault of ours."""


def advance(status: Status, news: News) -> Status:
    try:
        return MOVES[status][news]
    except KeyError:
        raise NoSuchMove(f"a job that is {status} cannot become {news}") from None
