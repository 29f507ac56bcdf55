"""A manager that grants every model of the bench at one address, at once. It runs in a thread and has nothing
to do while the bench measures: the proxy asks once for each model.
"""

import asyncio
import contextlib
import threading
from collections.abc import Iterator, Sequence

from tests.proxy.managers import GrantsWhatIsWanted, status


@contextlib.contextmanager
def granting(models: Sequence[str], endpoint: str) -> Iterator[str]:
    """Gives the manager's address."""
    ready, stopped = threading.Event(), asyncio.Event()
    manager = GrantsWhatIsWanted([status(model) for model in models], dict.fromkeys(models, endpoint))
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        await manager.start()
        ready.set()
        await stopped.wait()
        await manager.close()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    ready.wait()
    try:
        yield manager.url
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join()
        loop.close()
