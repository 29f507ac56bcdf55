"""Several workers, as real processes: one limit for all of them, and what happens when some of them die."""

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection

from switchyard_contracts.serving import Serving
from switchyard_proxy.access.board import Board
from switchyard_proxy.access.board import _place as place_of_board
from switchyard_proxy.access.callers import Limits
from switchyard_proxy.access.key_file import KeyFile
from switchyard_proxy.access.keys import make_key
from switchyard_proxy.access.turns import SharedTurns
from switchyard_proxy.grants.lines import Front
from switchyard_proxy.settings import SettingRefused
from switchyard_proxy.workers import MOST, bounded, pause_before
from tests.proxy.conftest import House
from tests.proxy.engines import DONE, Wire, chat_chunk
from tests.proxy.managers import GrantsWhatIsWanted, status
from tests.proxy.running import Line, settings_with

SOON_S = 30.0
MAIN = "from switchyard_proxy.main import main; main()"
CANNOT_START = "from switchyard_proxy import workers; workers.ENTRY = 'raise SystemExit(7)'; "
FIRST = chat_chunk("Hel")
REST = chat_chunk("lo") + DONE
ASK = b'{"model":"chat","stream":true}'


@dataclass
class Gate:
    """An engine's script: every stream begins, and goes on when it is let. Counts who is in."""

    open: asyncio.Event = field(default_factory=asyncio.Event)
    inside: int = 0
    most: int = 0
    served: int = 0
    pause_s: float = 0.0

    async def __call__(self, wire: Wire) -> None:
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            await wire.begin_stream()
            await wire.chunk(FIRST)
            await asyncio.sleep(self.pause_s)
            await self.open.wait()
            self.served += 1
            await wire.chunk(REST)
        finally:
            self.inside -= 1
        with contextlib.suppress(ConnectionError):
            await wire.end_stream()


class GrantsToEach(GrantsWhatIsWanted):
    """Several proxies at once, each on its own; one of its models takes two requests at a time."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.models = [status("chat"), status("few", serving=Serving(max_concurrency=2, max_queue=100))]
        self.endpoints.setdefault("few", next(iter(self.endpoints.values())))

    async def _converse(self, socket: ServerConnection) -> None:
        await GrantsWhatIsWanted(self.models, self.endpoints)._converse(socket)


class Crew:
    """The proxy with its workers, and what it said."""

    def __init__(self, process: asyncio.subprocess.Process, state: Path) -> None:
        self.process = process
        self.state = state
        self.said = ""
        self.port = 0
        self.lines: list[Line] = []

    async def reads(self) -> None:
        assert self.process.stderr is not None
        while line := await self.process.stderr.readline():
            self.said += line.decode()

    async def until(self, met: Callable[[], object]) -> None:
        async with asyncio.timeout(SOON_S):
            while not met():
                await asyncio.sleep(0.01)

    async def until_said(self, pattern: str, times: int = 1) -> re.Match[str]:
        await self.until(lambda: len(re.findall(pattern, self.said)) >= times)
        found = re.search(pattern, self.said)
        assert found is not None
        return found

    @property
    def workers(self) -> list[int]:
        """Their process ids."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(child) for child in children.split()]

    async def line(self) -> Line:
        line = Line(*await asyncio.open_connection("127.0.0.1", self.port))
        self.lines.append(line)
        return line

    async def ask(self, *headers: str) -> Line:
        line = await self.line()
        await line.post("/v1/chat/completions", ASK, *headers)
        return line

    async def end(self) -> int:
        async with asyncio.timeout(SOON_S):
            return await self.process.wait()


