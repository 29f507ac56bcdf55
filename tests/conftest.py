"""The two faults no linter sees, looked for in every test: a blocked event loop and a task left behind.

Must also load where only the image server's own tests run: there, blockbuster is not installed.
"""

import asyncio
import functools
import gc
import importlib.util
import inspect
import os
import sys
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no fault. What else is set (in CI, the same examples each time) stays.
settings.register_profile("unhurried", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

OURS = ("switchyard_contracts", "switchyard_manager", "switchyard_proxy", "switchyard_image_server")
TESTS = str(Path(__file__).parent) + os.sep
TURNS_TO_END = 20  # a task that was told to stop needs a few turns of the loop, and no time


def pytest_collection_finish() -> None:
    """What has been loaded by now stays loaded: the collector of garbage need not look through it again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def no_task_outlives_its_test(request: pytest.FixtureRequest) -> None:
    # The check itself is an async fixture, which would give every plain test an event loop.
    if request.node.get_closest_marker("asyncio") is not None:
        request.getfixturevalue("_tasks_end_with_the_test")


@pytest.fixture
async def _tasks_end_with_the_test() -> AsyncIterator[None]:
    before = asyncio.all_tasks()
    yield
    left = await _still_running(before)
    if left:
        told = "; ".join(map(_told, left))
        pytest.fail(f"this test left tasks running: {told}. Own them in a TaskGroup.", pytrace=False)


async def _still_running(before: set[asyncio.Task[Any]]) -> list[asyncio.Task[Any]]:
    left: set[asyncio.Task[Any]] = set()
    for _ in range(TURNS_TO_END):
        left = asyncio.all_tasks() - before - {asyncio.current_task()}
        if not left:
            break
        await asyncio.sleep(0)
    return sorted(left, key=asyncio.Task.get_name)


def _told(task: asyncio.Task[Any]) -> str:
    coroutine = task.get_coro()
    return f"{task.get_name()} ({getattr(coroutine, '__qualname__', coroutine)})"


@pytest.fixture(autouse=True)
def nothing_blocks_the_event_loop() -> Iterator[None]:
    watch = _watch_for_blocking_calls()
    if watch is None:
        yield
        return
    blocker, seen = watch
    seen.clear()
    blocker.activate()
    try:
        yield
    finally:
        blocker.deactivate()
    # It was raised where the call was made, but a broad `except` there may have swallowed it.
    if seen:
        pytest.fail("our code blocked the event loop: " + "; ".join(seen), pytrace=False)


@functools.cache
def _watch_for_blocking_calls() -> tuple[Any, list[str]] | None:
    if importlib.util.find_spec("blockbuster") is None:
        if importlib.util.find_spec("torch") is None:
            pytest.fail("cannot look for blocking calls: install requirements/check.txt", pytrace=False)
        return None
    from blockbuster import BlockBuster, blockbuster

    seen: list[str] = []

    class Remembered(blockbuster.BlockingError):
        def __init__(self, func: str) -> None:
            super().__init__(func)
            seen.append(f"{func} {_our_line()}")

    blockbuster.BlockingError = Remembered
    blocker = BlockBuster(_installed())
    _watch_also(blocker)
    for call in blocker.functions.values():
        call.can_block_in("logging/__init__.py", "emit")
        call.can_block_predicate = _unless_a_test_did_it(call.can_block_predicate)
    return blocker, seen


def _watch_also(blocker: Any) -> None:
    """What blockbuster does not know of: starting a process, waiting for one, looking up a name."""
    from blockbuster import BlockBusterFunction

    def add(name: str, **extra: Any) -> None:
        blocker.functions[name] = BlockBusterFunction(None, name, scanned_modules=_installed(), **extra)

    add("subprocess.Popen.__init__", can_block_functions=[("asyncio/unix_events.py", {"_start"})])
    add("subprocess.Popen.wait")
    add("os.waitpid", can_block_predicate=lambda _, options: bool(options & os.WNOHANG))
    add("socket.getaddrinfo")


def _installed() -> list[str]:
    return [name for name in OURS if importlib.util.find_spec(name)]


def _unless_a_test_did_it(can_block: Callable[..., bool]) -> Callable[..., bool]:
    """A test may call a blocking function of ours from its own coroutine: that holds up nobody else."""

    def judge(*args: Any, **kwargs: Any) -> bool:
        return can_block(*args, **kwargs) or _innermost_coroutine_is_a_test()

    return judge


def _innermost_coroutine_is_a_test() -> bool:
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_code.co_flags & (inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR):
            return frame.f_code.co_filename.startswith(TESTS)
        frame = frame.f_back
    return False


def _our_line() -> str:
    for frame in reversed(traceback.extract_stack()):
        if any(part in OURS for part in Path(frame.filename).parts):
            return f"({frame.filename}:{frame.lineno}, in {frame.name})"
    return ""
