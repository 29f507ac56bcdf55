"""Jobs: each listens to its ticket on the events' way into its result, and outlives its client."""

import asyncio
import contextlib
import gc
import json
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
from PIL import Image

from switchyard_image_server.errors import (
    Busy,
    EngineFault,
    InvalidValue,
    MediaNotAllowed,
    QueueFull,
    RequestCancelled,
    Stopping,
    TooLarge,
    UnknownJob,
)
from switchyard_image_server.images.events import Drawn, Finished, ImageEvent, Preview, Step
from switchyard_image_server.jobs import Follower, JobOrder, Jobs, Status
from switchyard_image_server.settings import ResultSettings
from switchyard_image_server.tickets import NobodyWatches, Ticket
from switchyard_image_server.webhooks import Webhooks

END = Finished(1, 0, 1)
PICTURE = Drawn(Image.new("RGB", (8, 8)), seed=7)


class Line:
    """A queue whose places are dealt out by hand."""

    usual_s = 10.0

    def __init__(self) -> None:
        self.places: dict[int, int] = {}
        self.withdrawn: list[Ticket[Any]] = []

    def ticket(self, place: int | None = None) -> Ticket[ImageEvent]:
        ticket: Ticket[ImageEvent] = Ticket(
            lambda _: None, self.withdrawn.append, "", alone=False, queued_at=0.0, watch=NobodyWatches()
        )
        if place is not None:
            self.places[id(ticket)] = place
        return ticket

    def serve(self, ticket: Ticket[Any]) -> None:
        del self.places[id(ticket)]

    def position(self, ticket: Ticket[Any]) -> int | None:
        return self.places.get(id(ticket))


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Office:
    """Jobs at work, and all that they stand among."""

    def __init__(self, webhooks: Webhooks | None = None) -> None:
        self.line = Line()
        self.clock = Clock()
        self.calls: list[tuple[str, Any]] = []
        settings = ResultSettings(keep_s=60.0, max_mib=1)
        calls = webhooks or Webhooks(self._post, pause=self._pause)
        self.jobs = Jobs(settings, self.line, calls, self.clock, lambda: 1000.0)

    async def _post(self, url: str, body: bytes, _: Any) -> int:
        self.calls.append((url, json.loads(body)))
        return 200

    async def _pause(self, _: float) -> None:
        pass

    def start(
        self, ticket: Ticket[ImageEvent] | None = None, collect: Any = None, webhook: str | None = None
    ) -> str:
        order = JobOrder("image.generation", ticket or self.line.ticket(), collect or whole, webhook)
        job_id: str = self.jobs.start(order)["id"]
        return job_id

    def told(self, job_id: str) -> dict[str, Any]:
        return self.jobs.told(self.jobs.find(job_id))

    async def until(self, job_id: str, status: Status) -> None:
        async with asyncio.timeout(10):
            while self.jobs.find(job_id).status is not status:
                await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def at_work(webhooks: Webhooks | None = None) -> AsyncIterator[Office]:
    office = Office(webhooks)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(office.jobs.run())
        await asyncio.sleep(0)
        try:
            yield office
        finally:
            running.cancel()


async def whole(events: AsyncIterator[ImageEvent]) -> dict[str, Any]:
    """Collects as the plain route does: by the pictures' seeds."""
    return {"data": [{"seed": event.seed} async for event in events if isinstance(event, Drawn)]}


def finish(ticket: Ticket[ImageEvent]) -> None:
    for event in (Step(1, 1), PICTURE, END):
        ticket.send(event)
    ticket.end(None)


async def test_a_job_is_told_of_at_once() -> None:
    async with at_work() as office:
        told = office.jobs.start(JobOrder("image.edit", office.line.ticket(place=2), whole))

    assert told["id"].startswith("job_")
    assert (told["object"], told["kind"], told["created_at"]) == ("job", "image.edit", 1000)
    assert (told["status"], told["queue_position"]) == (Status.QUEUED, 2)
    assert told["links"]["events"] == f"/v1/jobs/{told['id']}/events"


async def test_it_goes_from_the_queue_over_its_steps_to_its_result() -> None:
    async with at_work() as office:
        ticket = office.line.ticket(place=0)
        job_id = office.start(ticket)
        assert office.told(job_id)["status"] is Status.QUEUED
        with pytest.raises(Busy, match="it is queued"):
            office.jobs.result_of(job_id)

        office.line.serve(ticket)
        assert office.told(job_id)["status"] is Status.IN_PROGRESS

        ticket.send(Step(1, 4))
        await asyncio.sleep(0.01)
        assert (office.told(job_id)["step"], office.told(job_id)["total"]) == (1, 4)

        finish(ticket)
        await office.until(job_id, Status.COMPLETED)
        assert json.loads(office.jobs.result_of(job_id)) == {"data": [{"seed": 7}]}


