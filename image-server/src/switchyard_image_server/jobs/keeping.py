"""Which finished jobs to forget: those that are too old, then the oldest until the rest fits. Pure."""

from collections.abc import Iterable

from switchyard_image_server.jobs.record import Job


def to_forget(
    jobs: Iterable[Job], now_s: float, *, keep_s: float, max_bytes: int, max_number: int
) -> list[str]:
    """Never one that waits or runs."""
    finished = sorted(
        ((job.finished_s, job) for job in jobs if job.finished_s is not None), key=lambda pair: pair[0]
    )
    gone: list[str] = []
    held = sum(len(job.result or b"") for _, job in finished)
    number = len(finished)
    for finished_s, job in finished:
        too_old = now_s - finished_s >= keep_s
        if not too_old and held <= max_bytes and number <= max_number:
            break
        gone.append(job.id)
        held -= len(job.result or b"")
        number -= 1
    return gone
