"""The manager's world and the proxy's book of grants, face to face, with a network between them that is slow.

Both are pure, so a whole evening of requests, loads, idle unloads, crashes and lost connections takes
milliseconds; a seeded chance decides what happens next, and which of the two hears of it first. What must hold
in each: an engine that serves is never stopped, each side's count ends where the other's does, and nobody waits
for ever. (Hypothesis rarely gets as far as a second load: it favours few and short steps.)
"""

import random
from collections import deque
from collections.abc import Callable
from itertools import count

import pytest

from switchyard_contracts.catalog import read_catalog
from switchyard_contracts.grants import FromManager, FromProxy, Granted, Hello, Refused, Revoke
from switchyard_contracts.status import Phase
from switchyard_manager.lifecycle import Event
from switchyard_manager.runtimes import Exit
from switchyard_manager.supervise.news import (
    EngineCame,
    EngineGone,
    EngineStands,
    ProxyCame,
    ProxySaid,
    ProxyWent,
)
from switchyard_manager.supervise.work import BringUp, EndRun, LookAt
from switchyard_proxy.grants.book import Book
from switchyard_proxy.grants.holdings import NEVER, Admit, CutOff, Deny, Effect, Lease, Send, Ticket
from tests.manager.conftest import world_of

CATALOG = read_catalog(
    '{"models": {"m": {"type": "text", "path": "/x", "idle_unload_s": 30, "startup_timeout_s": 1000}}}'
)
COMING = (Event.LAUNCHED, Event.ANSWERING, Event.PROVED)
QUIET_S = 1000.0
EVENINGS = 300
LONGEST = 150


