"""What may become of a job."""

import pytest

from switchyard_image_server.jobs.lifecycle import MOVES, News, NoSuchMove, Status, advance

OVER = (Status.COMPLETED, Status.FAILED, Status.CANCELLED)


@pytest.mark.parametrize("status", OVER)
@pytest.mark.parametrize("news", News)
def test_what_is_over_stays_as_it_is(status: Status, news: News) -> None:
    with pytest.raises(NoSuchMove, match=f"{status} cannot become {news}"):
        advance(status, news)


@pytest.mark.parametrize("status", MOVES)
@pytest.mark.parametrize(
    ("news", "outcome"),
    [(News.DONE, Status.COMPLETED), (News.BROKEN, Status.FAILED), (News.CANCELLED, Status.CANCELLED)],
)
def test_whatever_is_not_over_can_end_in_every_way(status: Status, news: News, outcome: Status) -> None:
    assert advance(status, news) is outcome


def test_it_begins_once() -> None:
    begun = advance(Status.QUEUED, News.BEGUN)

    assert begun is Status.IN_PROGRESS
    with pytest.raises(NoSuchMove):
        advance(begun, News.BEGUN)


def test_over_is_what_has_no_moves() -> None:
    assert tuple(status for status in Status if status.over) == OVER
