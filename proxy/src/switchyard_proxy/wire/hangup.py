"""Work for a client that may hang up: it is cancelled where it stands. Knows nothing of the work.

The server calls `on_gone` when the connection is lost, so that nobody has to wait for it: a task per request
that does nothing else would cost more than all that routing does.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

from switchyard_proxy.errors import ClientGone
from switchyard_proxy.request import Client


async def while_client_stays(client: Client, work: Coroutine[Any, Any, None]) -> None:
    """Run `work` to its end; if the client leaves first, cancel it and raise `ClientGone`."""
    task = asyncio.current_task()
    if client.gone or task is None:
        work.close()
        raise ClientGone
    client.on_gone = task.cancel
    try:
        await work
    except asyncio.CancelledError:
        if _left(client):
            task.uncancel()
            raise ClientGone from None
        raise
    finally:
        client.on_gone = None


def _left(client: Client) -> bool:
    return client.gone
