"""What the proxy is made of, put together inside the event loop, and the tasks that keep it going."""

import asyncio
import contextlib
import os
import secrets
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

from fastapi import APIRouter, Request

from switchyard_proxy import __version__
from switchyard_proxy.access.callers import Caller
from switchyard_proxy.access.gatekeeper import Gatekeeper
from switchyard_proxy.access.limits import Meter
from switchyard_proxy.accounting.book import Accounts
from switchyard_proxy.accounting.captures import capturing
from switchyard_proxy.accounting.lag import Lag
from switchyard_proxy.accounting.ledger import Ledger
from switchyard_proxy.accounting.logs import Narrator
from switchyard_proxy.accounting.metrics import Metrics
from switchyard_proxy.accounting.store import Keep, Store
from switchyard_proxy.api import keys, metrics, requests, router
from switchyard_proxy.api.live import Live
from switchyard_proxy.api.management import management
from switchyard_proxy.api.managers import Managers
from switchyard_proxy.api.token_counts import TokenCounts
from switchyard_proxy.grants.admin import AdminApi
from switchyard_proxy.grants.commands import Commands
from switchyard_proxy.grants.known_models import KnownModels
from switchyard_proxy.grants.leases import Leases
from switchyard_proxy.grants.lines import Lines, Slots
from switchyard_proxy.grants.link import Backoff, Link, Manager
from switchyard_proxy.grants.machines import Machines
from switchyard_proxy.grants.sites import Site, Sites
from switchyard_proxy.routes import ROUTES, Table, in_force
from switchyard_proxy.settings import Settings
from switchyard_proxy.streams.bounds import Bounds
from switchyard_proxy.streams.hub import Streams
from switchyard_proxy.streams.stores import store_for
from switchyard_proxy.upstream.pool import Upstream
from switchyard_proxy.wire.fleet import Fleet
from switchyard_proxy.wire.forward import Forwarder
from switchyard_proxy.wire.hold import Hold
from switchyard_proxy.wire.keeping import Keeping
from switchyard_proxy.wire.looking import Looks
from switchyard_proxy.wire.ollama import Ollama
from switchyard_proxy.wire.places import Places
from switchyard_proxy.wire.pulse import Pulses
from switchyard_proxy.wire.service import Service

REFRESH_S = 1.0
TURNS_S = 0.02  # between looks at turns that another worker may have given back


@dataclass(frozen=True, slots=True)
class Shared:
    """What the workers of one proxy have in common; a process that is alone has its own."""

    meter: Meter | None = None
    slots: Slots | None = None
    keeps_usage: bool = True


