"""One model's life as the supervisor remembers it. Plain state: it decides nothing and awaits nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from switchyard_contracts.catalog import Capability, Model
from switchyard_contracts.grants import Broken, Drained, Held, InFlight, Unwant
from switchyard_contracts.serving import Serving, Vision
from switchyard_contracts.status import Failure, Phase
from switchyard_manager.lifecycle import COMING_UP, Event, advance
from switchyard_manager.scheduler import StopReason, Wish
from switchyard_manager.scheduler.seen import Files
from switchyard_manager.scheduler.turns import LINGER_S

FOLLOWS_AT_FIRST = 0.5
LAST_WEIGHS = 0.2  # a burst's last pause is a long one, and must not outweigh the burst
OPERATOR = "operator"  # whose tickets come from the admin interface, not from a proxy
WAKES_TRIED = 2  # that fail in a row; after that it is stopped, not put to sleep
SERVING = frozenset({Phase.READY, Phase.DRAINING})


@dataclass(slots=True)
class HeldGrant:
    id: str
    proxy: str
    in_flight: int
    idle_since: float
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Ticket:
    since: float
    priority: int = 0


@dataclass(slots=True)
class Run:
    """One run of its engine."""

    instance: str
    model: Model  # as the engine was started with
    spec_hash: str
    began: float
    gpus: tuple[str, ...] = ()
    claim_mib: int | None = None  # on each GPU; None: the whole of it
    share_mib: int | None = None
    endpoint: str = ""
    proved_at: float | None = None  # since when it has served, this time; a sleep ends it
    ready_after_s: float | None = None
    adopted: bool = False
    logged: bool = False  # it runs, and so has begun a log
    work: float | None = None  # how much it has done, as it counts
    worked_at: float = 0.0  # when that last grew, or nothing was to be done
    can_sleep: bool = True  # until it was seen not to
    asleep: bool = False
    held: Mapping[str, int] = field(default_factory=dict)  # MiB by GPU, as last measured
    peak: dict[str, int] = field(default_factory=dict)
    ended_because: str | None = None


@dataclass(slots=True)
class Fetching:
    """One download of all that it needs, begun and not over."""

    number: int
    model: Model  # as the catalog had it then
    since: float
    text: str = "looking what there is to download"
    done_bytes: int | None = None
    total_bytes: int | None = None
    told_at: float = 0.0
    called_off: bool = False
    stalled: bool = False  # and so was called off
    moot: bool = False  # the catalog wants other files by now


@dataclass(slots=True)
class Life:
    model: Model  # as the catalog has it now, or had it last
    spec_hash: str  # of that
    vision: Vision | None = None  # what its files say of its eyes, once they were read
    can: tuple[Capability, ...] | None = None  # as its files say; None: as the catalog has it
    manner: str | None = None  # how it is served for that, in words
    serving: Serving = field(default_factory=Serving)  # what proxies are told of the two
    phase: Phase = Phase.STOPPED
    phase_since: float = 0.0
    rising_since: float = 0.0  # when the start or the wake was issued
    ever_started: bool = False
    run: Run | None = None
    tickets: dict[tuple[str, str], Ticket] = field(default_factory=dict)  # by (proxy, ticket)
    unwanted_since: float | None = None  # since the last ticket left, while it came up or was fetched
    promised: bool = False
    grants: dict[str, HeldGrant] = field(default_factory=dict)
    grants_made: int = 0
    idle_since: float = 0.0
    quiet_since: float | None = None  # since the last request ended, whatever became of the engine
    follows: float = FOLLOWS_AT_FIRST
    failure: Failure | None = None
    failures: int = 0
    troubles: int = 0  # failures in a row that were not its own
    wakes_failed: int = 0  # in a row
    retry_at: float = 0.0
    suspect: bool = False
    checking: bool = False
    faulted: bool = False
    tried_alone: bool = False  # it ran out of memory beside others, and is given a GPU of its own
    leaves_for: StopReason | None = None
    room_for: str | None = None  # whose turn it is when it has left; until that has been told
    wish: Wish | None = None
    pinned_by_hand: bool | None = None
    progress: str | None = None
    progress_at: float = 0.0
    files: Files = Files.HERE
    look: int = 0  # how often was looked for them: only the last answer counts
    fetching: Fetching | None = None
    pulled: bool = False  # the operator wants them, and the newest there are

    def move(self, event: Event, now: float) -> None:
        self.phase = advance(self.phase, event)
        self.phase_since = now

    @property
    def instance(self) -> str | None:
        return self.run.instance if self.run else None

    @property
    def shown_progress(self) -> str | None:
        """To whoever waits for it: of its engine, else of what has to come before."""
        return self.fetching.text if self.fetching and self.run is None else self.progress

    @property
    def at_it_since(self) -> float:
        return self.fetching.since if self.fetching and self.run is None else self.rising_since

    @property
    def pinned(self) -> bool:
        return self.model.pinned if self.pinned_by_hand is None else self.pinned_by_hand

    @property
    def in_flight(self) -> int:
        return sum(grant.in_flight for grant in self.grants.values())

    def idle_s(self, now: float) -> float:
        if self.in_flight:
            return 0.0
        since = max((grant.idle_since for grant in self.grants.values()), default=0.0)
        return now - max(since, self.idle_since)

    def waited_s(self, now: float) -> float:
        return now - min((ticket.since for ticket in self.tickets.values()), default=now)

    def add_ticket(self, proxy: str, ticket: str, priority: int, now: float) -> None:
        self._note_pause(now)
        self.tickets.setdefault((proxy, ticket), Ticket(now, priority))
        self.unwanted_since = None

    def drop_tickets(self, keys: list[tuple[str, str]], now: float) -> None:
        for key in keys:
            self.tickets.pop(key, None)
        if keys and not self.tickets:
            self.promised = False
            self.unwanted_since = now if self.phase in COMING_UP or self.fetching else None

    def tickets_of(self, proxy: str) -> list[tuple[str, str]]:
        return [key for key in self.tickets if key[0] == proxy]

    def new_grant(self, proxy: str, now: float) -> HeldGrant:
        """Every ticket of that proxy is served by it, and counts as running until the proxy says otherwise."""
        mine = self.tickets_of(proxy)
        self.drop_tickets(mine, now)
        self.grants_made += 1
        grant = HeldGrant(f"{self.instance}.{self.grants_made}", proxy, in_flight=len(mine), idle_since=now)
        self.grants[grant.id] = grant
        return grant

    def adopt_grant(self, held: Held, proxy: str, now: float) -> HeldGrant | None:
        """Take back a grant that a proxy kept while it was cut off from us, if its engine is still the same."""
        run = self.run
        if run is None or self.faulted or not held.grant.startswith(f"{run.instance}."):
            return None
        if self.phase not in SERVING and not (run.adopted and self.phase in COMING_UP):
            return None
        revoked = self.phase is Phase.DRAINING
        grant = HeldGrant(held.grant, proxy, held.in_flight, idle_since=now, revoked=revoked)
        self.grants[grant.id] = grant
        # Never give out its number again: a former manager counted before us.
        number = held.grant.rpartition(".")[2]
        self.grants_made = max(self.grants_made, int(number) if number.isdecimal() else 0)
        return grant

    def drop_grant(self, grant_id: str, now: float) -> None:
        gone = self.grants.pop(grant_id, None)
        if gone is not None:
            self.idle_since = max(self.idle_since, now if gone.in_flight else gone.idle_since)
            self.quiet_since = self.idle_since

    def _note_pause(self, now: float) -> None:
        """A request comes: how soon after the one before?"""
        if self.quiet_since is None or self.in_flight or self.tickets:
            return
        soon = now - self.quiet_since <= LINGER_S
        self.follows += LAST_WEIGHS * (soon - self.follows)
        self.quiet_since = None

    def forget_proxy(self, proxy: str, now: float) -> None:
        for grant in [grant for grant in self.grants.values() if grant.proxy == proxy]:
            self.drop_grant(grant.id, now)
        self.drop_tickets(self.tickets_of(proxy), now)

    def hear(self, proxy: str, message: Unwant | Drained | InFlight | Broken, now: float) -> None:
        """A proxy's word on a ticket or a grant. One that we no longer know is none of ours to change."""
        if isinstance(message, Unwant):
            self.drop_tickets([key for key in [(proxy, message.ticket)] if key in self.tickets], now)
            return
        grant = self.grants.get(message.grant)
        if grant is None:
            return
        match message:
            case Drained():
                self.drop_grant(grant.id, now)
            case InFlight(n=n, idle_s=idle_s):
                if n:
                    self._note_pause(now)
                grant.in_flight, grant.idle_since = n, now - idle_s
                self.quiet_since = None if self.in_flight else now - self.idle_s(now)
            case Broken():
                # What still runs on it counts until the proxy says `drained`; nothing new does.
                grant.revoked = True
                self.suspect = True
