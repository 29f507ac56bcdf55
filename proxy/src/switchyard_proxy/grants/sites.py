"""The managers of this proxy, one per machine with GPUs, and which of them is asked for a model.

A model that several machines have is asked of the one that serves it already, the least busy of those; else of
one that is there. Decides where; what runs and waits there is its `Leases`' business.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from switchyard_contracts.status import ModelStatus, Phase
from switchyard_proxy.grants.known_models import COMING_UP, KnownModels
from switchyard_proxy.grants.leases import Leases
from switchyard_proxy.grants.link import Link

LAST = 9


@dataclass(frozen=True, slots=True)
class Site:
    """One manager: the connection to it, what it granted, what it said of its models."""

    link: Link
    leases: Leases
    known: KnownModels

    def status(self, model: str) -> ModelStatus | None:
        return next((known for known in self.known.models if known.name == model), None)

    def named(self, said: str) -> ModelStatus | None:
        """The model of that name, or with that alias."""
        return self.status(said) or next((one for one in self.known.models if said in one.aliases), None)


@dataclass(frozen=True, slots=True)
class Sites:
    """All of them, in the order in which the operator named them."""

    all: tuple[Site, ...]

    def serving(self, model: str, among: Sequence[int]) -> Site:
        """Whom to ask for a model that `among` have."""
        if len(among) == 1:
            return self.all[among[0]]
        return min((self.all[index] for index in among), key=lambda site: _reluctance(site, model))

    def is_warm(self, model: str) -> bool:
        return any(
            site.leases.running_on(model) is not None
            or any(known.name == model and known.phase is Phase.READY for known in site.known.models)
            for site in self.all
        )

    @property
    def connected(self) -> int:
        return sum(site.link.connected for site in self.all)

    @property
    def in_flight(self) -> int:
        return sum(site.leases.in_flight for site in self.all)

    @property
    def waiting(self) -> int:
        return sum(site.leases.waiting for site in self.all)


def _reluctance(site: Site, model: str) -> tuple[int, int]:
    running = site.leases.running_on(model)
    if running is not None:
        return 0, running
    if not site.link.connected:
        return LAST, 0
    status = site.status(model)
    if status is None:
        return LAST - 1, 0
    if status.phase is Phase.READY:
        return 1, status.in_flight
    if status.phase in COMING_UP:
        return 2, status.waiting
    return (5 if status.failure is not None else 3), site.leases.waiting
