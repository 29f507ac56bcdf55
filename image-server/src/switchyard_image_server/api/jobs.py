"""`/v1/jobs`: what runs although its client has left. Progress by asking or by listening, results, cancel."""

import json
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from switchyard_image_server.api.openapi import EVENTS, RESULT, answers, switch
from switchyard_image_server.api.sse import EventStream
from switchyard_image_server.errors import InvalidValue, UnknownJob
from switchyard_image_server.jobs import Follower
from switchyard_image_server.jobs.record import PATH, with_result
from switchyard_image_server.parts import Parts

JSON = "application/json"
WITH_PREVIEW = switch("preview", default="true")


def routes(parts: Parts) -> APIRouter:
    router = APIRouter()
    jobs = parts.jobs

    @router.get(PATH, summary="The jobs, the newest first", responses=answers())
    async def every_job() -> dict[str, Any]:
        return {"object": "list", "data": [jobs.told(job, preview=False) for job in jobs.newest_first()]}

    @router.get(
        f"{PATH}/{{job_id}}",
        summary="How far a job is, or its result",
        openapi_extra=WITH_PREVIEW,
        responses=answers(UnknownJob, InvalidValue),
    )
    async def one_job(request: Request, job_id: str) -> Response:
        preview = _switch(request, "preview")
        job = jobs.find(job_id)
        told = jobs.told(job, preview=preview)
        return Response(with_result(told, job.result), media_type=JSON)

    @router.get(
        f"{PATH}/{{job_id}}/result",
        summary="What the plain route would have answered",
        responses=answers(*RESULT),
    )
    async def result(job_id: str) -> Response:
        return Response(jobs.result_of(job_id), media_type=JSON)

    @router.get(
        f"{PATH}/{{job_id}}/events",
        summary="The job as server-sent events, until it is over",
        response_class=Response,
        responses=answers(UnknownJob, of=(EVENTS,)),
    )
    async def events(job_id: str) -> Response:
        follower = jobs.follow(job_id)
        return EventStream(_frames(follower), follower.leave)

    @router.delete(
        f"{PATH}/{{job_id}}", summary="Cancel a job, or forget a finished one", responses=answers(UnknownJob)
    )
    async def end(job_id: str) -> Response:
        job = jobs.end(job_id)
        told = jobs.told(job) if job is not None else {"id": job_id, "object": "job", "deleted": True}
        return Response(json.dumps(told), media_type=JSON)

    return router


async def _frames(follower: Follower) -> AsyncIterator[bytes]:
    async for status, content in follower.changes():
        yield b"event: job.%s\ndata: %s\n\n" % (status.encode(), content)


def _switch(request: Request, name: str) -> bool:
    given = request.query_params.get(name, "true").lower()
    if given not in {"true", "false", "1", "0"}:
        raise InvalidValue(f"cannot read {name}={given[:32]!r}: use true or false", param=name)
    return given in {"true", "1"}
