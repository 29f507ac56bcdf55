"""`POST /sleep` gives the device's memory back, `POST /wake` takes it again. Named and asked as vLLM's are.

Whoever asks may leave: what has begun is finished.
"""

from typing import Any

from fastapi import APIRouter

from switchyard_image_server.api.openapi import TURN, answers
from switchyard_image_server.engine import Engine, Ready, Sleeping, Turning
from switchyard_image_server.errors import InvalidValue, Unsupported
from switchyard_image_server.memory.report import Turned
from switchyard_image_server.parts import Parts

LEVEL = 1


def routes(parts: Parts) -> APIRouter:
    router = APIRouter()
    engine = parts.engine

    @router.post(
        "/sleep",
        summary="Give the device's memory back; 409 while a request runs or waits",
        responses=answers(*TURN),
    )
    async def sleep(level: str | None = None, mode: str | None = None) -> dict[str, Any]:
        _refuse_other_levels(level)
        _refuse("mode", mode, "what runs is never aborted, and nothing waits for it; ask again later")
        before = _turned(engine)
        await engine.sleep()
        return _told(engine, before)

    async def wake(tags: str | None = None) -> dict[str, Any]:
        _refuse("tags", tags, "all of the model wakes at once; leave it out")
        before = _turned(engine)
        await engine.wake()
        return _told(engine, before)

    told = answers(*TURN)
    router.post("/wake", summary="Take the device's memory again", responses=told)(wake)
    router.post("/wake_up", summary="The same by vLLM's name", operation_id="wake_up", responses=told)(wake)

    @router.get("/is_sleeping", summary="Whether the model is asleep, or about to be", responses=answers())
    async def is_sleeping() -> dict[str, bool]:
        return {"is_sleeping": _is_sleeping(engine)}

    return router


def _refuse_other_levels(level: str | None) -> None:
    if level is None or level == str(LEVEL):
        return
    if level in {"0", "2"}:
        raise Unsupported(
            f"cannot sleep at level {level}: the weights are always kept in host memory; use level {LEVEL}, "
            "or stop the server",
            param="level",
        )
    raise InvalidValue(f"cannot sleep at level {level[:20]!r}: use level {LEVEL}", param="level")


def _refuse(name: str, value: str | None, advice: str) -> None:
    if value is not None:
        raise Unsupported(f"cannot honour {name}: {advice}", param=name)


def _turned(engine: Engine) -> Turned | None:
    match engine.phase:
        case Ready(model) | Sleeping(model) | Turning(model):
            return model.memory.turned
        case _:
            return None


def _is_sleeping(engine: Engine) -> bool:
    match engine.phase:
        case Sleeping():
            return True
        case Turning(towards=towards):
            return towards == "asleep"
        case _:
            return False


def _told(engine: Engine, before: Turned | None) -> dict[str, Any]:
    """How long it took and what it moved; without that where there was nothing to do."""
    turned = _turned(engine)
    said: dict[str, Any] = {"is_sleeping": _is_sleeping(engine)}
    if turned is not None and turned is not before:
        said |= {"seconds": round(turned.seconds, 6), "bytes": turned.bytes}
        said["bytes_per_s"] = turned.bytes_per_s
        if turned.note is not None:
            said["note"] = turned.note
    return said
