"""The routes say what the file says, refuse what makes no sense, and a live stream ends with its client."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from switchyard_proxy.accounting.account import Outcome, Usage
from switchyard_proxy.accounting.captures import Capture
from switchyard_proxy.accounting.families import METRICS
from switchyard_proxy.accounting.ledger import Ledger
from switchyard_proxy.accounting.live import Pace
from switchyard_proxy.accounting.metrics import Metrics
from switchyard_proxy.accounting.store import Keep, Store
from switchyard_proxy.api import metrics as metrics_api
from switchyard_proxy.api import requests as requests_api
from switchyard_proxy.errors import ProxyError, tell
from tests.proxy.accounting.samples import account


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "requests.db"


@pytest.fixture
def store(file: Path) -> Iterator[Store]:
    opened = Store(file, Keep())
    yield opened
    opened.close()


@pytest.fixture
def closing() -> asyncio.Event:
    return asyncio.Event()


@pytest.fixture
def app(file: Path, closing: asyncio.Event) -> FastAPI:
    async def soon(_: float) -> None:
        await asyncio.sleep(0.002)

    async def told(_: Request, error: Exception) -> Response:
        assert isinstance(error, ProxyError)
        answer = tell(error)
        return Response(answer.payload, answer.status)

    made = FastAPI()
    made.add_exception_handler(ProxyError, told)
    made.include_router(requests_api.router(Ledger(file), closing, Pace(soon)))
    return made


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://proxy") as client:
        yield client


async def got(http: httpx.AsyncClient, path: str, **query: Any) -> Any:
    reply = await http.get(path, params=query)
    assert reply.status_code == 200, reply.text
    return reply.json()


async def test_lists_the_newest_first_and_pages(store: Store, http: httpx.AsyncClient) -> None:
    store.write([account(id=name) for name in "abcde"])

    first = await got(http, "/api/requests", limit=2)
    second = await got(http, "/api/requests", limit=2, before=first["before"])
    third = await got(http, "/api/requests", limit=2, before=second["before"])

    pages = [[entry["request_id"] for entry in page["requests"]] for page in (first, second, third)]
    assert pages == [["e", "d"], ["c", "b"], ["a"]]
    assert third["before"] is None


async def test_a_page_tells_what_the_stream_is_to_go_on_after_though_nothing_on_it_was_wanted(
    store: Store, http: httpx.AsyncClient
) -> None:
    before_any = await got(http, "/api/requests")
    store.write([account(id="a"), account(id="b")])

    page = await got(http, "/api/requests", q="c")

    last = await got(http, "/api/requests/b")
    assert (before_any["newest"], page["requests"], page["newest"]) == (0, [], last["id"])


async def test_an_entry_has_every_number(store: Store, http: httpx.AsyncClient) -> None:
    store.write([account(id="a")])

    (entry,) = (await got(http, "/api/requests"))["requests"]

    assert entry == await got(http, "/api/requests/a")
    assert (entry["tokens_in"], entry["tokens_out"], entry["cached"]) == (7, 40, 3)
    assert (entry["queue_s"], entry["load_s"], entry["first_s"], entry["total_s"]) == (0.5, 2.0, 3.0, 6.5)
    assert (entry["streams"], entry["code"]) == (True, None)


@pytest.mark.parametrize(
    "filters",
    [
        {"model": "b"},
        {"key": "b"},
        {"route": "/b"},
        {"outcome": "failed"},
        {"code": "overloaded"},
        {"status": "5xx"},
        {"since": 200},
        {"min_duration_s": 7},
        {"q": "b"},
    ],
)
async def test_filters_reach_the_file(store: Store, http: httpx.AsyncClient, filters: dict[str, Any]) -> None:
    other = account(id="b", model="b", key="b", route="/b", at=300.0, ended=60.0, status=503)
    other.outcome, other.code = Outcome.FAILED, "overloaded"
    store.write([account(id="a", at=100.0), other])

    assert [entry["request_id"] for entry in (await got(http, "/api/requests", **filters))["requests"]] == ["b"]


@pytest.mark.parametrize(
    "query",
    [{"limit": 501}, {"limit": 0}, {"status": "6xx"}, {"outcome": "nice"}, {"before": -1}, {"since": "now"}],
)
async def test_what_makes_no_sense_is_refused(http: httpx.AsyncClient, query: dict[str, Any]) -> None:
    assert (await http.get("/api/requests", params=query)).status_code == 422


async def test_a_request_that_is_not_there_is_not_found(http: httpx.AsyncClient) -> None:
    reply = await http.get("/api/requests/nobody")

    assert reply.status_code == 404
    assert "cannot find request 'nobody'" in reply.json()["error"]["message"]


async def test_sums_up_the_last_day_by_model_unless_told_otherwise(
    store: Store, http: httpx.AsyncClient
) -> None:
    store.write([account(at=4e9, model="a"), account(at=4e9, model="a", usage=Usage(1, 1)), account(at=1.0)])

    by_model = await got(http, "/api/requests/stats")
    together = await got(http, "/api/requests/stats", by=["key", "hour"], since=0)

    (share,) = by_model["shares"]
    assert (share["model"], share["key"], share["requests"], share["tokens_out"]) == ("a", None, 2, 41)
    assert share["spreads"]["first_s"] == {"p50": 3.0, "p95": 3.0}
    assert [(one["key"], one["requests"]) for one in together["shares"]] == [("anyone", 2), ("anyone", 1)]


async def test_only_known_groups_are_taken(http: httpx.AsyncClient) -> None:
    assert (await http.get("/api/requests/stats", params={"by": "id; DROP TABLE requests"})).status_code == 422


async def test_shows_what_was_captured_or_says_why_not(store: Store, http: httpx.AsyncClient) -> None:
    capture = Capture(1_000)
    capture.asked("POST", "/x", [(b"content-type", b"application/json"), (b"x-api-key", b"s3cret")], b'{"a":1}')
    store.write([account(id="a", capture=capture), account(id="b")])

    kept = await got(http, "/api/requests/a/capture")
    none = await http.get("/api/requests/b/capture")

    assert kept["request"] == {"text": '{"a":1}', "size": 7, "cut": False}
    assert kept["request_headers"]["x-api-key"] == "[redacted]"
    assert none.status_code == 404
    assert "--captures" in none.json()["error"]["message"]


class Listener:
    """One that asks for the live stream by itself, and leaves when it likes."""

    def __init__(self, app: FastAPI, query: str = "", *headers: tuple[bytes, bytes]) -> None:
        self._app = app
        self._scope = {
            "type": "http",
            "method": "GET",
            "path": "/api/requests/live",
            "raw_path": b"/api/requests/live",
            "query_string": query.encode(),
            "headers": list(headers),
            "http_version": "1.1",
        }
        self.leaves = asyncio.Event()
        self.seen = b""
        self.ended = False
        self.news = asyncio.Event()
        self.takes = asyncio.Event()
        self.takes.set()

    async def run(self) -> None:
        await self._app(self._scope, self._receive, self._send)

    async def _receive(self) -> dict[str, Any]:
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        await self.takes.wait()
        self.seen += message.get("body", b"")
        self.ended = message["type"] == "http.response.body" and not message.get("more_body")
        self.news.set()

    async def until(self, text: bytes) -> None:
        async with asyncio.timeout(20):
            while text not in self.seen:
                self.news.clear()
                await self.news.wait()


async def test_a_live_stream_shows_requests_as_they_end_and_ends_with_its_client(
    app: FastAPI, store: Store
) -> None:
    listener = Listener(app, "model=qwen3")
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        tasks.create_task(listener.run())
        await listener.until(b": keepalive\n\n")
        await asyncio.to_thread(store.write, [account(id="other", model="x"), account(id="live-one")])
        await listener.until(b"live-one")
        listener.leaves.set()

    assert listener.ended
    assert b"other" not in listener.seen
    data = next(line for line in listener.seen.splitlines() if line.startswith(b"data: "))
    assert json.loads(data[6:])["request_id"] == "live-one"


async def test_a_live_stream_goes_on_after_the_row_that_a_browser_names(app: FastAPI, store: Store) -> None:
    store.write([account(id=name) for name in ("one", "two", "three")])
    listener = Listener(app, "after=0", (b"last-event-id", b"2"))
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        tasks.create_task(listener.run())
        await listener.until(b"three")
        listener.leaves.set()

    assert b'"two"' not in listener.seen


async def test_a_live_stream_ends_when_the_proxy_stops(app: FastAPI, closing: asyncio.Event) -> None:
    listener = Listener(app)
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        tasks.create_task(listener.run())
        await listener.until(b": keepalive\n\n")
        closing.set()

    assert listener.ended


async def test_a_live_stream_whose_client_takes_nothing_ends_when_it_leaves(app: FastAPI, store: Store) -> None:
    listener = Listener(app)
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(listener.run())
        await listener.until(b": keepalive\n\n")
        listener.takes.clear()
        await asyncio.to_thread(store.write, [account() for _ in range(50)])
        listener.leaves.set()
        await asyncio.sleep(0.05)
        listener.takes.set()
        await running

    assert listener.ended


async def test_metrics_are_served_as_prometheus_reads_them() -> None:
    app = FastAPI()
    counted = Metrics(list, [], {}, "1")
    counted.count([account()])
    app.include_router(metrics_api.router(counted))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://proxy") as http:
        reply = await http.get("/metrics")

    assert reply.headers["content-type"].startswith("text/plain")
    told = {tuple(line.split(" ", 3)[2:]) for line in reply.text.splitlines() if line.startswith("# HELP")}
    assert told == set(METRICS.items())
