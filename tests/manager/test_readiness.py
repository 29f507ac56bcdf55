"""When it is noticed that an engine answers, and what the looking costs."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest

from switchyard_manager.engines import Probe
from switchyard_manager.supervise import readiness
from switchyard_manager.supervise.readiness import pauses, until_answering
from switchyard_manager.supervise.talk import Engine

HEALTH = Probe("/health", timeout_s=2.0)
LIMIT_S = 10.0


@dataclass
class Loads:
    """A server that says 503 until it is well, and counts how often it was asked."""

    well: bool = False
    asked: int = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readline():
            if head == b"\r\n":
                self.asked += 1
                status = b"200 OK" if self.well else b"503 Service Unavailable"
                writer.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\n\r\n")
        writer.close()


@asynccontextmanager
async def listening(loads: Loads, port: int = 0) -> AsyncIterator[int]:
    server = await asyncio.start_server(loads.answer, "127.0.0.1", port)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:  # noqa: S501 - plain HTTP
        yield client


def test_a_long_wait_is_looked_at_ever_less_often_and_never_less_than_the_last_pause_says() -> None:
    begins = list(itertools.islice(pauses(0.01, 0.002, 0.1), 3))
    whole, spent = 0, 0.0
    for pause_s in pauses(0.01, 0.002, 0.1):
        whole, spent = whole + 1, spent + pause_s
        if spent >= 600:
            break

    assert begins == [0.01] * 3
    assert pause_s == 0.1
    assert whole < 8000, "ten minutes must not cost more looks than this"


async def test_an_engine_that_refused_until_now_is_noticed_at_once(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "ASK_S", 60.0)
    loads = Loads(well=True)
    async with listening(loads) as port:
        pass
    engine = Engine(http, f"http://127.0.0.1:{port}", {})

    async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as both:
        waiting = both.create_task(until_answering(engine, HEALTH, asyncio.Event()))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        async with listening(loads, port):
            await waiting
            await http.aclose()

    assert loads.asked == 1, "nothing was asked of it while it refused"


async def test_an_engine_that_still_loads_is_asked_seldom(http: httpx.AsyncClient) -> None:
    loads = Loads()
    async with listening(loads) as port, asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as both:
        engine = Engine(http, f"http://127.0.0.1:{port}", {})
        waiting = both.create_task(until_answering(engine, HEALTH, asyncio.Event()))
        await asyncio.sleep(0.55)
        waiting.cancel()
        await http.aclose()

    assert 2 <= loads.asked <= 6


async def test_what_the_log_announces_is_asked_for_at_once(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "ASK_S", 60.0)
    loads, announced = Loads(), asyncio.Event()
    async with listening(loads) as port, asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as both:
        engine = Engine(http, f"http://127.0.0.1:{port}", {})
        waiting = both.create_task(until_answering(engine, HEALTH, announced))
        await asyncio.sleep(0.1)
        announced.set()  # it speaks a moment before it is so
        await asyncio.sleep(0.1)
        loads.well = True
        await waiting
        await http.aclose()

    assert loads.asked > 2


async def test_one_that_announced_itself_and_is_never_well_is_asked_seldom_again(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "ASKS_AT_ONCE", 3)
    monkeypatch.setattr(readiness, "ASK_S", 60.0)
    loads, announced = Loads(), asyncio.Event()
    announced.set()
    async with listening(loads) as port, asyncio.TaskGroup() as both:
        engine = Engine(http, f"http://127.0.0.1:{port}", {})
        waiting = both.create_task(until_answering(engine, HEALTH, announced))
        await asyncio.sleep(0.4)
        waiting.cancel()
        await http.aclose()

    assert loads.asked == 4