class Parts:
    """What lives as long as the event loop does."""

    def __init__(
        self, settings: Settings, backoff: Backoff, shared: Shared, connections: Callable[[], int]
    ) -> None:
        self.settings = settings
        self._connections = connections
        self._takes_turns = shared.slots is not None
        self.closing = asyncio.Event()
        name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self.sites = Sites(tuple(self._site(url, name, backoff) for url in settings.manager))
        self.fleet = Fleet(self.sites, settings.manager_wait_s)
        self.lines = Lines(shared.slots)
        self.places = Places(settings.retry_attach_s)
        self.upstream = Upstream(settings.connect_wait_s)
        self.admin = AdminApi()
        self.commands = Commands(self.admin)
        self.machines = Machines(self.sites, self.admin, self.fleet.wake)
        self.live = Live(self.fleet, self.machines, self.closing)
        self.pulses = Pulses(min(settings.heartbeat_s, settings.commit_after_s))
        self.gate = Gatekeeper(settings, shared.meter, keeps_usage=shared.keeps_usage)
        self.managers = Managers(self.sites, self.admin, self.gate, editing=settings.edit_models == "on")
        self.lag = Lag()
        database = settings.folder / "requests.db"
        self.metrics = Metrics(self._names, [route.path for route in ROUTES], self._gauges(), __version__)
        self.store = Store(database, Keep(days=settings.requests_keep_days))
        self.accounts = Accounts(self.store, self.metrics, Narrator(), self.lag.now)
        self.ledger = Ledger(database)
        forwarder = Forwarder(self.sites, Hold(self.lines, self.places), self.upstream)
        capture = capturing(settings.captures, settings.capture_kib)
        self.token_counts = TokenCounts(self.fleet, self.gate, Looks(forwarder))
        self.service = Service(settings, self.fleet, forwarder, self.pulses, self.gate, self.accounts, capture)
        self.streams = Streams(store_for(settings, name), Bounds.of(settings), name)
        self.keeping = Keeping(self.service, self.streams)
        self.table = Table(in_force(ollama=settings.ollama == "on"))
        self.ollama = Ollama(self.service, self.fleet, self.table, self._command, time.time_ns())
        self.management = management(self._routers)

    def _routers(self, caller_of: Callable[[Request], Caller]) -> tuple[APIRouter, ...]:
        return (
            keys.router(self.gate, caller_of),
            requests.router(self.ledger, self.closing),
            metrics.router(self.metrics),
        )

    def _gauges(self) -> Mapping[str, Callable[[], float]]:
        return {
            "switchyard_proxy_in_flight": lambda: self.sites.in_flight,
            "switchyard_proxy_waiting": lambda: self.sites.waiting + self.lines.waiting,
            "switchyard_proxy_client_connections": self._connections,
            "switchyard_proxy_streams_running": lambda: len(self.streams.shelf.lives),
            "switchyard_proxy_grants": lambda: sum(site.leases.grants for site in self.sites.all),
            "switchyard_proxy_manager_connected": lambda: self.sites.connected == len(self.sites.all),
        }

    def _has_news(self) -> None:
        self.fleet.has_news()

    def _site(self, url: str, name: str, backoff: Backoff) -> Site:
        leases = Leases(name, manager_wait_s=self.settings.manager_wait_s)
        known = KnownModels(self._has_news)
        return Site(Link(Manager(url, self.settings.token), leases, known, backoff), leases, known)

    @contextlib.asynccontextmanager
    async def alive(self) -> AsyncIterator[None]:
        """Everything that runs by itself runs within this."""
        await asyncio.to_thread(self.gate.refresh)
        async with asyncio.TaskGroup() as tasks:
            own = [tasks.create_task(site.link.run()) for site in self.sites.all]
            own.append(tasks.create_task(self.pulses.run()))
            own.append(tasks.create_task(self.accounts.run()))
            own.append(tasks.create_task(self.lag.run()))
            own.append(tasks.create_task(self.machines.run()))
            own.append(tasks.create_task(self.streams.run()))
            own.append(tasks.create_task(self._refresh()))
            await self.streams.up.wait()
            if self._takes_turns:
                own.append(tasks.create_task(self._take_turns()))
            try:
                yield
            finally:
                for task in own:
                    task.cancel()
        await self.admin.close()
        await asyncio.to_thread(self.gate.close)

    async def _refresh(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_S)
            await asyncio.to_thread(self.gate.refresh)

    async def _take_turns(self) -> None:
        """Another worker's request may have ended, of which nothing else tells."""
        while True:
            await asyncio.sleep(TURNS_S)
            for model in self.lines.held_up():
                self.lines.advance(model, asyncio.get_running_loop().time())

    def stop(self, why: str) -> None:
        """End every request that runs or waits; each client is told."""
        self.closing.set()
        self.fleet.wake()
        self.streams.stop(why)
        for site in self.sites.all:
            site.leases.stop(why)

    def close(self) -> None:
        self.places.close()
        for site in self.sites.all:
            site.leases.close()
        self.upstream.close()

    async def _command(self, verb: str, model: str) -> None:
        await router.command(self.fleet, self.commands, verb, model)

    def _names(self) -> frozenset[str]:
        return frozenset(model.name for site in self.sites.all for model in site.known.models)
