"""What was downloaded for models, how much of the disk it takes, and having it removed."""

import asyncio

from fastapi import APIRouter

from switchyard_contracts.admin import FilesGone, KeptFiles, KeptRepository
from switchyard_manager.api.desk import Desk
from switchyard_manager.api.errors import Problem
from switchyard_manager.model_files.cache import Cache
from switchyard_manager.model_files.needs import needs_of


def router(desk: Desk) -> APIRouter:
    routes = APIRouter(tags=["files"])

    @routes.get("/api/files", summary="What was downloaded for models, and the room that is left for more")
    async def files() -> KeptFiles:
        users: dict[str, list[str]] = {}
        for model in desk.world.catalog.models.values():
            for need in needs_of(model):
                users.setdefault(need.repo, []).append(model.name)
        return await asyncio.to_thread(_kept, desk.cache, users)

    @routes.delete(
        "/api/files/{name:path}",
        summary="Remove what was downloaded for a model, or a repository; no engine may have it open",
    )
    async def remove(name: str) -> FilesGone:
        removed = await desk.supervisor.ask_to_remove(name)
        if removed.error is not None:
            raise Problem(removed.error)
        return FilesGone(repositories=removed.repos, freed_bytes=removed.freed_bytes)

    return routes


def _kept(cache: Cache, users: dict[str, list[str]]) -> KeptFiles:
    """Blocking."""
    found = tuple(
        KeptRepository(
            repo=kept.repo,
            bytes=kept.bytes,
            incomplete_bytes=kept.incomplete_bytes,
            revisions=kept.revisions,
            models=tuple(dict.fromkeys(users.get(kept.repo, ()))),
        )
        for kept in cache.contents()
    )
    try:
        free, _ = cache.room()
    except OSError:  # nothing was downloaded yet, and there is no such folder
        return KeptFiles(folder=str(cache.hub), repositories=found)
    return KeptFiles(folder=str(cache.hub), free_bytes=free, repositories=found)
