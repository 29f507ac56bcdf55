"""What is told of a job, and when it will be done."""

import json

import pytest

from switchyard_image_server.errors import GpuOutOfMemory, RequestCancelled
from switchyard_image_server.jobs.lifecycle import NoSuchMove, Status
from switchyard_image_server.jobs.record import Job, Pace, Place, Thumbnail, with_result

ALONE = Place(None, 10.0)


def job() -> Job:
    return Job("job_1", "image.generation", created_at=1000)


def begun() -> Job:
    one = job()
    one.begin(50.0, 1001)
    return one


def test_who_waits_counts_those_ahead_half_of_the_one_that_runs_and_itself() -> None:
    told = job().told(0.0, Place(2, 10.0), 60.0)

    assert (told["status"], told["queue_position"], told["eta_s"]) == (Status.QUEUED, 2, 35.0)


def test_before_the_first_step_it_takes_as_long_as_usual() -> None:
    assert begun().told(54.0, ALONE, 60.0)["eta_s"] == 6.0
    assert begun().told(99.0, ALONE, 60.0)["eta_s"] == 0.0


def test_the_steps_so_far_tell_the_rest() -> None:
    one = begun()
    one.step(1, 11, 53.0)  # three seconds went into reading the prompt
    one.step(6, 11, 58.0)

    told = one.told(58.5, ALONE, 60.0)

    assert (told["step"], told["total"], told["eta_s"]) == (6, 11, 4.5)


def test_one_step_alone_tells_with_all_that_came_before() -> None:
    one = begun()
    one.step(1, 4, 52.0)

    assert one.told(52.0, ALONE, 60.0)["eta_s"] == 6.0


def test_steps_that_were_heard_of_late_are_counted_from_there() -> None:
    pace = Pace(5, 10, 20.0, 20.0, first_done=5).then(6, 10, 21.0)

    assert pace.left_s(0.0, 21.0) == 4.0


def test_what_is_over_has_neither_an_estimate_nor_a_place() -> None:
    one = begun()
    one.show(Thumbnail(0, 0, "AAAA"))
    one.finish(b"{}", 60.0, 1011)

    told = one.told(61.0, ALONE, 60.0)

    assert (told["status"], told["eta_s"], told["queue_position"]) == (Status.COMPLETED, None, None)
    assert (told["preview"], told["started_at"], told["finished_at"]) == (None, 1001, 1011)
    assert told["expires_at"] == 1071


def test_a_failure_is_told_in_the_shape_of_every_error() -> None:
    one = begun()
    one.fail(GpuOutOfMemory("cannot draw: no memory"), 60.0, 1011)

    assert one.told(61.0, ALONE, 60.0)["error"] == GpuOutOfMemory("cannot draw: no memory").body()["error"]


def test_previews_can_be_left_out() -> None:
    one = begun()
    one.show(Thumbnail(1, 2, "AAAA"))

    assert one.told(50.0, ALONE, 60.0)["preview"] == {
        "picture": 1,
        "index": 2,
        "b64_json": "AAAA",
        "output_format": "webp",
    }
    assert one.told(50.0, ALONE, 60.0, preview=False)["preview"] is None


def test_a_second_end_changes_nothing() -> None:
    one = begun()
    one.cancel(RequestCancelled("cancelled"), 60.0, 1011)

    with pytest.raises(NoSuchMove):
        one.finish(b"{}", 61.0, 1012)

    assert (one.status, one.result, one.finished_at) == (Status.CANCELLED, None, 1011)


@pytest.mark.parametrize("result", [None, b'{"data":[]}'])
def test_the_result_is_put_in_as_it_is(result: bytes | None) -> None:
    told = job().told(0.0, ALONE, 60.0)

    whole = json.loads(with_result(told, result))

    assert whole.pop("result") == (None if result is None else {"data": []})
    assert whole == told


def test_its_links_lead_through_the_proxy_that_it_came_by() -> None:
    record = Job("job_1", "image.generation", created_at=1000, prefix="/upstream/paint")

    told = record.told(0.0, ALONE, 60.0)

    assert told["links"]["result"] == "/upstream/paint/v1/jobs/job_1/result"