class Evening:
    """One manager, one proxy, one model."""

    def __init__(self, *, connections_drop: bool, engines_crash: bool) -> None:
        self.connections_drop, self.engines_crash = connections_drop, engines_crash
        self.now = 0.0
        self.world = world_of(CATALOG)
        self.book = Book(0.0, manager_wait_s=5.0)
        self.tickets = count(1)
        self.to_manager: deque[FromProxy] = deque()
        self.to_proxy: deque[FromManager] = deque()
        self.session: Wire | None = None
        self.waiting: dict[str, Ticket] = {}
        self.leases: list[Lease] = []
        self.coming: dict[str, int] = {}  # instance → how many of its steps it has made
        self.running: set[str] = set()
        self.ending: set[str] = set()
        self.looked_at: list[str] = []
        self.was_cut = False
        self.crashed: set[str] = set()
        self.connect()

    def moves(self, which: int) -> list[Callable[[], None]]:
        """What can happen now; what moves things on is there more than once, so that evenings get somewhere."""
        on_the_way = [self.the_manager_hears] * 4 * bool(self.to_manager)
        on_the_way += [self.the_proxy_hears] * 4 * bool(self.to_proxy)
        engines = [self.the_engine_comes_on] * 4 * bool(self.coming)
        engines += [self.the_engine_that_was_stopped_is_gone] * bool(self.ending)
        engines += [self.the_engine_that_was_doubted_stands] * 2 * bool(self.looked_at)
        engines += [self.the_engine_crashes] * (self.engines_crash and bool(self.running - self.ending))
        clients: list[Callable[[], None]] = [self.a_request_comes] * 3
        if self.leases:
            clients += [lambda: self.a_request_ends(which)] * 4
            clients += [lambda: self.a_request_finds_its_connection_dropped(which)]
        if self.waiting:
            clients += [lambda: self.a_client_that_waits_leaves(which)]
        times = [lambda: self.time_passes((0.1, 1.0, 10.0, 31.0)[which % 4])] * 3
        return on_the_way + engines + clients + times + [self.the_connection_drops] * self.connections_drop

    # What clients do

    def a_request_comes(self) -> None:
        lease = self.book.take("m", self.now)
        if lease is not None:
            self.lease_is_good(lease)
            return
        ticket = Ticket(f"t{next(self.tickets)}", "m", self.now, deadline=NEVER)
        self.waiting[ticket.id] = ticket
        self.do(self.book.wait(ticket, self.now))

    def a_request_ends(self, which: int) -> None:
        self.do(self.book.release(self.leases.pop(which % len(self.leases)), self.now))

    def a_client_that_waits_leaves(self, which: int) -> None:
        ticket = self.waiting.pop(sorted(self.waiting)[which % len(self.waiting)])
        self.do(self.book.give_up(ticket))

    def a_request_finds_its_connection_dropped(self, which: int) -> None:
        lease = self.leases.pop(which % len(self.leases))
        self.do(self.book.doubt(lease.grant))
        self.do(self.book.release(lease, self.now))

    # What the network does

    def the_manager_hears(self) -> None:
        self.manager_takes(self.to_manager.popleft())

    def the_proxy_hears(self) -> None:
        self.proxy_takes(self.to_proxy.popleft())

    def the_connection_drops(self) -> None:
        if self.session is not None:
            self.was_cut = True  # the manager had to count this proxy out while its requests went on
            self.world.hear(ProxyWent(self.session), self.now)
            self.session = None
            self.book.parted(self.now)
        self.connect()

    # What engines do

    def the_engine_comes_on(self) -> None:
        instance, step = next(iter(self.coming.items()))
        self.world.hear(EngineCame("m", instance, COMING[step], "http://engine"), self.now)
        self.coming[instance] += 1
        if self.coming[instance] == len(COMING):
            del self.coming[instance]
        self.manager_decides()

    def the_engine_crashes(self) -> None:
        instance = min(self.running - self.ending)
        self.crashed.add(instance)
        self.engine_is_gone(instance)

    def the_engine_that_was_stopped_is_gone(self) -> None:
        self.engine_is_gone(min(self.ending))

    def the_engine_that_was_doubted_stands(self) -> None:
        self.world.hear(EngineStands("m", self.looked_at.pop()), self.now)
        self.manager_decides()

    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.do(self.book.due(self.now))
        self.manager_decides()

    # What must hold

    def both_sides_agree_when_nothing_is_on_the_way(self) -> None:
        if self.to_manager or self.to_proxy or self.book.next_due < NEVER:
            return
        (status,) = self.world.statuses(self.now)
        if status.phase is Phase.READY and not self.crashed:
            assert status.in_flight == len(self.leases)

    def comes_to_rest(self) -> None:
        """Whoever waits is served or told, and the idle engine stops."""
        while self.leases or self.waiting:
            while self.leases:
                self.a_request_ends(0)
            self.settle()
        self.settle()  # a load goes on when nobody waits for it any more
        self.time_passes(QUIET_S)
        self.settle()
        (status,) = self.world.statuses(self.now)
        assert (status.in_flight, status.waiting) == (0, 0)
        assert status.phase in {Phase.STOPPED, Phase.FAILED}
        assert self.running == set()
        assert (self.book.in_flight, self.book.waiting) == (0, 0)

    # How it is wired

    def settle(self) -> None:
        for _ in range(500):
            if self.to_manager:
                self.the_manager_hears()
            elif self.to_proxy:
                self.the_proxy_hears()
            elif self.coming:
                self.the_engine_comes_on()
            elif self.ending:
                self.the_engine_that_was_stopped_is_gone()
            elif self.looked_at:
                self.the_engine_that_was_doubted_stands()
            elif self.leases:
                return
            elif self.waiting or self.book.next_due < NEVER:
                self.time_passes(1.0)
            else:
                return
        pytest.fail("it does not come to rest")

    def connect(self) -> None:
        self.to_manager.clear()
        self.to_proxy.clear()
        self.session = Wire(self.to_proxy)
        self.do(self.book.greet("proxy", self.now))
        hello = self.to_manager.popleft()
        assert isinstance(hello, Hello)
        self.world.hear(ProxyCame(self.session, hello), self.now)
        self.book.met()
        self.manager_decides()

    def manager_takes(self, message: FromProxy) -> None:
        assert self.session is not None
        assert not isinstance(message, Hello)
        self.world.hear(ProxySaid(self.session, message), self.now)
        self.manager_decides()

    def manager_decides(self) -> None:
        for work in self.world.decide(self.now):
            match work:
                case BringUp(errand=errand):
                    self.coming[errand.instance] = 0
                    self.running.add(errand.instance)
                case LookAt(errand=errand):
                    self.looked_at.append(errand.instance)
                case EndRun(instance=instance):
                    self.never_stopped_while_it_serves(instance)
                    self.ending.add(instance)
                    self.coming.pop(instance, None)

    def lease_is_good(self, lease: Lease) -> None:
        """It is for an engine that runs and is not told to stop; or that crashed, and nobody knows it yet."""
        instance = lease.grant.id.rpartition(".")[0]
        if not self.was_cut:
            assert instance in (self.running - self.ending) | self.crashed
        self.leases.append(lease)

    def never_stopped_while_it_serves(self, instance: str) -> None:
        if not self.was_cut:
            assert not any(lease.grant.id.startswith(f"{instance}.") for lease in self.leases)

    def engine_is_gone(self, instance: str) -> None:
        self.running.discard(instance)
        self.ending.discard(instance)
        self.coming.pop(instance, None)
        if instance in self.looked_at:
            self.looked_at.remove(instance)
        self.world.hear(EngineGone("m", instance, Exit(0)), self.now)
        self.manager_decides()

    def proxy_takes(self, message: FromManager) -> None:
        match message:
            case Granted():
                self.do(self.book.granted(message, self.now))
            case Revoke():
                self.do(self.book.revoked(message, self.now))
            case Refused():
                self.do(self.book.refused(message))
            case _:
                pass

    def do(self, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            match effect:
                case Send(message):
                    if self.session is not None:
                        self.to_manager.append(message)
                case Admit(ticket, lease):
                    del self.waiting[ticket.id]
                    self.lease_is_good(lease)
                case Deny(ticket):
                    del self.waiting[ticket.id]
                case CutOff(lease):
                    if lease in self.leases:
                        self.leases.remove(lease)
                        self.do(self.book.release(lease, self.now))


class Wire:
    """The manager's end of the connection."""

    proxy = "proxy"

    def __init__(self, to_proxy: deque[FromManager]) -> None:
        self._to_proxy = to_proxy

    def send(self, message: FromManager) -> None:
        self._to_proxy.append(message)


@pytest.mark.parametrize("engines_crash", [False, True])
@pytest.mark.parametrize("connections_drop", [False, True])
def test_no_evening_ends_badly(*, connections_drop: bool, engines_crash: bool) -> None:
    for seed in range(EVENINGS):
        chance = random.Random(seed)
        evening = Evening(connections_drop=connections_drop, engines_crash=engines_crash)
        try:
            for _ in range(chance.randrange(10, LONGEST)):
                moves = evening.moves(chance.randrange(8))
                moves[chance.randrange(len(moves))]()
                evening.both_sides_agree_when_nothing_is_on_the_way()
            evening.comes_to_rest()
        except BaseException as fault:
            fault.add_note(f"in the evening of seed {seed}")
            raise
