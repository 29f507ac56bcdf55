"""What an engine says: the last lines of a run, or its lines as they come."""

import asyncio
import json
from collections.abc import AsyncGenerator
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import PlainTextResponse

from switchyard_contracts.errors import ErrorCode
from switchyard_manager.api.desk import Desk
from switchyard_manager.api.errors import Problem
from switchyard_manager.api.log_lines import Followed, Line, NewRun, Piece, last_lines
from switchyard_manager.api.sse import KEEP_ALIVE, EventStream, Streams, frame

LOOK_EVERY_S = 0.25
MOST_LINES = 10_000


class WhichRun(StrEnum):
    CURRENT = "current"
    PREVIOUS = "previous"


Run = Annotated[WhichRun, Query(description="The run that goes on, or was the last one; or the one before it.")]
Lines = Annotated[int, Query(ge=0, le=MOST_LINES, description="How many of the last lines.")]
Follow = Annotated[
    bool,
    Query(
        description="Go on with what is said from now on, as server-sent events: `line`, its data a JSON"
        " string; `new_run`, after which the lines are of another run."
    ),
]


def router(desk: Desk, streams: Streams) -> APIRouter:
    routes = APIRouter(tags=["models"])

    @routes.get(
        "/api/models/{name:path}/logs",
        summary="What its engine said last, or (follow=true) says from now on",
        response_class=PlainTextResponse,
        responses={200: {"content": {"text/plain": {}, "text/event-stream": {}}}},
    )
    async def logs(
        name: str, run: Run = WhichRun.CURRENT, lines: Lines = 200, follow: Follow = False
    ) -> Response:
        model = desk.name_of(name)
        current, previous = desk.logs.current(model), desk.logs.previous(model)
        if not follow:
            log = current if run is WhichRun.CURRENT else previous
            found = await asyncio.to_thread(last_lines, log, lines)
            return PlainTextResponse("".join(f"{line}\n" for line in found))
        if run is WhichRun.PREVIOUS:
            message = "cannot follow the previous run: it is over; leave `run` or `follow` out"
            raise Problem.of(ErrorCode.INVALID_VALUE, message, "run")
        return EventStream(follow_log(Followed(current, previous, lines), streams.keep_alive_s), streams)

    return routes


async def follow_log(log: Followed, keep_alive_s: float) -> AsyncGenerator[bytes, None]:
    clock = asyncio.get_running_loop().time
    said_at = clock()
    while True:
        pieces = await asyncio.to_thread(log.more)
        if pieces:
            yield b"".join(map(_frame, pieces))
        elif clock() - said_at >= keep_alive_s:
            yield KEEP_ALIVE
        else:
            await asyncio.sleep(min(LOOK_EVERY_S, keep_alive_s))
            continue
        said_at = clock()


def _frame(piece: Piece) -> bytes:
    match piece:
        case Line(text=text):
            return frame("line", json.dumps(text, ensure_ascii=False))
        case NewRun():
            return frame("new_run", "{}")
