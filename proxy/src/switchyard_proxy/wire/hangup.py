"""Work for a client that may hang up: it is cancelled where it stands. Knows nothing of the work."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from switchyard_proxy.asgi import Receive
from switchyard_proxy.errors import ClientGone


async def until_client_leaves(receive: Receive, work: Coroutine[Any, Any, None]) -> None:
    """Run `work` to its end; if the client leaves first, cancel it and raise `ClientGone`. Reads no body."""
    failure: Exception | None = None
    try:
        async with asyncio.TaskGroup() as tasks:
            watch = tasks.create_task(_raise_at_hangup(receive))
            try:
                await work
            except Exception as error:  # carried past the group, which would wrap it
                failure = error
            watch.cancel()
    except* ClientGone:
        failure = ClientGone()
    if failure is not None:
        raise failure


async def _raise_at_hangup(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    raise ClientGone
