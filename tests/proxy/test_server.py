"""The console script as a process of its own: how it starts, and how it ends when it is told to."""

import asyncio
import gc
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import pytest

from switchyard_proxy.server import listen
from tests.proxy.conftest import House
from tests.proxy.engines import DONE, Held, ScriptedEngine, chat_chunk, says_json, streams
from tests.proxy.managers import GrantsWhatIsWanted
from tests.proxy.running import Line, RunningProxy

SOON_S = 15.0
START = (sys.executable, "-c", "from switchyard_proxy.main import main; main()")
FIRST = chat_chunk("Hel")
REST = chat_chunk("lo") + DONE


@dataclass
class Process:
    """The proxy, and what it said."""

    process: asyncio.subprocess.Process
    said: str = ""
    port: int = 0

    @classmethod
    async def start(cls, *arguments: str) -> "Process":
        process = await asyncio.create_subprocess_exec(*START, *arguments, stderr=asyncio.subprocess.PIPE)
        return cls(process)

    async def until_said(self, pattern: str) -> re.Match[str]:
        assert self.process.stderr is not None
        async with asyncio.timeout(SOON_S):
            while not (found := re.search(pattern, self.said)):
                line = await self.process.stderr.readline()
                assert line, f"it ended, having said: {self.said}"
                self.said += line.decode()
        return found

    async def until_serving(self) -> "Process":
        self.port = int((await self.until_said(r"listening on http://127\.0\.0\.1:(\d+)"))[1])
        await self.until_said("met the manager")
        return self

    async def end(self) -> int:
        """Its exit status."""
        assert self.process.stderr is not None
        async with asyncio.timeout(SOON_S):
            self.said += (await self.process.stderr.read()).decode()
            return await self.process.wait()


class Starts:
    """Starts proxies as processes; none outlives its test."""

    def __init__(self, manager: GrantsWhatIsWanted) -> None:
        self.manager = manager
        self.all: list[Process] = []
        self.lines: list[Line] = []

    async def __call__(self, *arguments: str) -> Process:
        process = await Process.start("--port", "0", "--manager", self.manager.url, *arguments)
        self.all.append(process)
        return process

    async def line(self, proxy: Process) -> Line:
        line = Line(*await asyncio.open_connection("127.0.0.1", proxy.port))
        self.lines.append(line)
        return line

    async def stream(self, proxy: Process) -> Line:
        """A client in the middle of a stream."""
        line = await self.line(proxy)
        await line.post("/v1/chat/completions", b'{"model":"chat","stream":true}')
        await line.until(FIRST)
        return line


@pytest.fixture
def held() -> Held:
    return Held(first=FIRST, rest=REST)


@pytest.fixture
async def engine(house: House, held: Held) -> ScriptedEngine:
    return await house.engine(held)


@pytest.fixture
async def start(house: House, engine: ScriptedEngine) -> AsyncIterator[Starts]:
    starts = Starts(await house.manager(engine))
    yield starts
    for line in starts.lines:
        await line.hang_up()
    for process in starts.all:
        if process.process.returncode is None:
            process.process.kill()
            await process.end()


async def test_the_first_signal_lets_a_stream_finish_and_takes_no_new_connection(
    start: Starts, held: Held
) -> None:
    proxy = await (await start("--stop-grace-s", "30")).until_serving()
    line = await start.stream(proxy)

    proxy.process.send_signal(signal.SIGTERM)
    await refusing(proxy.port)
    held.go_on.set()
    rest = await line.everything()

    assert REST in rest
    assert rest.endswith(b"0\r\n\r\n")
    assert await proxy.end() == 0


async def refusing(port: int) -> None:
    """Until nothing listens there."""
    async with asyncio.timeout(SOON_S):
        while await accepts(port):
            await asyncio.sleep(0.01)