def limited_key(state: Path, concurrent: int) -> str:
    record, key = make_key("limited", time.time())
    KeyFile(state / "proxy").add(replace(record, limits=Limits(concurrent=concurrent)), time.time())
    return key


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Starts:
    def __init__(self, url: str, state: Path, tasks: asyncio.TaskGroup) -> None:
        self._url = url
        self._state = state
        self._tasks = tasks
        self.all: list[Crew] = []

    async def __call__(self, workers: int, *arguments: str, before: str = "") -> Crew:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", before + MAIN, "--port", "0", "--manager", self._url,
            "--state", str(self._state), "--workers", str(workers), *arguments, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        crew = Crew(process, self._state)
        self.all.append(crew)
        self._tasks.create_task(crew.reads())
        return crew

    async def serving(self, workers: int, *arguments: str) -> Crew:
        crew = await self(workers, *arguments)
        crew.port = int((await crew.until_said(r"listening on http://127\.0\.0\.1:(\d+)"))[1])
        await crew.until_said("met the manager", workers)
        return crew


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
async def start(house: House, gate: Gate, tmp_path: Path) -> AsyncIterator[Starts]:
    engine = await house.engine(gate)
    manager = await house.manager(engine, kind=GrantsToEach)
    async with asyncio.TaskGroup() as tasks:
        starts = Starts(manager.url, tmp_path, tasks)
        yield starts
        for crew in starts.all:
            for line in crew.lines:
                await line.hang_up()
            left = crew.workers if crew.process.returncode is None else []
            if crew.process.returncode is None:
                crew.process.kill()
            for worker in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL)
            await crew.end()


