"""From the event loop into threads that nobody has to wait for, and back."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from functools import partial


def in_loop(loop: asyncio.AbstractEventLoop, call: Callable[[], object]) -> None:
    """From any thread."""
    # A loop that is closed has nobody who waits.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(call)


def in_own_thread(name: str, work: Callable[[], None]) -> asyncio.Future[None]:
    """What may take for ever. Who cannot wait settles the future himself; what the thread says then is lost."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def settle(error: BaseException | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def run() -> None:
        try:
            work()
        except BaseException as error:  # it is raised where it is waited for
            in_loop(loop, partial(settle, error))
        else:
            in_loop(loop, partial(settle, None))

    threading.Thread(target=run, name=name, daemon=True).start()
    return done
