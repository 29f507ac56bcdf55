"""A proxy of the simulation: the real book of grants, and requests that run as long as they are told to."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from switchyard_contracts.grants import FromManager, FromProxy, Granted, Hello, Refused, Revoke, Welcome
from switchyard_manager.supervise.news import ProxyCame, ProxySaid
from switchyard_proxy.grants.book import Book
from switchyard_proxy.grants.holdings import NEVER, Admit, CutOff, Deny, Effect, Lease, Send, Ticket

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.simulator import Simulation

MANAGER_WAIT_S = 30.0
ENDED_S = 1.0  # a stream that nobody ends, begun when the evening is over


@dataclass(slots=True, eq=False)
class Request:
    number: int
    model: str
    asked_at: float
    lasts_s: float | None
    patience_s: float | None
    began_at: float | None = None
    ended_at: float | None = None
    denied: object = None  # why, if it was
    cut: str | None = None  # why, if it was
    lease: Lease | None = None
    then: "Callable[[], None] | None" = None  # what its client does when it is over

    @property
    def instance(self) -> str | None:
        return self.lease.grant.id.rpartition(".")[0] if self.lease else None

    @property
    def is_settled(self) -> bool:
        return self.ended_at is not None or self.denied is not None


class Wire:
    """The manager's end of one connection."""

    def __init__(self, owner: "Proxy", number: int) -> None:
        self.proxy = owner.name
        self._owner = owner
        self.number = number

    def send(self, message: FromManager) -> None:
        self._owner.sent(message, self.number)


class Proxy:
    def __init__(self, sim: "Simulation", name: str) -> None:
        self._sim = sim
        self.name = name
        self.book = Book(0.0, manager_wait_s=MANAGER_WAIT_S)
        self.wire: Wire | None = None
        self._wires = 0
        self.waiting: dict[str, Request] = {}
        self.running: dict[Lease, Request] = {}
        self._alarm_at = NEVER

    # What clients do

    def asks(self, request: Request) -> None:
        lease = self.book.take(request.model, self._sim.now)
        if lease is not None:
            self._runs(request, lease)
            self._set_alarm()
            return
        deadline = NEVER if request.patience_s is None else self._sim.now + request.patience_s
        ticket = Ticket(f"{self.name}-{request.number}", request.model, self._sim.now, deadline)
        self.waiting[ticket.id] = request
        self._do(self.book.wait(ticket, self._sim.now))

    def finish(self, request: Request, cut: str | None = None) -> None:
        """Its answer is complete, or was cut."""
        lease = request.lease
        if lease is None or self.running.pop(lease, None) is None:
            return
        request.ended_at, request.cut = self._sim.now, cut
        self._do(self.book.release(lease, self._sim.now))
        self._sim.settled(request)

    def loses(self, request: Request) -> None:
        """The engine dropped its connection in the middle."""
        if request.lease in self.running:
            self._do(self.book.doubt(request.lease.grant))
            self.finish(request, cut="engine")

    def doubts(self, model: str) -> None:
        """A connection to the engine could not be made, though a grant for it is held."""
        lease = self.book.take(model, self._sim.now)
        if lease is not None:
            self._do(self.book.doubt(lease.grant))
            self._do(self.book.release(lease, self._sim.now))

    # The connection

    @property
    def is_connected(self) -> bool:
        return self.wire is not None

    def connects(self) -> None:
        if self.wire is not None or not self._sim.manager_is_up:
            return
        self._wires += 1
        self.wire = Wire(self, self._wires)
        self._do(self.book.greet(self.name, self._sim.now))

    def is_cut_off(self) -> None:
        self.wire = None
        self.book.parted(self._sim.now)
        self._set_alarm()

    def sent(self, message: FromManager, wire: int) -> None:
        if isinstance(message, Welcome | Granted | Revoke | Refused):
            self._sim.after(self._sim.scenario.wire_s, lambda: self._hears(message, wire))

    def _hears(self, message: FromManager, wire: int) -> None:
        if self.wire is None or self.wire.number != wire:
            return
        match message:
            case Welcome():
                self.book.met()
            case Granted():
                self._do(self.book.granted(message, self._sim.now))
            case Revoke():
                self._do(self.book.revoked(message, self._sim.now))
            case Refused():
                self._do(self.book.refused(message))
            case _:
                pass

    def _says(self, message: FromProxy) -> None:
        wire = self.wire
        if wire is None:
            return
        news = ProxyCame(wire, message) if isinstance(message, Hello) else ProxySaid(wire, message)
        self._sim.tell_manager(news, self._sim.scenario.wire_s, self._sim.manager_number)

    # What the book says

    def _do(self, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            match effect:
                case Send(message):
                    self._says(message)
                case Admit(ticket, lease):
                    self._runs(self.waiting.pop(ticket.id), lease)
                case Deny(ticket, why):
                    request = self.waiting.pop(ticket.id)
                    request.denied = why
                    self._sim.settled(request)
                case CutOff(lease):
                    if lease in self.running:
                        self.finish(self.running[lease], cut="drain limit")
        self._set_alarm()

    def _runs(self, request: Request, lease: Lease) -> None:
        request.began_at, request.lease = self._sim.now, lease
        self.running[lease] = request
        self._sim.rules.began(request)
        lasts_s = ENDED_S if request.lasts_s is None and self._sim.is_over else request.lasts_s
        if lasts_s is not None and not self._sim.is_stuck(request):
            self._sim.after(lasts_s, lambda: self.ends(request))

    def ends(self, request: Request) -> None:
        if not self._sim.is_stuck(request):
            self.finish(request)

    def _set_alarm(self) -> None:
        due = self.book.next_due
        if due < self._alarm_at:
            self._alarm_at = due
            self._sim.at(due, self._rings)

    def _rings(self) -> None:
        self._alarm_at = NEVER
        if self.book.next_due <= self._sim.now:
            self._do(self.book.due(self._sim.now))
        else:
            self._set_alarm()