async def test_connections_meet_all_workers(start: Starts) -> None:
    crew = await start.serving(2)

    met: Counter[str] = Counter()
    for _ in range(100):
        line = await crew.line()
        line.writer.write(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n")
        of_process = re.search(r"x-request-id: req_(.{16})", await line.head())
        assert of_process is not None
        met[of_process[1]] += 1

    assert len(met) == 2
    assert min(met.values()) > 20


async def test_a_keys_requests_at_a_time_are_counted_over_all_workers(start: Starts, tmp_path: Path) -> None:
    key = limited_key(tmp_path, concurrent=2)
    crew = await start.serving(2, "--auth", "on")

    lines = [await crew.ask(f"authorization: Bearer {key}") for _ in range(12)]
    heads = [await line.head() for line in lines]

    assert sorted(head.split()[1] for head in heads) == ["200"] * 2 + ["429"] * 10


async def test_a_models_requests_at_a_time_are_counted_over_all_workers(start: Starts, gate: Gate) -> None:
    gate.pause_s = 0.02
    gate.open.set()
    crew = await start.serving(2)

    lines = [await crew.line() for _ in range(24)]
    for line in lines:
        await line.post("/v1/chat/completions", b'{"model":"few","stream":true}', "connection: close")
    replies = [await line.everything() for line in lines]

    assert all(DONE in reply for reply in replies)
    assert gate.most == 2


async def test_a_worker_that_is_killed_is_replaced_and_what_it_held_is_free(
    start: Starts, gate: Gate, tmp_path: Path
) -> None:
    key = limited_key(tmp_path, concurrent=20)
    crew = await start.serving(2, "--auth", "on")
    lines = [await crew.ask(f"authorization: Bearer {key}") for _ in range(20)]
    for line in lines:
        await line.until(FIRST)
    killed, other = crew.workers

    os.kill(killed, signal.SIGKILL)
    await crew.until_said(rf"process {killed}\) was killed by SIGKILL; the next starts in [0-9.]+ s")
    await crew.until_said("met the manager", 3)
    gate.open.set()
    replies = [await everything(line) for line in lines]
    cut = [reply for reply in replies if not reply.endswith(b"0\r\n\r\n")]
    again = [await crew.ask(f"authorization: Bearer {key}", "connection: close") for _ in range(20)]
    statuses = [(await line.head()).split()[1] for line in again]

    assert 0 < len(cut) < 20
    assert not any(b"[DONE]" in reply for reply in cut)
    assert statuses == ["200"] * 20
    assert other in crew.workers
    assert len(crew.workers) == 2


async def everything(line: Line) -> bytes:
    """Of a kept-alive stream: until its last chunk, or until the connection is cut."""
    said = b""
    async with asyncio.timeout(SOON_S):
        with contextlib.suppress(ConnectionError):
            while not said.endswith(b"0\r\n\r\n") and (more := await line.reader.read(65536)):
                said += more
    return said


async def test_the_first_signal_lets_streams_finish_in_every_worker(start: Starts, gate: Gate) -> None:
    crew = await start.serving(2, "--stop-grace-s", "60")
    lines = [await crew.ask() for _ in range(8)]
    for line in lines:
        await line.until(FIRST)

    crew.process.send_signal(signal.SIGTERM)
    await crew.until(lambda: not listening(crew.port))
    gate.open.set()
    replies = [await everything(line) for line in lines]

    assert all(reply.endswith(DONE + b"\r\n0\r\n\r\n") for reply in replies)
    assert await crew.end() == 0
    assert "Traceback" not in crew.said


async def test_the_second_signal_ends_them_at_once(start: Starts) -> None:
    crew = await start.serving(2, "--stop-grace-s", "600")
    lines = [await crew.ask() for _ in range(4)]
    for line in lines:
        await line.until(FIRST)

    crew.process.send_signal(signal.SIGINT)
    await crew.until(lambda: not listening(crew.port))
    crew.process.send_signal(signal.SIGINT)
    replies = [await everything(line) for line in lines]

    assert all(b"the proxy stops" in reply for reply in replies)
    assert await crew.end() == 0


async def test_when_the_parent_is_killed_the_workers_end_and_leave_nothing_behind(
    start: Starts, tmp_path: Path
) -> None:
    crew = await start.serving(2, "--stop-grace-s", "0.1")
    line = await crew.ask()
    await line.until(FIRST)
    workers = crew.workers

    crew.process.kill()
    reply = await everything(line)

    assert b"the proxy stops" in reply
    await crew.until(lambda: not any(lives(worker) for worker in workers))
    assert not listening(crew.port)
    assert not place_of_board(tmp_path / "proxy").exists()


async def test_metrics_are_of_all_workers_and_begin_anew(start: Starts, gate: Gate, tmp_path: Path) -> None:
    gate.open.set()
    (tmp_path / "proxy" / "metrics").mkdir(parents=True)
    (tmp_path / "proxy" / "metrics" / "counter_1.db").write_bytes(b"old")
    crew = await start.serving(2)

    for _ in range(12):
        await (await crew.ask("connection: close")).everything()
    found, page = None, ""
    async with asyncio.timeout(SOON_S):
        # What the worker says that is not asked is as old as its last look at itself.
        while found is None or float(found[1]) < 12 or "switchyard_proxy_manager_connected 1.0" not in page:
            line = await crew.line()
            line.writer.write(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            page = (await line.everything()).decode()
            found = re.search(r'switchyard_proxy_requests_total\{[^}]*outcome="ok"[^}]*\} (\S+)', page)
            await asyncio.sleep(0.05)

    assert float(found[1]) == 12


async def test_every_worker_writes_into_one_account_of_requests(start: Starts, gate: Gate) -> None:
    gate.open.set()
    crew = await start.serving(2)
    for _ in range(12):
        await (await crew.ask("connection: close")).everything()

    kept: list[object] = []
    async with asyncio.timeout(SOON_S):
        while len(kept) < 12:
            line = await crew.line()
            line.writer.write(b"GET /api/requests HTTP/1.0\r\nhost: x\r\n\r\n")
            answer = json.loads((await line.everything()).partition(b"\r\n\r\n")[2])
            kept = next(value for value in answer.values() if isinstance(value, list))
            await asyncio.sleep(0.05)

    assert len(kept) == 12


async def test_what_workers_cannot_share_is_told_in_a_sentence(start: Starts) -> None:
    crew = await start(2, "--stream-store", "memory")

    assert await crew.end() == 1
    await crew.until_said("cannot keep streams in memory with several workers")
    assert "Traceback" not in crew.said


async def test_workers_that_cannot_start_are_not_started_again_and_again(start: Starts) -> None:
    crew = await start(2, before=CANNOT_START)

    assert await crew.end() == 1
    await crew.until_said("cannot start the workers: the first of them ended with status 7")
    assert "Traceback" not in crew.said


async def test_a_port_in_use_is_not_shared_with_a_stranger(start: Starts) -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as taken:
        port = taken.getsockname()[1]
        crew = await start(2, "--port", str(port))

        assert await crew.end() == 1

    await crew.until_said("Address already in use")


def test_workers_share_what_was_asked_for() -> None:
    assert bounded(settings_with(workers=3, max_connections=100)).max_connections == 34


@pytest.mark.parametrize("settings", [{"stream_store": "memory", "workers": 2}, {"workers": MOST + 1}])
def test_what_workers_cannot_share_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(SettingRefused, match="cannot "):
        bounded(settings_with(**settings))


def test_a_worker_that_keeps_dying_is_replaced_ever_more_slowly() -> None:
    assert [pause_before(failures) for failures in (0, 1, 2, 3, 99)] == [0.0, 0.5, 1.0, 2.0, 30.0]


class TestTurns:
    """Of three workers, on one board."""

    @pytest.fixture
    def turns(self, tmp_path: Path) -> Iterator[list[SharedTurns]]:
        board = Board.create(tmp_path, 3)
        yield [SharedTurns(board, worker) for worker in range(3)]
        board.remove()

    def test_no_more_are_taken_than_there_are(self, turns: list[SharedTurns]) -> None:
        front = Front(0, 1.0)

        taken = [turns[worker].take("m", 2, front, 1.0) for worker in (0, 1, 2)]

        assert taken == [True, True, False]

    def test_who_waits_longer_elsewhere_goes_first(self, turns: list[SharedTurns]) -> None:
        turns[0].take("m", 1, Front(0, 1.0), 1.0)
        turns[1].take("m", 1, Front(0, 2.0), 2.0)
        turns[0].give_back("m")

        assert not turns[0].take("m", 1, Front(0, 2.5), 2.5)
        assert turns[1].take("m", 1, Front(0, 2.0), 2.5)

    def test_a_higher_priority_elsewhere_goes_first(self, turns: list[SharedTurns]) -> None:
        turns[0].take("m", 1, Front(0, 1.0), 1.0)
        turns[1].take("m", 1, Front(5, 2.0), 2.0)
        turns[0].give_back("m")

        assert not turns[2].take("m", 1, Front(0, 1.5), 2.5)

    def test_there_may_be_room_for_both(self, turns: list[SharedTurns]) -> None:
        for _ in range(2):
            turns[0].take("m", 2, Front(0, 1.0), 1.0)
        turns[1].take("m", 2, Front(0, 2.0), 2.0)
        for _ in range(2):
            turns[0].give_back("m")

        assert turns[2].take("m", 2, Front(0, 2.2), 2.5)

    def test_a_worker_that_is_gone_holds_nobody_up(self, turns: list[SharedTurns]) -> None:
        turns[0].take("m", 1, Front(0, 1.0), 1.0)
        turns[1].take("m", 1, Front(0, 2.0), 2.0)
        turns[0].give_back("m")

        assert turns[2].take("m", 1, Front(0, 3.0), 3.5)

    def test_who_waits_no_more_holds_nobody_up(self, turns: list[SharedTurns]) -> None:
        turns[0].take("m", 1, Front(0, 1.0), 1.0)
        turns[1].take("m", 1, Front(0, 2.0), 2.0)
        turns[1].withdraw("m")
        turns[0].give_back("m")

        assert turns[0].take("m", 1, Front(0, 2.5), 2.5)


def listening(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
