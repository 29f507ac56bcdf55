"""`GET /v1/status`: what the server is doing, where its memory goes and why, and what it is made of."""

import asyncio
import functools
from importlib import metadata
from typing import Any

from fastapi import APIRouter

from switchyard_image_server.abilities import abilities_of
from switchyard_image_server.api.openapi import answers
from switchyard_image_server.parts import Parts
from switchyard_image_server.standing import model_of, word_of

PACKAGES = (
    "switchyard-image-server",
    "torch",
    "torchvision",
    "diffusers",
    "transformers",
    "torchao",
    "peft",
    "av",
)


def routes(parts: Parts) -> APIRouter:
    router = APIRouter()
    engine, started = parts.engine, parts.now()

    @router.get("/v1/status", summary="Phase, queue, memory and versions", responses=answers())
    async def status() -> dict[str, Any]:
        word, model = word_of(engine), model_of(engine)
        return {
            "status": str(word.standing),
            "message": word.message,
            **word.more,
            "model": engine.name,
            "source": parts.settings.model.model,
            "type": None if model is None else model.kind,
            "capabilities": None if model is None else abilities_of(model),
            "memory": None if model is None else model.memory.told(),
            "queue": _queue(parts),
            "started": round(started, 3),
            "uptime_s": round(parts.now() - started, 3),
            "versions": await asyncio.to_thread(_versions),
        }

    return router


def _queue(parts: Parts) -> dict[str, Any]:
    worker = parts.engine.worker
    return {
        "active": worker.active,
        "waiting": worker.waiting,
        "limit": parts.settings.max_queue,
        "lanes": worker.lanes(),
        "usual_s": round(worker.usual_s, 3),
    }


@functools.cache
def _versions() -> dict[str, str]:
    """Of what is installed; imports nothing."""
    found: dict[str, str] = {}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
