"""A request that is over costs an append; what becomes of it comes later, and no disk's trouble reaches it."""

import asyncio
import itertools
import logging
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from switchyard_proxy.accounting.account import Account, Outcome
from switchyard_proxy.accounting.book import Accounts
from switchyard_proxy.accounting.entries import Wanted
from switchyard_proxy.accounting.ledger import Ledger
from switchyard_proxy.accounting.logs import Narrator
from switchyard_proxy.accounting.metrics import Metrics
from switchyard_proxy.accounting.store import Keep, Store
from tests.proxy.accounting.samples import GOOD, account


def now() -> float:
    return GOOD.at


class FullDisk(Store):
    """Takes nothing until it is told that there is room again."""

    def __init__(self, file: Path) -> None:
        super().__init__(file, Keep(), now)
        self.is_full = True
        self.asked = 0

    def write(self, accounts: Sequence[Account]) -> bool:
        self.asked += 1
        return not self.is_full and super().write(accounts)


class HangingDisk(Store):
    """Does not come back until it is let go."""

    def __init__(self, file: Path) -> None:
        super().__init__(file, Keep(), now)
        self.go = threading.Event()
        self.reached = threading.Event()

    def write(self, accounts: Sequence[Account]) -> bool:
        self.reached.set()
        self.go.wait(30)
        return super().write(accounts)


def metrics() -> Metrics:
    return Metrics(lambda: ["qwen3"], ["/v1/chat/completions"], {}, "1")


def no_lag() -> Mapping[str, float]:
    return {}


def book(store: Store, counted: Metrics | None = None, limit: int = 1_000) -> Accounts:
    async def pause(_: float) -> None:
        await asyncio.sleep(0.001)

    return Accounts(store, counted or metrics(), Narrator(), no_lag, limit=limit, pause=pause)


@asynccontextmanager
async def running(accounts: Accounts) -> AsyncIterator[Accounts]:
    async with asyncio.TaskGroup() as tasks:
        ticker = tasks.create_task(accounts.run())
        try:
            await asyncio.sleep(0)
            yield accounts
        finally:
            ticker.cancel()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)


def ids(file: Path) -> list[str]:
    return [entry.request_id for entry in reversed(Ledger(file).page(Wanted(), 100_000))]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "requests.db"


async def test_closed_accounts_are_written_and_counted_in_order(file: Path) -> None:
    counted = metrics()
    accounts = book(Store(file, Keep(), now), counted)

    async with running(accounts):
        for name in "abc":
            accounts.close(account(id=name))
        await until(lambda: len(ids(file)) == 3)
        accounts.close(account(id="d"))
        await until(lambda: len(ids(file)) == 4)

    assert ids(file) == list("abcd")
    assert b'outcome="ok",route="/v1/chat/completions",status="2xx"} 4.0' in counted.text()


async def test_what_is_left_is_written_at_the_end(file: Path) -> None:
    accounts = book(Store(file, Keep(), now))

    async with running(accounts):
        accounts.close(account(id="last"))

    assert ids(file) == ["last"]


async def test_nothing_is_lost_or_doubled_while_the_disk_is_full(file: Path) -> None:
    disk = FullDisk(file)
    counted = metrics()
    accounts = book(disk, counted)

    async with running(accounts):
        accounts.close(account(id="a"))
        await until(lambda: disk.asked > 0)
        accounts.close(account(id="b"))
        disk.is_full = False
        await until(lambda: ids(file) == ["a", "b"])

    assert accounts.dropped == 0
    assert b'switchyard_proxy_key_requests_total{key="anyone",outcome="ok"} 2.0' in counted.text()


async def test_more_than_fits_one_transaction_is_written_whole(file: Path) -> None:
    accounts = book(Store(file, Keep(), now), limit=10_000)

    async with running(accounts):
        for at in range(2_500):
            accounts.close(account(id=str(at)))

    assert ids(file) == [str(at) for at in range(2_500)]


async def test_at_the_end_a_disk_that_refused_is_tried_once_more(file: Path) -> None:
    disk = FullDisk(file)

    async def pause(_: float) -> None:
        await asyncio.Event().wait()

    accounts = Accounts(disk, metrics(), Narrator(), no_lag, pause=pause)
    accounts.close(account(id="a"))
    async with running(accounts):
        await until(lambda: disk.asked == 1)
        disk.is_full = False

    assert ids(file) == ["a"]


async def test_beyond_the_limit_the_oldest_are_dropped_counted_and_said_once(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    disk = FullDisk(file)
    counted = metrics()
    accounts = book(disk, counted, limit=5)

    async with running(accounts):
        for at in range(8):
            accounts.close(account(id=str(at)))
        await until(lambda: accounts.dropped == 3)
        accounts.close(account(id="8"))
        await until(lambda: accounts.dropped == 4)
        disk.is_full = False
        await until(lambda: len(ids(file)) == 5)

    assert ids(file) == ["4", "5", "6", "7", "8"]
    assert caplog.text.count("the oldest are lost") == 1
    assert b"switchyard_proxy_dropped_accounts_total 4.0" in counted.text()


async def test_a_disk_that_hangs_neither_holds_up_the_loop_nor_fills_the_memory(file: Path) -> None:
    disk = HangingDisk(file)
    looks = itertools.count()
    counted = Metrics(list, [], {"switchyard_proxy_waiting": lambda: next(looks)}, "1")
    accounts = book(disk, counted, limit=50)

    async with running(accounts):
        accounts.close(account())
        await asyncio.to_thread(disk.reached.wait, 20)
        for _ in range(100):
            for _ in range(10):
                accounts.close(account())
            await asyncio.sleep(0.002)
        await until(lambda: sum(map(len, tuple(accounts._handed))) <= 50)
        assert accounts.dropped > 800
        assert next(looks) <= 2
        disk.go.set()


async def test_a_fault_in_one_part_costs_no_other(
    file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    counted = metrics()
    monkeypatch.setattr(counted, "count", lambda _: 1 / 0)
    accounts = book(Store(file, Keep(), now), counted)

    async with running(accounts):
        accounts.close(account(id="a"))
        await until(lambda: ids(file) == ["a"])

    assert "cannot account for 1 requests in full" in caplog.text


async def test_a_gauge_that_fails_costs_no_account(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    counted = Metrics(list, [], {"switchyard_proxy_waiting": lambda: 1 / 0}, "1")

    async with running(book(Store(file, Keep(), now), counted)) as accounts:
        accounts.close(account(id="a"))
        await until(lambda: ids(file) == ["a"])

    assert "cannot read the gauges" in caplog.text


async def test_accounts_that_cannot_be_written_at_the_end_are_said(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    accounts = book(FullDisk(file))

    async with running(accounts):
        accounts.close(account())

    assert "cannot write down the last 1 requests" in caplog.text


async def test_old_rows_go_while_nothing_comes(file: Path) -> None:
    first = Store(file, Keep(), now)
    first.write([account(at=-1e9) for _ in range(1_200)])
    first.close()

    async with running(book(Store(file, Keep(), now))):
        await until(lambda: ids(file) == [])


async def test_failures_are_told_in_the_log(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    accounts = book(Store(file, Keep(), now))

    with caplog.at_level(logging.INFO):
        async with running(accounts):
            accounts.close(account(outcome=Outcome.FAILED, status=502, code="backend_unavailable"))

    assert "ended with 502, failed: backend_unavailable" in caplog.text
