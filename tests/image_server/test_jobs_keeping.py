"""Which finished jobs are forgotten."""

from typing import Any

from switchyard_image_server.errors import RequestCancelled
from switchyard_image_server.jobs.keeping import to_forget
from switchyard_image_server.jobs.record import Job


def done(name: str, at_s: float, size: int = 10) -> Job:
    job = Job(name, "image.edit", 0)
    job.finish(b"x" * size, at_s, 0)
    return job


def waiting(name: str) -> Job:
    return Job(name, "image.edit", 0)


def forgotten(*jobs: Job, now_s: float = 100.0, **limits: Any) -> list[str]:
    return to_forget(jobs, now_s, **({"keep_s": 60.0, "max_bytes": 1000, "max_number": 10} | limits))


def test_what_is_young_and_fits_stays() -> None:
    assert forgotten(done("a", 41.0), done("b", 99.0), waiting("c")) == []


def test_what_is_too_old_goes() -> None:
    assert forgotten(done("new", 41.0), done("old", 40.0)) == ["old"]


def test_the_oldest_go_until_the_bytes_fit() -> None:
    jobs = (done("third", 93.0, 400), done("first", 91.0, 400), done("second", 92.0, 400))

    assert forgotten(*jobs) == ["first"]
    assert forgotten(*jobs, max_bytes=400) == ["first", "second"]


def test_the_oldest_go_until_there_are_few_enough() -> None:
    jobs = [done(str(i), 90.0 + i, 0) for i in range(5)]

    assert forgotten(*jobs, max_number=3) == ["0", "1"]


def test_a_job_that_is_not_over_never_goes() -> None:
    running = waiting("running")
    running.begin(0.0, 0)

    assert forgotten(running, waiting("waiting"), now_s=1e9, max_number=0) == []


def test_cancelled_jobs_go_with_time_too() -> None:
    cancelled = waiting("cancelled")
    cancelled.cancel(RequestCancelled("cancelled"), 10.0, 0)

    assert forgotten(cancelled) == ["cancelled"]