async def accepts(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionError:
        return False
    writer.transport.abort()
    await asyncio.sleep(0)
    return True


async def test_a_stream_longer_than_the_grace_is_ended_with_an_error(start: Starts, held: Held) -> None:
    proxy = await (await start("--stop-grace-s", "0.05")).until_serving()
    line = await start.stream(proxy)

    proxy.process.send_signal(signal.SIGINT)
    rest = await line.everything()

    assert b"cannot finish the reply: the proxy stops" in rest
    assert rest.endswith(DONE + b"\r\n0\r\n\r\n")
    assert await proxy.end() == 0
    assert "Traceback" not in proxy.said


async def test_the_second_signal_ends_it_at_once(start: Starts, held: Held) -> None:
    proxy = await (await start("--stop-grace-s", "600")).until_serving()
    line = await start.stream(proxy)

    proxy.process.send_signal(signal.SIGTERM)
    await refusing(proxy.port)
    proxy.process.send_signal(signal.SIGTERM)
    rest = await line.everything()

    assert b"the proxy stops" in rest
    assert await proxy.end() == 0


async def test_the_second_signal_waits_for_no_client_that_is_slow_to_send(start: Starts) -> None:
    proxy = await (await start("--stop-grace-s", "600")).until_serving()
    line = await start.line(proxy)
    line.writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
    await line.writer.drain()

    for _ in range(2):
        proxy.process.send_signal(signal.SIGTERM)
        await refusing(proxy.port)
    rest = await line.everything()

    assert rest.startswith(b"HTTP/1.1 503 ")
    assert b"the proxy stops" in rest
    assert await proxy.end() == 0
    assert "Traceback" not in proxy.said


async def test_with_nothing_to_finish_it_ends_without_a_wait(start: Starts) -> None:
    proxy = await (await start("--stop-grace-s", "600")).until_serving()

    proxy.process.send_signal(signal.SIGTERM)

    assert await proxy.end() == 0
    assert "Traceback" not in proxy.said


async def test_a_port_in_use_is_told_in_a_sentence(start: Starts) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        proxy = await start("--port", str(port))

        status = await proxy.end()

    assert status == 1
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use; choose another" in proxy.said
    assert "Traceback" not in proxy.said


async def test_a_setting_that_cannot_be_used_is_told_in_a_sentence(start: Starts) -> None:
    proxy = await start("--load-wait-s", "soon")

    status = await proxy.end()

    assert status == 1
    assert "cannot use 'soon' for --load-wait-s: give a number of seconds" in proxy.said
    assert "Traceback" not in proxy.said


BIG = b'{"model":"chat","pad":"' + b"a" * 100_000 + b'"}'
STREAMED = BIG[:-1] + b',"stream":true}'
OURS = ("switchyard_", "uvicorn", "httptools")


async def test_no_request_leaves_a_circle_that_only_the_collector_frees(house: House) -> None:
    _, _, proxy = await house.serving(streams([FIRST, REST]))
    for _ in range(2):
        await ask_in_every_way(proxy)
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        for _ in range(25):
            await ask_in_every_way(proxy)
        await asyncio.sleep(0)
        gc.collect()
        circles = list(gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()

    assert {type(each).__qualname__ for each in circles if is_ours(each)} == set()
    assert [each for each in circles if holds_bytes(each)] == []


async def ask_in_every_way(proxy: RunningProxy) -> None:
    """Answered, streamed, refused, and left in the middle."""
    for body in (BIG, STREAMED, BIG.replace(b"chat", b"nope")):
        line = await Line.to(proxy)
        await line.post("/v1/chat/completions", body, "connection: close")
        assert await line.everything()
        await line.hang_up()
    for sent in (BIG, BIG[:70_000]):
        line = await Line.to(proxy)
        line.writer.write(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 100025\r\n\r\n" + sent
        )
        await line.writer.drain()
        await line.hang_up()
    await proxy.until_idle()
    async with asyncio.timeout(SOON_S):
        while proxy._server.server_state.connections:
            await asyncio.sleep(0.001)


def is_ours(each: object) -> bool:
    if isinstance(each, FrameType):
        return any(f"/{ours}" in each.f_code.co_filename for ours in OURS)
    return type(each).__module__.startswith(OURS)


def holds_bytes(each: object) -> bool:
    held: Iterable[object] = gc.get_referents(each)
    return any(isinstance(one, bytes | bytearray) and len(one) > 5_000 for one in held)


async def test_large_bodies_leave_no_memory_behind(start: Starts, engine: ScriptedEngine) -> None:
    engine.scripts[:] = [says_json({})]
    proxy = await (await start()).until_serving()
    before = resident_mib(proxy)
    body = b'{"model":"chat","pad":"' + b"a" * 20_000_000 + b'"}'

    async def ask(times: int) -> None:
        line = await start.line(proxy)
        for _ in range(times):
            await line.post("/v1/chat/completions", body)
            assert (await line.until(b"{}")).startswith(b"HTTP/1.1 200 ")
            engine.seen.clear()

    async with asyncio.TaskGroup() as clients:
        for _ in range(4):
            clients.create_task(ask(15))

    assert resident_mib(proxy) - before < 150
    assert resident_mib(proxy, "VmHWM") - before < 350


def resident_mib(proxy: Process, which: str = "VmRSS") -> int:
    status = Path(f"/proc/{proxy.process.pid}/status").read_text()
    found = re.search(rf"{which}:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) // 1024


def test_no_event_waits_for_the_client_to_acknowledge_the_one_before() -> None:
    with (
        listen("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname()),
    ):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
