"""What the client programs share: orders come as lines of JSON, and what was seen goes out as one."""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

Order = dict[str, Any]
Told = dict[str, Any]
Does = Callable[[Order, Told], Awaitable[None]]


def obey(known: dict[str, Does]) -> None:
    """Until nobody orders any more. What was seen before an error is told with it."""
    asyncio.run(_obey(known))


async def _obey(known: dict[str, Does]) -> None:
    while line := await asyncio.to_thread(sys.stdin.readline):
        told = await carry_out(known, json.loads(line))
        sys.stdout.write(json.dumps(told, default=str) + "\n")
        sys.stdout.flush()


async def carry_out(known: dict[str, Does], order: Order) -> Told:
    began = time.monotonic()
    told: Told = {"at": [], "attempts": 0, "error": None}
    try:
        await known[order["do"]](order, told)
    except Exception as error:
        told["error"] = told_of(error)
    told["took_s"] = time.monotonic() - began
    return told


def told_of(error: BaseException) -> Told:
    """An exception, with what API errors carry."""
    response = getattr(error, "response", None)
    return {
        "kind": type(error).__name__,
        "message": str(error),
        "status": getattr(error, "status_code", None),
        "code": getattr(error, "code", None),
        "param": getattr(error, "param", None),
        "body": getattr(error, "body", None),
        "request_id": getattr(error, "request_id", None),
        "headers": dict(response.headers) if response is not None else None,
    }
