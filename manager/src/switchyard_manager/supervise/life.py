"""One model's life as the supervisor remembers it. Plain state: it decides nothing and awaits nothing."""

from dataclasses import dataclass, field

from switchyard_contracts.catalog import Model
from switchyard_contracts.grants import Broken, Drained, Held, InFlight, Unwant
from switchyard_contracts.status import Failure, ModelStatus, Phase
from switchyard_manager.lifecycle import COMING_UP, Event, advance
from switchyard_manager.scheduler import Seen

# What the engine was started with. The other fields of a model apply at once, to a running engine too.
SPEC_FIELDS = frozenset(
    {
        "type",
        "engine",
        "repo",
        "path",
        "revision",
        "gpus",
        "context_length",
        "engine_args",
        "extra_args",
        "env",
        "mounts",
        "image",
        "container",
        "port",
    }
)


def same_spec(one: Model, other: Model) -> bool:
    return one.model_dump(include=set(SPEC_FIELDS)) == other.model_dump(include=set(SPEC_FIELDS))


@dataclass(slots=True)
class HeldGrant:
    id: str
    proxy: str
    in_flight: int
    idle_since: float
    revoked: bool = False


@dataclass(slots=True)
class Life:
    model: Model  # as the catalog has it now, or had it last
    phase: Phase = Phase.STOPPED
    phase_since: float = 0.0
    start_issued: float = 0.0
    ever_started: bool = False
    proved_at: float | None = None  # in this run
    instance: str | None = None
    running: Model | None = None  # as the engine was started with
    endpoint: str = ""
    tickets: dict[tuple[str, str], float] = field(default_factory=dict)  # (proxy, ticket) → since when
    grants: dict[str, HeldGrant] = field(default_factory=dict)
    grants_made: int = 0
    idle_since: float = 0.0
    failure: Failure | None = None
    failures: int = 0
    retry_at: float = 0.0
    suspect: bool = False
    checking: bool = False

    def move(self, event: Event, now: float) -> None:
        self.phase = advance(self.phase, event)
        self.phase_since = now

    @property
    def in_flight(self) -> int:
        return sum(grant.in_flight for grant in self.grants.values())

    def idle_s(self, now: float) -> float:
        if self.in_flight:
            return 0.0
        since = max((grant.idle_since for grant in self.grants.values()), default=0.0)
        return now - max(since, self.idle_since)

    def new_grant(self, proxy: str, now: float) -> HeldGrant:
        """Every ticket of that proxy is served by it, and counts as running until the proxy says otherwise."""
        mine = [key for key in self.tickets if key[0] == proxy]
        for key in mine:
            del self.tickets[key]
        self.grants_made += 1
        grant = HeldGrant(f"{self.instance}.{self.grants_made}", proxy, in_flight=len(mine), idle_since=now)
        self.grants[grant.id] = grant
        return grant

    def adopt_grant(self, held: Held, proxy: str, now: float) -> HeldGrant | None:
        """Take back a grant that a proxy kept while it was cut off from us, if its engine is still the same."""
        of_this_run = self.instance is not None and held.grant.startswith(f"{self.instance}.")
        if not of_this_run or self.phase not in {Phase.READY, Phase.DRAINING}:
            return None
        revoked = self.phase is Phase.DRAINING
        grant = HeldGrant(held.grant, proxy, held.in_flight, idle_since=now, revoked=revoked)
        self.grants[grant.id] = grant
        return grant

    def drop_grant(self, grant_id: str, now: float) -> None:
        gone = self.grants.pop(grant_id, None)
        if gone is not None:
            self.idle_since = max(self.idle_since, now if gone.in_flight else gone.idle_since)

    def forget_proxy(self, proxy: str, now: float) -> None:
        for grant in [grant for grant in self.grants.values() if grant.proxy == proxy]:
            self.drop_grant(grant.id, now)
        for key in [key for key in self.tickets if key[0] == proxy]:
            del self.tickets[key]

    def hear(self, proxy: str, message: Unwant | Drained | InFlight | Broken, now: float) -> None:
        """A proxy's word on a ticket or a grant. One that we no longer know is none of ours to change."""
        if isinstance(message, Unwant):
            self.tickets.pop((proxy, message.ticket), None)
            return
        grant = self.grants.get(message.grant)
        if grant is None:
            return
        match message:
            case Drained():
                self.drop_grant(grant.id, now)
            case InFlight(n=n, idle_s=idle_s):
                grant.in_flight, grant.idle_since = n, now - idle_s
            case Broken():
                # What still runs on it counts until the proxy says `drained`; nothing new does.
                grant.revoked = True
                self.suspect = True

    def seen(self, now: float) -> Seen:
        since = self.start_issued if self.phase in COMING_UP else self.phase_since
        return Seen(
            phase=self.phase,
            phase_s=now - since,
            asking=frozenset(proxy for proxy, _ in self.tickets),
            granted=frozenset(grant.proxy for grant in self.grants.values() if not grant.revoked),
            undrained=len(self.grants),
            in_flight=self.in_flight,
            idle_s=self.idle_s(now),
            retry_in_s=max(0.0, self.retry_at - now),
            outdated=self.running is not None and not same_spec(self.running, self.model),
            ever_started=self.ever_started,
            suspect=self.suspect,
            checking=self.checking,
        )

    def status(self, now: float) -> ModelStatus:
        model = self.model
        return ModelStatus(
            name=model.name,
            aliases=model.aliases,
            type=model.type,
            engine=model.engine,
            capabilities=model.capabilities,
            description=model.description,
            context_length=model.context_length,
            phase=self.phase,
            in_flight=self.in_flight,
            waiting=len(self.tickets),
            idle_s=round(self.idle_s(now), 1) if self.phase is Phase.READY else None,
            failure=self.failure,
            retry_in_s=round(self.retry_at - now, 1) if self.retry_at > now else None,
        )
