"""`GET /api/live`: models, machines and managers as events: whole at first, then what changed.

A reader who comes back begins anew: nothing is kept for it, so nothing can be missed.
"""

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from switchyard_contracts.status import ModelStatus
from switchyard_proxy.access.callers import Caller, Role
from switchyard_proxy.api.facts import shown_sites
from switchyard_proxy.grants.machines import LOOK_EVERY_S, Machine, Machines
from switchyard_proxy.grants.sites import Site, Sites
from switchyard_proxy.wire.fleet import Fleet

BEAT_S = 15.0
SETTLE_S = 0.1  # what changes within it is told at once
COMMENT = b": keepalive\n\n"
# Of a model, what changes with time alone: no manager tells its proxies of that.
MOVING = {
    "name",
    "claim_mib",
    "expected_s",
    "files",
    "idle_s",
    "in_flight",
    "measured_mib",
    "progress",
    "retry_in_s",
    "waited_s",
    "waiting",
}
NOT_FOR_USERS = {"gpus", "claim_mib", "measured_mib"}

Shown = dict[str, Any]
Key = tuple[int, str]  # a model: its manager's number, and its name there


@dataclass(frozen=True, slots=True)
class View:
    """All that a caller may see, at one moment."""

    models: Mapping[Key, Shown]
    machines: tuple[Shown, ...]
    sites: list[Shown]


class Live:
    """What readers are told."""

    def __init__(self, fleet: Fleet, machines: Machines, closing: asyncio.Event) -> None:
        self._fleet = fleet
        self._machines = machines
        self._closing = closing

    async def frames(self, caller: Caller, still: Callable[[], bool]) -> AsyncGenerator[bytes]:
        """For as long as anybody listens; `still`: whether it is this caller yet, with the same rights."""
        with self._machines.looking_on() if caller.may(Role.OPERATE) else contextlib.nullcontext():
            numbers = itertools.count(1)
            heard = self._fleet.next_news()
            before = self._view(caller)
            yield _frame(next(numbers), "state", _state(before))
            clock = asyncio.get_running_loop().time
            said_at = clock()
            while not self._closing.is_set():
                await _heard_within(heard, LOOK_EVERY_S)
                if not still():
                    return
                heard = self._fleet.next_news()
                after = self._view(caller)
                told = b"".join(_frame(next(numbers), event, data) for event, data in changes(before, after))
                before = after
                if told or clock() - said_at >= BEAT_S:
                    yield told or COMMENT
                    said_at = clock()
                await asyncio.sleep(SETTLE_S)

    def _view(self, caller: Caller) -> View:
        sites = self._fleet.sites
        operates = caller.may(Role.OPERATE)
        return View(
            models=_models(sites, caller),
            machines=_machines(sites, self._machines, caller) if operates else (),
            sites=shown_sites(sites, caller),
        )


def changes(before: View, after: View) -> list[tuple[str, Shown]]:
    """The events that lead from one view to the next."""
    told: list[tuple[str, Shown]] = []
    changed = [shown for key, shown in after.models.items() if before.models.get(key) != shown]
    gone = [{"site": site, "name": name} for site, name in before.models if (site, name) not in after.models]
    if changed or gone:
        told.append(("models", {"changed": changed, "gone": gone}))
    if before.machines != after.machines:
        told.append(("machines", {"machines": after.machines}))
    if before.sites != after.sites:
        told.append(("sites", {"sites": after.sites}))
    return told


def _state(view: View) -> Shown:
    return {"models": list(view.models.values()), "machines": view.machines, "sites": view.sites}


def _models(sites: Sites, caller: Caller) -> dict[Key, Shown]:
    return {
        (number, model.name): _model(number, site, model, caller)
        for number, site in enumerate(sites.all)
        for model in site.known.models
        if caller.may_use(model.name)
    }


def _model(number: int, site: Site, model: ModelStatus, caller: Caller) -> Shown:
    """What concerns the machine, and what an engine says, is for operators."""
    shown = model.model_dump(mode="json")
    loading = site.known.loading.get(model.name)
    shown |= {"site": number, "elapsed_s": None if loading is None else loading.elapsed_s}
    if loading is not None and loading.progress is not None:
        shown["progress"] = loading.progress
    if not caller.may(Role.OPERATE):
        shown = {name: value for name, value in shown.items() if name not in NOT_FOR_USERS}
        if shown["failure"] is not None:
            shown["failure"]["log_tail"] = []
    return shown


def _machines(sites: Sites, machines: Machines, caller: Caller) -> tuple[Shown, ...]:
    """Nothing before the first look: what was seen for the last reader may be long ago."""
    if not machines.looked:
        return ()
    pairs = zip(sites.all, machines.seen, strict=True)
    return tuple(_machine(number, site, machine, caller) for number, (site, machine) in enumerate(pairs))


def _machine(number: int, site: Site, machine: Machine, caller: Caller) -> Shown:
    status = machine.status
    models = () if status is None else status.models
    known = {} if status is None else status.model_dump(mode="json", exclude={"models", "manager"})
    return {
        "site": number,
        "name": None if status is None else status.manager,
        "connected": site.link.connected and machine.answers,
        "at": machine.at,
        **known,
        "models": [
            model.model_dump(mode="json", include=MOVING) for model in models if caller.may_use(model.name)
        ],
    }


async def _heard_within(news: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await news.wait()


def _frame(number: int, event: str, data: Shown) -> bytes:
    return f"id: {number}\nevent: {event}\ndata: {json.dumps(data)}\n\n".encode()
