"""What a spool took in comes back, from memory or disk, and nothing stays behind."""

import asyncio
import io
import tempfile
import threading

import pytest

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.bodies.spool import Spool
from switchyard_proxy.errors import ProxyError


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> list[io.BytesIO]:
    """Every file that is made, in memory, for a look."""
    made: list[io.BytesIO] = []

    def make() -> io.BytesIO:
        assert threading.current_thread() is not threading.main_thread()
        made.append(io.BytesIO())
        return made[-1]

    monkeypatch.setattr(tempfile, "TemporaryFile", make)
    return made


async def test_a_little_stays_in_memory(files: list[io.BytesIO]) -> None:
    spool = Spool(block=8)
    await spool.add(b"1234")
    await spool.add(b"5678")
    await spool.settle()

    assert (await spool.read(2, 4), spool.size) == (b"3456", 8)

    await spool.close()
    assert files == []


async def test_more_goes_to_a_file_and_all_of_it(files: list[io.BytesIO]) -> None:
    spool = Spool(block=8)
    for piece in (b"12345", b"67890", b"ab"):
        await spool.add(piece)
    await spool.settle()

    assert (await spool.read(0, 100), spool.size) == (b"1234567890ab", 12)
    assert await spool.read(0, 5) == b"12345"
    assert files[0].getvalue() == b"1234567890ab"

    await spool.close()
    assert [file.closed for file in files] == [True]


async def test_may_be_closed_twice_and_then_not_be_read() -> None:
    spool = Spool(block=1)
    await spool.add(b"123")

    await spool.close()
    await spool.close()

    with pytest.raises(ValueError, match="was closed"):
        await spool.read(0, 1)


async def test_a_file_is_closed_though_its_writer_was_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[io.BytesIO] = []
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> io.BytesIO:
        begun.set()
        assert go_on.wait(10)
        made.append(io.BytesIO())
        return made[-1]

    monkeypatch.setattr(tempfile, "TemporaryFile", slow)
    spool = Spool(block=1)
    async with asyncio.TaskGroup() as tasks:
        writing = tasks.create_task(spool.add(b"123"))
        await asyncio.to_thread(begun.wait)
        writing.cancel()
        closing = tasks.create_task(spool.close())
        await asyncio.sleep(0)
        go_on.set()
        await closing

    assert [file.closed for file in made] == [True]


async def test_a_thread_that_comes_too_late_makes_no_file(files: list[io.BytesIO]) -> None:
    spool = Spool(block=1)
    await spool.add(b"123")
    await spool.close()

    await asyncio.to_thread(spool._file.append, bytearray(b"456"))

    assert [file.closed for file in files] == [True]


async def test_a_full_disk_is_told_as_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> io.BytesIO:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    spool = Spool(block=1)

    with pytest.raises(ProxyError, match=r"cannot keep the upload.*No space left") as told:
        await spool.add(b"123")

    assert told.value.code is ErrorCode.INTERNAL_ERROR
    await spool.close()