async def test_previews_are_seen_on_their_way() -> None:
    async with at_work() as office:
        ticket = office.line.ticket()
        job_id = office.start(ticket)

        ticket.send(Preview(0, 1, Image.new("RGB", (8, 8))))
        async with asyncio.timeout(10):
            while (preview := office.told(job_id)["preview"]) is None:
                await asyncio.sleep(0.001)

        assert (preview["picture"], preview["index"], preview["output_format"]) == (0, 1, "webp")


async def test_what_the_work_refuses_is_the_jobs_error() -> None:
    async with at_work() as office:
        ticket = office.line.ticket()
        job_id = office.start(ticket)

        ticket.end(InvalidValue("cannot draw that", param="prompt"))
        await office.until(job_id, Status.FAILED)

        assert office.told(job_id)["error"]["param"] == "prompt"
        with pytest.raises(InvalidValue, match="cannot draw that"):
            office.jobs.result_of(job_id)


async def test_a_fault_while_the_result_is_made_stops_the_work(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(events: AsyncIterator[ImageEvent]) -> dict[str, Any]:
        async for _ in events:
            raise RuntimeError("the encoder fell over")
        return {}

    async with at_work() as office:
        ticket = office.line.ticket()
        job_id = office.start(ticket, broken)

        ticket.send(PICTURE)
        await office.until(job_id, Status.FAILED)

        assert ticket.cancelled
        with pytest.raises(EngineFault, match="the encoder fell over"):
            office.jobs.result_of(job_id)
    assert "the encoder fell over" in caplog.text


async def test_a_cancelled_job_is_over_at_once_and_stops_its_work() -> None:
    async with at_work() as office:
        ticket = office.line.ticket()
        job_id = office.start(ticket)

        job = office.jobs.end(job_id)

        assert job is not None
        assert job.status is Status.CANCELLED
        assert ticket.cancelled
        assert office.line.withdrawn == [ticket]
        with pytest.raises(RequestCancelled):
            office.jobs.result_of(job_id)


async def test_cancelling_twice_answers_twice_the_same() -> None:
    async with at_work() as office:
        job_id = office.start()
        office.jobs.end(job_id)
        await asyncio.sleep(0.01)
        first = office.told(job_id)

        office.jobs.end(job_id)

        assert office.told(job_id) == first


async def test_a_picture_that_was_done_when_the_job_was_cancelled_is_dropped() -> None:
    async with at_work() as office:
        ticket = office.line.ticket()
        job_id = office.start(ticket)
        finish(ticket)

        office.jobs.end(job_id)
        await asyncio.sleep(0.05)

        assert office.told(job_id)["status"] is Status.CANCELLED
        assert office.jobs.find(job_id).result is None


async def test_ending_a_finished_job_forgets_it() -> None:
    async with at_work() as office:
        ticket = office.line.ticket()
        job_id = office.start(ticket)
        finish(ticket)
        await office.until(job_id, Status.COMPLETED)

        assert office.jobs.end(job_id) is None

        with pytest.raises(UnknownJob, match="kept for 60 s"):
            office.jobs.find(job_id)


async def test_results_are_kept_for_their_time() -> None:
    async with at_work() as office:
        ticket = office.line.ticket()
        job_id = office.start(ticket)
        finish(ticket)
        await office.until(job_id, Status.COMPLETED)

        office.clock.now += 59.9
        assert office.jobs.newest_first()

        office.clock.now += 0.1
        assert office.jobs.newest_first() == []


async def test_a_job_that_runs_is_kept_however_long_it_takes() -> None:
    async with at_work() as office:
        job_id = office.start()
        office.clock.now += 1e6

        assert office.jobs.find(job_id)


async def test_a_result_larger_than_the_store_is_refused_with_the_numbers() -> None:
    async def much(events: AsyncIterator[ImageEvent]) -> dict[str, Any]:
        await whole(events)
        return {"data": "x" * 2**20}

    async with at_work() as office:
        ticket = office.line.ticket()
        job_id = office.start(ticket, much)
        finish(ticket)
        await office.until(job_id, Status.FAILED)

        with pytest.raises(TooLarge, match="--keep-results-mib"):
            office.jobs.result_of(job_id)


async def test_the_newest_job_is_listed_first() -> None:
    async with at_work() as office:
        started = [office.start() for _ in range(3)]

        assert [job.id for job in office.jobs.newest_first()] == started[::-1]


async def test_a_finished_job_holds_nothing_of_its_request() -> None:
    class Pictures:
        async def collect(self, events: AsyncIterator[ImageEvent]) -> dict[str, Any]:
            return await whole(events)

    async with at_work() as office:
        pictures = Pictures()
        gone = weakref.ref(pictures)
        ticket = office.line.ticket()
        job_id = office.start(ticket, pictures.collect)
        del pictures

        finish(ticket)
        await office.until(job_id, Status.COMPLETED)
        await asyncio.sleep(0.01)
        gc.collect()

        assert gone() is None


async def test_a_failed_job_holds_nothing_of_its_request() -> None:
    """An exception holds the frames it came through, and they hold the pictures."""

    class Pictures:
        pass

    async def broken(events: AsyncIterator[ImageEvent]) -> dict[str, Any]:
        kept = Pictures()
        seen.append(weakref.ref(kept))
        return await whole(events)

    seen: list[Any] = []
    async with at_work() as office:
        ticket = office.line.ticket()
        job_id = office.start(ticket, broken)
        await asyncio.sleep(0)
        ticket.end(QueueFull("cannot draw"))
        await office.until(job_id, Status.FAILED)
        for _ in range(3):
            with pytest.raises(QueueFull):
                office.jobs.result_of(job_id)
        gc.collect()

        assert seen[0]() is None


async def test_when_the_server_stops_jobs_fail_and_say_so() -> None:
    async with at_work() as office:
        ticket = office.line.ticket()
        job_id = office.start(ticket)
        await asyncio.sleep(0)

    assert office.jobs.find(job_id).status is Status.FAILED
    assert ticket.cancelled
    with pytest.raises(Stopping):
        office.jobs.result_of(job_id)


async def test_nothing_is_started_before_or_after() -> None:
    office = Office()
    ticket = office.line.ticket()

    with pytest.raises(Stopping):
        office.start(ticket)

    assert ticket.cancelled


async def heard(follower: Follower, into: list[dict[str, Any]]) -> None:
    async for status, content in follower.changes():
        into.append(json.loads(content))
        assert into[-1]["status"] == status


async def both(group: asyncio.TaskGroup, *work: Coroutine[Any, Any, None]) -> None:
    for one in work:
        group.create_task(one)
    await asyncio.sleep(0.01)


async def test_listeners_hear_each_change_and_the_result_last() -> None:
    async with at_work() as office:
        ticket = office.line.ticket(place=1)
        job_id = office.start(ticket)
        first: list[dict[str, Any]] = []
        second: list[dict[str, Any]] = []
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            await both(
                group,
                heard(office.jobs.follow(job_id), first),
                heard(office.jobs.follow(job_id), second),
            )
            office.line.serve(ticket)
            for number in (1, 2):
                ticket.send(Step(number, 2))
                await asyncio.sleep(0.01)
            ticket.send(PICTURE)
            ticket.send(END)
            ticket.end(None)

    assert [one["status"] for one in first] == ["queued", "in_progress", "in_progress", "completed"]
    assert [one["step"] for one in first] == [0, 1, 2, 2]
    assert first[-1]["result"] == {"data": [{"seed": 7}]}
    assert second == first


async def test_a_listener_gets_each_preview_once() -> None:
    async with at_work() as office:
        ticket = office.line.ticket()
        got: list[dict[str, Any]] = []
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            await both(group, heard(office.jobs.follow(office.start(ticket)), got))
            ticket.send(Preview(0, 0, Image.new("RGB", (8, 8))))
            while not (got and got[-1]["preview"]):
                await asyncio.sleep(0.001)
            ticket.send(Step(1, 2))
            await asyncio.sleep(0.01)
            finish(ticket)

    assert [one["preview"] is not None for one in got].count(True) == 1


async def test_a_listener_that_comes_late_gets_the_end_and_leaves() -> None:
    async with at_work() as office:
        ticket = office.line.ticket()
        job_id = office.start(ticket)
        finish(ticket)
        await office.until(job_id, Status.COMPLETED)
        got: list[dict[str, Any]] = []

        async with asyncio.timeout(10):
            await heard(office.jobs.follow(job_id), got)

    assert [one["status"] for one in got] == ["completed"]


async def test_a_listener_that_leaves_is_forgotten_and_the_job_goes_on(
    forgotten: Callable[[Jobs], bool],
) -> None:
    async with at_work() as office:
        ticket = office.line.ticket()
        job_id = office.start(ticket)
        follower = office.jobs.follow(job_id)
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            await both(group, heard(follower, []))
            assert not forgotten(office.jobs)
            follower.leave()

        assert forgotten(office.jobs)
        assert not ticket.cancelled
        assert office.told(job_id)["status"] is Status.IN_PROGRESS


async def test_a_listener_that_heard_the_end_is_forgotten(forgotten: Callable[[Jobs], bool]) -> None:
    async with at_work() as office:
        ticket = office.line.ticket()
        follower = office.jobs.follow(office.start(ticket))
        finish(ticket)
        async with asyncio.timeout(10):
            await heard(follower, [])

        assert forgotten(office.jobs)


async def test_a_listener_whose_connection_broke_is_forgotten(forgotten: Callable[[Jobs], bool]) -> None:
    """Nobody reads its changes to their end then."""
    async with at_work() as office:
        follower = office.jobs.follow(office.start())
        changes = follower.changes()
        await anext(changes)

        follower.leave()

        assert forgotten(office.jobs)
        await changes.aclose()


@pytest.fixture
def forgotten() -> Callable[[Jobs], bool]:
    return lambda jobs: not jobs._followers


async def test_a_webhook_is_told_when_the_job_is_over_without_its_pictures() -> None:
    async with at_work() as office:
        ticket = office.line.ticket()
        job_id = office.start(ticket, webhook="https://example.org/done?secret=1")
        finish(ticket)
        async with asyncio.timeout(10):
            while not office.calls:
                await asyncio.sleep(0.001)

    ((url, told),) = office.calls
    assert url == "https://example.org/done?secret=1"
    assert (told["id"], told["status"]) == (job_id, "completed")
    assert "result" not in told
    assert "secret" not in json.dumps(told)


async def test_a_webhook_that_takes_its_time_holds_nothing_of_the_request() -> None:
    class Pictures:
        async def collect(self, events: AsyncIterator[ImageEvent]) -> dict[str, Any]:
            return await whole(events)

    async def slow(*_: Any) -> int:
        called.set()
        await asyncio.Event().wait()
        return 200

    called = asyncio.Event()
    async with at_work(Webhooks(slow)) as office:
        pictures = Pictures()
        gone = weakref.ref(pictures)
        ticket = office.line.ticket()
        office.start(ticket, pictures.collect, webhook="https://example.org/")
        del pictures

        finish(ticket)
        await asyncio.wait_for(called.wait(), 10)
        gc.collect()

        assert gone() is None


@pytest.mark.parametrize("end", ["cancelled", "failed"])
async def test_a_webhook_hears_of_every_end(end: str) -> None:
    async with at_work() as office:
        ticket = office.line.ticket()
        job_id = office.start(ticket, webhook="https://example.org/")
        await asyncio.sleep(0)
        if end == "cancelled":
            office.jobs.end(job_id)
        else:
            ticket.end(QueueFull("cannot draw"))
        async with asyncio.timeout(10):
            while not office.calls:
                await asyncio.sleep(0.001)

    assert office.calls[0][1]["status"] == end


async def test_a_webhook_that_breaks_takes_no_other_job_along(caplog: pytest.LogCaptureFixture) -> None:
    async def breaks(*_: Any) -> int:
        raise ValueError("a fault of ours")

    async with at_work(Webhooks(breaks)) as office:
        first, second = office.line.ticket(), office.line.ticket()
        office.start(first, webhook="https://example.org/")
        job_id = office.start(second)
        finish(first)
        await asyncio.sleep(0.05)
        finish(second)
        await office.until(job_id, Status.COMPLETED)
    assert "a fault of ours" in caplog.text


async def test_a_refused_webhook_refuses_the_job_and_its_work() -> None:
    async with at_work(Webhooks(None)) as office:
        ticket = office.line.ticket()

        with pytest.raises(MediaNotAllowed, match="--fetch-media") as refused:
            office.start(ticket, webhook="https://example.org/")

        assert refused.value.param == "webhook"
        assert ticket.cancelled
        assert office.jobs.newest_first() == []
