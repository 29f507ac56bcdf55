"""Run jobs: each has a task of its own, which listens to the ticket on the events' way into the result.

On the event loop only. A change is recorded in the step that makes it, and every listener is woken then.
"""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncGenerator, Callable
from typing import Any, cast

from switchyard_image_server.errors import (
    Busy,
    Cancelled,
    RequestCancelled,
    ServerError,
    Stopping,
    TooLarge,
    UnknownJob,
    as_server_error,
)
from switchyard_image_server.images.events import ImageEvent, Preview, Step
from switchyard_image_server.images.reply import as_json
from switchyard_image_server.jobs.keeping import to_forget
from switchyard_image_server.jobs.lifecycle import Status
from switchyard_image_server.jobs.order import JobOrder, Queue
from switchyard_image_server.jobs.record import Job, Place, with_result
from switchyard_image_server.jobs.thumbnails import thumbnail
from switchyard_image_server.settings import ResultSettings
from switchyard_image_server.webhooks import Webhooks
from switchyard_image_server.worker import Ticket

logger = logging.getLogger(__name__)

MIB = 2**20
MAX_FINISHED = 1000
ID_BYTES = 18
SWEEP_S = 30.0
LOOK_S = 1.0  # a place in the queue changes without any news of the job itself


class Jobs:
    """`clock` counts seconds, `now` tells the time of day."""

    def __init__(
        self,
        settings: ResultSettings,
        queue: Queue,
        webhooks: Webhooks,
        clock: Callable[[], float],
        now: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._queue = queue
        self._webhooks = webhooks
        self._clock = clock
        self._now = now
        self._jobs: dict[str, Job] = {}  # the oldest first
        self._tickets: dict[str, Ticket[ImageEvent]] = {}  # of those that are not over
        self._followers: set[Follower] = set()
        self._group: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Runs the jobs until it is cancelled. `Service` has it in its task group."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                while True:
                    await asyncio.sleep(SWEEP_S)
                    self._sweep()
        finally:
            self._group = None

    def start(self, order: JobOrder) -> dict[str, Any]:
        """The job as the client is told of it, with its `id`. What is refused is not done."""
        try:
            if self._group is None:
                raise Stopping
            if order.webhook is not None:
                self._webhooks.check(order.webhook)
        except ServerError:
            order.ticket.cancel()
            raise
        self._sweep()
        job = Job(f"job_{secrets.token_urlsafe(ID_BYTES)}", order.kind, int(self._now()), order.prefix)
        self._jobs[job.id] = job
        self._tickets[job.id] = order.ticket
        self._group.create_task(self._see_through(job, order))
        return self.told(job)

    def find(self, job_id: str) -> Job:
        self._sweep()
        try:
            return self._jobs[job_id]
        except KeyError:
            raise UnknownJob(
                f"cannot find the job {job_id[:64]}: finished jobs are kept for {self._settings.keep_s:g} s, "
                f"the oldest go when their results are over {self._settings.max_mib} MiB, and none outlives "
                "the server; send the request again"
            ) from None

    def newest_first(self) -> list[Job]:
        self._sweep()
        return list(reversed(self._jobs.values()))

    def told(self, job: Job, *, preview: bool = True) -> dict[str, Any]:
        """The job without its result."""
        self._look(job)
        ticket = self._tickets.get(job.id)
        ahead = None if ticket is None else self._queue.position(ticket)
        place = Place(ahead, self._queue.usual_s)
        return job.told(self._clock(), place, self._settings.keep_s, preview=preview)

    def result_of(self, job_id: str) -> bytes:
        """What the plain route would have answered: a body, or a refusal."""
        job = self.find(job_id)
        if job.error is not None:
            raise _bare(job.error)
        if job.result is None:
            raise Busy(
                f"cannot give the result of {job.id} yet: it is {job.status}; ask again, or read its events"
            )
        return job.result

    def follow(self, job_id: str) -> "Follower":
        return Follower(self, self.find(job_id))

    def listen(self, follower: "Follower") -> None:
        self._followers.add(follower)

    def leave(self, follower: "Follower") -> None:
        self._followers.discard(follower)

    def end(self, job_id: str) -> Job | None:
        """Cancel it, if it is not over; forget it, if it is. The job, or `None` if it is forgotten now.

        A cancelled one stays: whoever repeats the call for want of an answer gets the same answer.
        """
        job = self.find(job_id)
        if job.status in {Status.COMPLETED, Status.FAILED}:
            del self._jobs[job.id]
            return None
        if not job.status.over:
            error = RequestCancelled(f"cannot give a result: the job {job.id} was cancelled by id")
            job.cancel(error, self._clock(), int(self._now()))
            self._tickets.pop(job.id).cancel(error)
            self._wake(job)
        return job

    async def _see_through(self, job: Job, order: JobOrder) -> None:
        webhook = order.webhook
        try:
            outcome = await self._outcome(job, order)
        except asyncio.CancelledError:
            order.ticket.cancel(Stopping())
            self._settle(job, Stopping())
            raise
        del order  # and the request's pictures with it: a webhook may take its time
        self._settle(job, outcome)
        if webhook is not None:
            await self._tell(webhook, job)

    async def _tell(self, webhook: str, job: Job) -> None:
        try:
            await self._webhooks.deliver(webhook, job.id, self.told(job, preview=False))
        except Exception:  # other jobs must not fall with it
            logger.exception("cannot call the webhook of %s", job.id)

    async def _outcome(self, job: Job, order: JobOrder) -> bytes | ServerError:
        try:
            async with contextlib.aclosing(self._observed(job, order.ticket)) as events:
                body = await order.collect(events)
            result = await asyncio.to_thread(as_json, body)
        except Cancelled:
            return RequestCancelled("cannot give a result: the job was given up")
        except Exception as fault:
            order.ticket.cancel()  # it may not have been the work that failed
            error = as_server_error(fault)
            if error is not fault:
                logger.error("%s failed", job.id, exc_info=fault)
            return _bare(error)
        limit = self._settings.max_mib * MIB
        if len(result) <= limit:
            return result
        return TooLarge(
            f"cannot keep a result of {len(result)} bytes: {limit} bytes of results are kept in all; ask for "
            "fewer or smaller pictures, or start the server with more --keep-results-mib"
        )

    async def _observed(self, job: Job, ticket: Ticket[ImageEvent]) -> AsyncGenerator[ImageEvent]:
        delivered = cast("AsyncGenerator[ImageEvent]", ticket.events())
        async with contextlib.aclosing(delivered) as events:
            async for event in events:
                small = await asyncio.to_thread(thumbnail, event) if isinstance(event, Preview) else None
                if not job.status.over:
                    self._look(job)
                    if isinstance(event, Step):
                        job.step(event.done, event.total, self._clock())
                    elif small is not None:
                        job.show(small)
                    self._wake(job)
                yield event

    def _look(self, job: Job) -> None:
        """Nobody tells when a ticket leaves the queue; whoever looks, notes it."""
        ticket = self._tickets.get(job.id)
        if job.status is Status.QUEUED and ticket is not None and self._queue.position(ticket) is None:
            job.begin(self._clock(), int(self._now()))

    def _settle(self, job: Job, outcome: bytes | ServerError) -> None:
        """Unless it was cancelled meanwhile: then what came of it is dropped."""
        if job.status.over:
            return
        at_s, at = self._clock(), int(self._now())
        if isinstance(outcome, bytes):
            job.finish(outcome, at_s, at)
        elif isinstance(outcome, RequestCancelled):
            job.cancel(outcome, at_s, at)
        else:
            job.fail(outcome, at_s, at)
        del self._tickets[job.id]
        self._wake(job)
        self._sweep()

    def _wake(self, job: Job) -> None:
        for follower in self._followers:
            if follower.job is job:
                follower.wake()

    def _sweep(self) -> None:
        for job_id in to_forget(
            self._jobs.values(),
            self._clock(),
            keep_s=self._settings.keep_s,
            max_bytes=self._settings.max_mib * MIB,
            max_number=MAX_FINISHED,
        ):
            del self._jobs[job_id]


class Follower:
    """One listener: the job at once, then after each change that can be seen, and last when it is over."""

    def __init__(self, jobs: Jobs, job: Job) -> None:
        self.job = job
        self._jobs = jobs
        self._woken = asyncio.Event()
        self._left = False

    def wake(self) -> None:
        self._woken.set()

    def leave(self) -> None:
        self._left = True
        self._jobs.leave(self)
        self._woken.set()

    async def changes(self) -> AsyncGenerator[tuple[Status, bytes]]:
        """A preview comes once, when it is new; a result with the last of them."""
        seen: dict[str, Any] | None = None
        self._jobs.listen(self)
        try:
            while not self._left:
                self._woken.clear()
                told = self._jobs.told(self.job)
                lasting = {**told, "eta_s": None}
                if lasting != seen:
                    if seen is not None and told["preview"] == seen["preview"]:
                        told["preview"] = None
                    seen = lasting
                    yield self.job.status, with_result(told, self.job.result)
                if self.job.status.over:
                    return
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), LOOK_S)
        finally:
            self._jobs.leave(self)


def _bare(error: ServerError) -> ServerError:
    """Without the frames that it came through: they hold pictures, and the error is kept for long."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)
