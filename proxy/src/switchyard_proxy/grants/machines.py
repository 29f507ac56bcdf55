"""What the managers' machines have: asked for every two seconds while anybody looks on, and only then."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from switchyard_contracts.status import ManagerStatus
from switchyard_proxy.grants.admin import AdminApi
from switchyard_proxy.grants.sites import Site, Sites

LOOK_EVERY_S = 2.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Machine:
    """A manager's last word on its machine."""

    answers: bool = False
    status: ManagerStatus | None = None  # None: never heard while the proxy has run
    at: float | None = None  # seconds since 1970, of that word


class Machines:
    """One look for all who look on."""

    def __init__(self, sites: Sites, admin: AdminApi, has_news: Callable[[], None]) -> None:
        self.seen: tuple[Machine, ...] = tuple(Machine() for _ in sites.all)
        self.looked = False
        self._sites = sites
        self._admin = admin
        self._has_news = has_news
        self._lookers = 0
        self._wanted = asyncio.Event()

    @contextlib.contextmanager
    def looking_on(self) -> Iterator[None]:
        self._lookers += 1
        self._wanted.set()
        try:
            yield
        finally:
            self._lookers -= 1
            if not self._lookers:
                self._wanted.clear()
                self.looked = False

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._wanted.wait()
            try:
                await self._look_at_all()
            except Exception:
                log.exception("cannot look at the machines: a fault of the proxy; trying again")
            await asyncio.sleep(LOOK_EVERY_S)

    async def _look_at_all(self) -> None:
        async with asyncio.TaskGroup() as looks:
            asked = [
                looks.create_task(self._look(site, before))
                for site, before in zip(self._sites.all, self.seen, strict=True)
            ]
        self.seen = tuple(look.result() for look in asked)
        self.looked = self._wanted.is_set()
        self._has_news()

    async def _look(self, site: Site, before: Machine) -> Machine:
        status = await self._admin.status(site.link.manager)
        if status is None:
            return Machine(answers=False, status=before.status, at=before.at)
        return Machine(answers=True, status=status, at=time.time())
