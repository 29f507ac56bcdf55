"""`/api/requests`: what was asked and what it took, page by page, summed up, and as it happens. Reads only."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Path, Query, Response
from pydantic import BaseModel, ConfigDict
from starlette.types import Receive, Scope, Send

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.accounting.account import Outcome
from switchyard_proxy.accounting.captures import Captured
from switchyard_proxy.accounting.entries import Entry, Wanted
from switchyard_proxy.accounting.ledger import Ledger, Share
from switchyard_proxy.accounting.live import Pace, frames
from switchyard_proxy.errors import Refused

DAY_S = 86_400.0
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

Name = Annotated[str | None, Query(max_length=200)]
Time = Annotated[float | None, Query(ge=0, description="Unix time, in seconds.")]
RequestId = Annotated[str, Path(max_length=200, description="As in the reply's `x-request-id`.")]
Group = Literal["model", "key", "route", "hour"]


class Page(BaseModel):
    """The newest first. `before` is what to ask for to see those before them; null: there are none.

    `newest` is what to ask the live stream to go on `after`: whatever is wanted, none is missed in between.
    """

    model_config = ConfigDict(frozen=True)

    requests: list[Entry]
    before: int | None
    newest: int


class Shares(BaseModel):
    """One row for each group, those with the most requests first."""

    model_config = ConfigDict(frozen=True)

    since: float
    until: float | None
    shares: list[Share]


def wanted(
    model: Name = None,
    key: Name = None,
    route: Name = None,
    outcome: Outcome | None = None,
    code: Name = None,
    status: Annotated[str | None, Query(pattern=r"^[1-5](xx|\d\d)$", description="404, or 4xx.")] = None,
    since: Time = None,
    until: Time = None,
    min_duration_s: Annotated[float | None, Query(ge=0)] = None,
    q: Annotated[str | None, Query(max_length=200, description="Anywhere in the request's id.")] = None,
) -> Wanted:
    return Wanted(
        model=model,
        key=key,
        route=route,
        outcome=outcome,
        code=code,
        status=status,
        since=since,
        until=until,
        min_total_s=min_duration_s,
        text=q,
    )


Filters = Annotated[Wanted, Depends(wanted)]


class Live(Response):
    """Ends with its frames, when the client is gone, or when the proxy stops."""

    media_type = "text/event-stream"

    def __init__(self, rows: AsyncGenerator[bytes, None], closing: asyncio.Event) -> None:
        super().__init__(headers=HEADERS)
        del self.headers["content-length"]
        self._rows = rows
        self._closing = closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with contextlib.aclosing(self._rows), asyncio.TaskGroup() as own:
            ends = [
                own.create_task(self._write(send)),
                own.create_task(_gone(receive)),
                own.create_task(_closed(self._closing)),
            ]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for task in ends:
                task.cancel()
        with contextlib.suppress(OSError):
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _write(self, send: Send) -> None:
        with contextlib.suppress(OSError):
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            async for rows in self._rows:
                await send({"type": "http.response.body", "body": rows, "more_body": True})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _closed(closing: asyncio.Event) -> None:
    await closing.wait()


def router(ledger: Ledger, closing: asyncio.Event, pace: Pace | None = None) -> APIRouter:
    """`closing` is set when the proxy stops: a stream would outlast it."""
    routes = APIRouter(prefix="/api/requests", tags=["requests"])

    @routes.get("", summary="Requests that are over, the newest first")
    async def page(
        filters: Filters,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
        before: Annotated[int | None, Query(ge=0, description="The id of a row: those before it.")] = None,
    ) -> Page:
        newest = await asyncio.to_thread(ledger.newest)  # first: what comes meanwhile is rather told twice
        found = await asyncio.to_thread(ledger.page, filters, limit + 1, before)
        shown = found[:limit]
        return Page(requests=shown, before=shown[-1].id if len(found) > limit else None, newest=newest)

    @routes.get("/stats", summary="Counts, tokens, and how long it took, by model, key, route or hour")
    async def stats(
        filters: Filters,
        by: Annotated[list[Group] | None, Query(description="Several go together.")] = None,
    ) -> Shares:
        since = time.time() - DAY_S if filters.since is None else filters.since
        chosen = list(dict.fromkeys(by if by is not None else ("model",)))
        shares = await asyncio.to_thread(ledger.shares, _since(filters, since), chosen)
        return Shares(since=since, until=filters.until, shares=shares)

    @routes.get(
        "/live",
        summary="Requests as they end, as server-sent events; `gap` says how many were left out",
        response_class=Response,
        responses={200: {"content": {"text/event-stream": {}}}},
    )
    async def live(
        filters: Filters,
        after: Annotated[int | None, Query(ge=0, description="The id of the last row that you have.")] = None,
        last_event_id: Annotated[str | None, Header(description="The same, as browsers say it.")] = None,
    ) -> Response:
        told = last_event_id or ""
        last = int(told[:18]) if told.isascii() and told.isdigit() else after
        return Live(frames(ledger, filters, last, pace), closing)

    @routes.get("/{request_id}", summary="One request")
    async def one(request_id: RequestId) -> Entry:
        found = await asyncio.to_thread(ledger.entry, request_id)
        if found is None:
            raise _unknown(f"cannot find request {request_id!r}: it runs yet, is forgotten, or never was")
        return found

    @routes.get("/{request_id}/capture", summary="What was captured of one request's bodies")
    async def capture(request_id: RequestId) -> Captured:
        found = await asyncio.to_thread(ledger.capture, request_id)
        if found is None:
            raise _unknown(
                f"cannot show the bodies of request {request_id!r}: none are kept; start the proxy with"
                " --captures errors or --captures all"
            )
        return found

    return routes


def _since(filters: Wanted, since: float) -> Wanted:
    return Wanted(**{name: getattr(filters, name) for name in filters.__slots__} | {"since": since})


def _unknown(message: str) -> Refused:
    return Refused(ErrorCode.UNKNOWN_URL, message)
