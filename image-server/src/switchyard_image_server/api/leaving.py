"""Clients leave. Whoever waits for a ticket waits for the client, too, and gives the ticket up with it."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.types import Receive

from switchyard_image_server.worker import Ticket

Result = TypeVar("Result")


async def until_gone(receive: Receive) -> None:
    """Returns when the client has hung up. The body must have been read."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def while_present(request: Request, ticket: Ticket[Any], work: Awaitable[Result]) -> Result:
    """The result of the work; raises `Cancelled` if the client leaves first."""
    error: Exception | None = None
    result: Result | None = None
    async with asyncio.TaskGroup() as group:
        watch = group.create_task(_cancel_when_gone(request.receive, ticket))
        try:
            result = await work
        except Exception as fault:  # raised outside the group, which would wrap it
            error = fault
            ticket.cancel()
        finally:
            watch.cancel()
    if error is not None:
        raise error
    return result  # type: ignore[return-value]  # the work returned, or raised


async def _cancel_when_gone(receive: Receive, ticket: Ticket[Any]) -> None:
    await until_gone(receive)
    ticket.cancel()
