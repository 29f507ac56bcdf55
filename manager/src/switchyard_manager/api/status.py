"""What is going on: for the command line, the page, and whoever waits for the manager to be up."""

from fastapi import APIRouter

from switchyard_contracts.status import GpuStatus, ManagerStatus, Queued
from switchyard_manager.api.desk import Desk
from switchyard_manager.supervise import views


def router(desk: Desk) -> APIRouter:
    routes = APIRouter(tags=["status"])

    @routes.get("/health", summary="Whether the manager is up; needs no token")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @routes.get("/status", include_in_schema=False)
    @routes.get("/api/status", summary="Everything at once: models, GPUs, RAM, queue, trouble")
    async def status() -> ManagerStatus:
        return desk.status()

    @routes.get("/api/gpus", summary="Each GPU: what it has, what is claimed, what is measured, by whom")
    async def gpus() -> tuple[GpuStatus, ...]:
        return views.gpus(desk.ground)

    @routes.get("/api/queue", summary="The models that somebody waits for, in the order of their turns")
    async def queue() -> tuple[Queued, ...]:
        return views.queue(desk.ground, desk.clock())

    return routes
