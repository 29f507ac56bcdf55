"""The book of grants: which are held, what runs on them, and who waits for one. Decides; never acts.

Every method is synchronous and returns what is now to be done (`Effect`s). What it decides it has recorded
already: when a grant comes, all who wait have their lease before anything else can happen to that grant.
Time is passed in. `next_due` says when `due` wants to be asked.

How a grant stands:

    HELD ──the engine is lost: `broken`──▶ DOUBTED ─┐
      └──the manager revokes it──────────▶ REVOKED ─┴─ last lease ends: `drained` ─▶ forgotten

Only a HELD grant is leased. The manager's last word counts: a grant that it names again is held again.
"""

from dataclasses import replace

from switchyard_contracts.grants import (
    Broken,
    Drained,
    Granted,
    Held,
    Hello,
    InFlight,
    Refused,
    Revoke,
    Unwant,
    Want,
)
from switchyard_proxy.grants.holdings import (
    NEVER,
    Admit,
    CutOff,
    Deny,
    Effect,
    Grant,
    Lease,
    ManagerAway,
    Send,
    Standing,
    Ticket,
    TooLate,
)


class Book:
    """The record of one proxy. It begins with the manager away."""

    def __init__(self, now: float, *, manager_wait_s: float, report_every_s: float = 0.25) -> None:
        self._manager_wait_s = manager_wait_s
        self._report_every_s = report_every_s
        self._grants: dict[str, Grant] = {}
        self._current: dict[str, Grant] = {}
        self._tickets: dict[str, Ticket] = {}
        self._away_since: float | None = now
        self.next_due = NEVER

    @property
    def in_flight(self) -> int:
        return sum(len(grant.leases) for grant in self._grants.values())

    @property
    def waiting(self) -> int:
        return len(self._tickets)

    @property
    def grants(self) -> int:
        return len(self._grants)

    def waiting_for(self, model: str) -> int:
        return sum(ticket.model == model for ticket in self._tickets.values())

    def running_on(self, model: str) -> int | None:
        """How many requests run on the model's grant; None where none is held."""
        grant = self._current.get(model)
        return None if grant is None else len(grant.leases)

    # What requests do

    def take(self, model: str, now: float, *, looks: bool = False) -> Lease | None:
        """A lease at once, if a grant for the model is held. One that only looks is no news for the manager."""
        grant = self._current.get(model)
        if grant is None or grant.standing is not Standing.HELD:
            return None
        lease = self._lease(grant, looks=looks)
        if not looks:
            self._tell_later(grant, now)
        return lease

    def wait(self, ticket: Ticket, now: float) -> tuple[Effect, ...]:
        """Queue for a grant; `Admit` or `Deny` follows, unless the ticket is given up."""
        self._tickets[ticket.id] = ticket
        self._alarm(self._patience(ticket))
        return (Send(_want(ticket, now)),)

    def extend(self, ticket: Ticket, deadline: float, now: float) -> tuple[Effect, ...]:
        """Whoever waits has more time than was thought. The place in the queue stays."""
        if ticket.id not in self._tickets:
            return ()
        longer = replace(ticket, deadline=deadline)
        self._tickets[ticket.id] = longer
        self._alarm(self._patience(longer))
        return (Send(_want(longer, now)),)

    def give_up(self, ticket: Ticket) -> tuple[Effect, ...]:
        """The request left before it was served."""
        if self._tickets.pop(ticket.id, None) is None:
            return ()
        return (Send(Unwant(model=ticket.model, ticket=ticket.id)),)

    def release(self, lease: Lease, now: float) -> tuple[Effect, ...]:
        """The request is over. Giving a lease back twice is giving it back once."""
        grant = lease.grant
        if lease not in grant.leases:
            return ()
        grant.leases.remove(lease)
        grant.looking -= lease.looks
        if not grant.leases and grant.standing is not Standing.HELD:
            return self._drained(grant)
        if lease.looks:
            return ()
        if grant.running:
            self._tell_later(grant, now)
            return ()
        grant.idle_since = now
        if now - grant.told_at >= self._report_every_s:
            return (self._tell(grant, now),)
        self._tell_at(grant, grant.told_at + self._report_every_s)
        return ()

    def doubt(self, grant: Grant) -> tuple[Effect, ...]:
        """The engine refused or dropped a request: say so, and start nothing more there. The next asks anew."""
        if grant.standing is not Standing.HELD or self._grants.get(grant.id) is not grant:
            return ()
        said = Send(Broken(model=grant.model, grant=grant.id))
        return (said, *self._retire(grant, Standing.DOUBTED))

    # What the manager says

    def granted(self, word: Granted, now: float) -> tuple[Effect, ...]:
        grant = self._grants.get(word.grant)
        if grant is None:
            grant = Grant(word.grant, word.model, word.endpoint, word.headers, idle_since=now)
            self._grants[grant.id] = grant
        grant.endpoint, grant.headers = word.endpoint, word.headers
        grant.standing, grant.drain_s, grant.cut_at = Standing.HELD, None, NEVER
        before = self._current.get(grant.model)
        self._current[grant.model] = grant
        replaced = () if before is None or before is grant else self._retire(before, Standing.REVOKED)
        return (*replaced, *self._admit_all(grant, now))

    def revoked(self, word: Revoke, now: float) -> tuple[Effect, ...]:
        grant = self._grants.get(word.grant)
        if grant is None:  # drained already, or never ours: what the manager waits for is true either way
            return (Send(Drained(model=word.model, grant=word.grant)),)
        if word.drain_s is not None:
            grant.drain_s, grant.cut_at = word.drain_s, now + word.drain_s
            self._alarm(grant.cut_at)
        return self._retire(grant, Standing.REVOKED)

    def refused(self, word: Refused) -> tuple[Effect, ...]:
        ticket = self._tickets.pop(word.ticket, None)
        return () if ticket is None else (Deny(ticket, word),)

    def greet(self, proxy: str, now: float) -> tuple[Effect, ...]:
        """A connection stands: say who we are, what we hold, what we doubt and who waits."""
        for grant in self._grants.values():
            grant.told_at, grant.tell_at = now, NEVER
        holds = tuple(
            Held(model=grant.model, grant=grant.id, in_flight=grant.running) for grant in self._grants.values()
        )
        doubted = (grant for grant in self._grants.values() if grant.standing is Standing.DOUBTED)
        return (
            Send(Hello(proxy=proxy, holds=holds)),
            *(Send(Broken(model=grant.model, grant=grant.id)) for grant in doubted),
            *(Send(_want(ticket, now)) for ticket in self._tickets.values()),
        )

    def met(self) -> None:
        """The manager answered: it is there."""
        self._away_since = None

    def parted(self, now: float) -> None:
        """The manager is away. Grants stay good; whoever waits has a little time."""
        if self._away_since is None:
            self._away_since = now
        self._alarm(min(map(self._patience, self._tickets.values()), default=NEVER))

    # What time does

    def due(self, now: float) -> tuple[Effect, ...]:
        """What the clock has made necessary; call it at `next_due`, or whenever."""
        effects: list[Effect] = []
        for grant in self._grants.values():
            if grant.tell_at <= now:
                effects.append(self._tell(grant, now))
            if grant.cut_at <= now:
                grant.cut_at = NEVER
                effects += map(CutOff, grant.leases)
        for ticket in [ticket for ticket in self._tickets.values() if self._patience(ticket) <= now]:
            late = ticket.deadline <= now
            effects.append(Deny(ticket, TooLate(now - ticket.since) if late else ManagerAway()))
            effects += self.give_up(ticket)
        self.next_due = self._earliest()
        return tuple(effects)

    def _earliest(self) -> float:
        of_grants = (min(grant.tell_at, grant.cut_at) for grant in self._grants.values())
        of_tickets = map(self._patience, self._tickets.values())
        return min(min(of_grants, default=NEVER), min(of_tickets, default=NEVER))

    def _patience(self, ticket: Ticket) -> float:
        """When a ticket gives up: at its deadline, or sooner when there is nobody to ask."""
        if self._away_since is None:
            return ticket.deadline
        return min(ticket.deadline, max(ticket.since, self._away_since) + self._manager_wait_s)

    def _alarm(self, at: float) -> None:
        self.next_due = min(self.next_due, at)

    # How a grant changes

    def _lease(self, grant: Grant, *, looks: bool) -> Lease:
        lease = Lease(grant, looks)
        grant.leases.add(lease)
        grant.looking += looks
        return lease

    def _admit_all(self, grant: Grant, now: float) -> tuple[Effect, ...]:
        """Everyone who waits for the model, in this very step: a later revoke then drains them, not nobody.

        The count goes out before the tickets are given up, or the manager might see neither. It goes out even
        when everyone has left: the manager counts the tickets that it granted as running until it is told.
        """
        served = [ticket for ticket in self._tickets.values() if ticket.model == grant.model]
        admitted = [Admit(ticket, self._lease(grant, looks=ticket.looks)) for ticket in served]
        told = self._tell(grant, now)
        return (*admitted, told, *(effect for ticket in served for effect in self.give_up(ticket)))

    def _retire(self, grant: Grant, standing: Standing) -> tuple[Effect, ...]:
        grant.standing = standing
        if self._current.get(grant.model) is grant:
            del self._current[grant.model]
        return () if grant.leases else self._drained(grant)

    def _drained(self, grant: Grant) -> tuple[Effect, ...]:
        del self._grants[grant.id]
        return (Send(Drained(model=grant.model, grant=grant.id)),)

    def _tell(self, grant: Grant, now: float) -> Send:
        grant.told_at, grant.tell_at = now, NEVER
        running = grant.running
        idle_s = 0.0 if running else now - grant.idle_since
        return Send(InFlight(model=grant.model, grant=grant.id, n=running, idle_s=idle_s))

    def _tell_later(self, grant: Grant, now: float) -> None:
        if grant.tell_at == NEVER:
            self._tell_at(grant, now + self._report_every_s)

    def _tell_at(self, grant: Grant, at: float) -> None:
        grant.tell_at = at
        self._alarm(at)


def _want(ticket: Ticket, now: float) -> Want:
    return Want(
        model=ticket.model,
        ticket=ticket.id,
        priority=ticket.priority,
        deadline_s=max(ticket.deadline - now, 0.0),
        looks=ticket.looks,
    )
