"""A deterministic simulation: the manager's real world and the proxies' real books, on a machine of data.

Events stand in a heap by time. Nothing reads a clock, nothing waits, nothing is random: what a scenario says is
what happens, in the same order each time. After each moment the manager decides, as it does in truth.
"""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import cast

from switchyard_contracts.catalog import Catalog, Model
from switchyard_contracts.catalog import Engine as EngineKind
from switchyard_manager.engines import Adapter as EngineAdapter
from switchyard_manager.gpu.holders import held_mib
from switchyard_manager.lifecycle import COMING_UP
from switchyard_manager.runtimes import Exit
from switchyard_manager.scheduler import Policy, consider
from switchyard_manager.store.facts import Fact, Learned, PinSet
from switchyard_manager.supervise.chronicle import Chronicle
from switchyard_manager.supervise.commands import Answer, Command
from switchyard_manager.supervise.ground import Ground
from switchyard_manager.supervise.news import (
    Asked,
    CatalogRead,
    Measured,
    News,
    ProxyWent,
    Recovered,
)
from switchyard_manager.supervise.work import (
    BringUp,
    CallOffFetch,
    EndRun,
    EndStray,
    FetchFiles,
    LookAt,
    LookForFiles,
    PutToSleep,
    TakeOver,
    WakeUp,
    Work,
)
from switchyard_manager.supervise.workshop import Workshop
from switchyard_manager.supervise.world import Beginning, World
from tests.manager.simulated_card import SimulatedCard, SimulatedMachine
from tests.simulation.downloads import Downloads, has_files, needs_of
from tests.simulation.engines import Adapter, At, Engines
from tests.simulation.invariants import Rule, Rules
from tests.simulation.proxy import Proxy, Request
from tests.simulation.scenario import (
    Ask,
    Client,
    Crash,
    Disconnect,
    Doubt,
    Order,
    Reload,
    Restart,
    Scenario,
    Step,
    Stick,
    Stranger,
    uuid,
)

REUNITED_S = 0.3  # after which a proxy has found the manager again; the next one takes as long again
PARTED_S = 0.2  # after which the manager notices that a proxy went
AT_EASE = 5  # times longer is the tick while nothing is asked, runs or moves
COMES_TO_REST_S = 5_000.0
CLIENTS_END_S = 20_000.0  # then they are sent home


@dataclass(slots=True)
class Outcome:
    """What came of it."""

    requests: list[Request] = field(default_factory=list)
    swaps: int = 0  # loads and wakes
    lasted_s: float = 0.0
    longest_wait_s: float = 0.0

    @property
    def waits(self) -> list[float]:
        """How long each had to wait that was served at all."""
        return [one.began_at - one.asked_at for one in self.requests if one.began_at is not None]


class Simulation:
    def __init__(self, scenario: Scenario, policy: Policy = consider, *, examined: bool = True) -> None:
        """Not `examined`: the policy is not held to the rules, only to an end at which everyone was served."""
        self.scenario = scenario
        self.now = 0.0
        self.is_over = False
        self._heap: list[tuple[float, int, Callable[[], object]]] = []
        self._order = count()
        self.machine = SimulatedMachine(
            [
                SimulatedCard(
                    uuid(index),
                    gpu.total_mib,
                    lambda: self.now,
                    lag_s=gpu.lag_s,
                    leaks_mib=gpu.leaks_mib,
                    lie=gpu.lie,
                )
                for index, gpu in enumerate(scenario.gpus)
            ],
            ram_total_mib=scenario.ram_mib,
        )
        self.engines = Engines(self)
        self.downloads = Downloads(self)
        self.rules = Rules(self, policy, examined=examined)
        self.proxies = [Proxy(self, f"proxy-{number}") for number in range(scenario.proxies)]
        self._of_proxy: dict[int, Proxy] = {}
        self.requests: list[Request] = []
        self._busy_clients = 0
        # The manager, and what outlives it
        self.manager_number = 0
        self.world: World | None = None
        self._ground: Ground | None = None
        self._undecided = False
        self._ticks_at = 0.0
        self._learned: dict[str, Learned] = {}
        self._pins: dict[str, bool] = {}
        self._revisions: dict[str, int] = {}
        self._removed: set[str] = set()
        self._instances = count(1)
        self.answers: list[Answer] = []

    def run(self) -> Outcome:
        self._start_manager()
        for number, client in enumerate(self.scenario.clients):
            self._busy_clients += 1
            self.at(client.starts_at, lambda client=client, number=number: self._client_asks(client, 0))  # type: ignore[misc]
        for step in self.scenario.steps:
            self.at(step.at, lambda step=step: self._take(step))  # type: ignore[misc]
        self.at(self.scenario.ends_at, lambda: None)
        ends_at = self.scenario.ends_at
        while self.now <= ends_at or (self._busy_clients and self.now <= ends_at + CLIENTS_END_S):
            self._next()
        lasted_s = self.now
        self._come_to_rest()
        return Outcome(self.requests, self.rules.swaps, lasted_s, self.rules.longest_wait_s)

    def _come_to_rest(self) -> None:
        """Everyone has left who would never have; what waits may be served yet."""
        self.is_over = True
        for proxy in self.proxies:
            for request in list(proxy.running.values()):
                if request.lasts_s is None:
                    proxy.finish(request)
        limit = self.now + COMES_TO_REST_S
        while self.world is None or self._undecided or (why := self.rules.rests()):
            if self.now > limit:
                raise self.rules.broken(Rule.AT_REST, f"{why}")
            self._next()
        if unsettled := [one for one in self.requests if not one.is_settled]:
            raise self.rules.broken(Rule.AT_REST, f"requests of which nobody knows: {unsettled}")

    # Time

    def at(self, when: float, act: Callable[[], object]) -> None:
        heapq.heappush(self._heap, (max(when, self.now), next(self._order), act))

    def after(self, delay_s: float, act: Callable[[], object]) -> None:
        self.at(self.now + delay_s, act)

    def _next(self) -> None:
        self.now, _, act = heapq.heappop(self._heap)
        act()
        if self._undecided and self._heap[0][0] > self.now:
            self._decide()

    # The manager

    @property
    def manager_is_up(self) -> bool:
        return self.world is not None

    @property
    def ground(self) -> Ground:
        """Of the manager that runs, or of the last that did."""
        assert self._ground is not None
        return self._ground

    def tell_manager(self, news: News, delay_s: float, number: int) -> None:
        """If by then it is still the same manager, and the same connection."""

        def hear() -> None:
            if self.world is None or number != self.manager_number:
                return
            self.world.hear(news, self.now)
            self._undecided = True

        self.after(delay_s, hear)

    def _start_manager(self) -> None:
        chronicle = Chronicle(self._keep)
        workshop = Workshop(
            adapters={EngineKind.VLLM: cast("EngineAdapter", Adapter(self.scenario))},
            hash_of=_hash,
            new_instance=lambda model: f"{model}-{next(self._instances)}",
            key_of=lambda instance: "",
            learned=self._learned,
            has_files=lambda model: has_files(self.scenario, model),
            needs_of=needs_of,
        )
        beginning = Beginning(
            "manager", self._catalog(), workshop, chronicle, dict(self._pins), self.rules.policy
        )
        self.world = World(beginning)
        self._ground = self.world.ground
        self._measure()
        self.world.hear(Recovered(self.engines.found()), self.now)
        self._undecided = True
        self._tick(self.manager_number)
        for place, proxy in enumerate(self.proxies):
            self.after(REUNITED_S * (place + 1), proxy.connects)

    def _kill_manager(self, restart: Restart) -> None:
        if self.world is None:
            return
        self.world, self._undecided = None, False
        self.manager_number += 1
        for proxy in self.proxies:
            proxy.is_cut_off()
        for engine in self.engines.alive:
            if engine.at is At.LAUNCHING:
                engine.at = At.GONE  # whoever was about to launch it is dead
        if restart.forgets:
            self._learned = {}
        self.after(restart.down_s, self._start_manager)

    def _tick(self, number: int) -> None:
        if self.world is None or number != self.manager_number:
            return
        self._measure()
        self._undecided = True
        self._next_tick(AT_EASE if self._nothing_happens() else 1)

    def stir(self) -> None:
        """Something happens: from now on the manager looks as often as it does."""
        if self._ticks_at > self.now + self.scenario.tick_s:
            self._next_tick(1)

    def _next_tick(self, times: int) -> None:
        self._ticks_at = at = self.now + times * self.scenario.tick_s
        number = self.manager_number
        self.at(at, lambda: self._tick(number) if at == self._ticks_at else None)

    def _measure(self) -> None:
        if self.world is not None:
            reading = self.machine.read()
            pids = self.machine.pids()
            self.world.hear(Measured(reading, held_mib(reading, pids)), self.now)

    def _nothing_happens(self) -> bool:
        return not any(proxy.waiting or proxy.running for proxy in self.proxies) and not any(
            life.phase in COMING_UP for life in self.ground.lives.values()
        )

    def _decide(self) -> None:
        self._undecided = False
        if self.world is None:
            return
        work = self.world.decide(self.now)
        self.rules.decided(work)
        for item in work:
            self._do(item)

    def _do(self, work: Work) -> None:  # noqa: C901 - one case for each kind
        match work:
            case BringUp(errand=errand):
                self.engines.bring_up(errand)
            case TakeOver(errand=errand):
                self.engines.take_over(errand)
            case WakeUp(errand=errand):
                self.engines.wake_up(errand)
            case PutToSleep(errand=errand):
                self.engines.put_to_sleep(errand)
            case LookAt():
                self.engines.look_at(work)
            case LookForFiles():
                self.downloads.look(work)
            case FetchFiles():
                self.downloads.fetch(work)
            case CallOffFetch():
                self.downloads.call_off(work)
            case EndRun(instance=instance):
                self.engines.end(instance)
            case EndStray(found=found):
                self.engines.end(found.instance, is_stray=True)

    def _keep(self, fact: Fact) -> None:
        if isinstance(fact, PinSet) and fact.pinned is not None:
            self._pins[fact.model] = fact.pinned

    def _catalog(self) -> Catalog:
        models = {
            plan.name: plan.model(self._revisions.get(plan.name, 0))
            for plan in self.scenario.models
            if plan.name not in self._removed
        }
        return Catalog(models=models, settings=self.scenario.settings)

    # What is known of requests

    def is_in_touch(self, proxy: Proxy) -> bool:
        """Whether the manager knows of this proxy, and counts what runs there."""
        return proxy.wire is not None and proxy.wire in self.ground.proxies

    def proxy_of(self, request: Request) -> Proxy:
        return self._of_proxy[request.number]

    def running_on(self, instance: str | None, where: Callable[[Proxy], bool]) -> Iterator[Request]:
        for proxy in self.proxies:
            if where(proxy):
                yield from (one for one in proxy.running.values() if one.instance == instance)

    def is_stuck(self, request: Request) -> bool:
        engine = self.engines.runs.get(request.instance or "")
        return engine is not None and engine.stuck

    def engine_ended(self, instance: str) -> None:
        for proxy in self.proxies:
            for request in [one for one in proxy.running.values() if one.instance == instance]:
                proxy.loses(request)

    def settled(self, request: Request) -> None:
        if request.denied is not None:
            self.rules.denied(request)
        if request.then is not None:
            request.then()

    # What happens

    def _client_asks(self, client: Client, turn: int) -> None:
        if self.is_over or turn >= len(client.turns):
            self._busy_clients -= 1
            return
        asked = client.turns[turn]

        def ask() -> None:
            request = self._ask(asked.model, asked.lasts_s, client.proxy, None)
            request.then = lambda: self._client_asks(client, turn + 1)
            self._of_proxy[request.number].asks(request)

        self.after(asked.pause_s, ask)

    def _ask(self, model: str, lasts_s: float | None, proxy: int, patience_s: float | None) -> Request:
        request = Request(len(self.requests), model, self.now, lasts_s, patience_s)
        self.requests.append(request)
        self.stir()
        self._of_proxy[request.number] = self.proxies[proxy % len(self.proxies)]
        return request

    def _take(self, step: Step) -> None:
        match step:
            case Ask():
                request = self._ask(step.model, step.lasts_s, step.proxy, step.patience_s)
                self._of_proxy[request.number].asks(request)
            case Order(verb=verb, model=model):
                self.tell_manager(Asked(Command(verb, model), self.answers.append), 0.0, self.manager_number)
            case Reload():
                self._reload(step)
            case Restart():
                self._kill_manager(step)
            case Disconnect():
                self._disconnect(step)
            case Stranger():
                self._stranger(step)
            case Crash() | Stick() | Doubt():
                self._harm(step)

    def _harm(self, step: Crash | Stick | Doubt) -> None:
        engine = self.engines.of(step.model)
        if isinstance(step, Doubt):
            self._doubt(step)
        elif engine is not None and engine.at is not At.LAUNCHING:
            if isinstance(step, Crash):
                self.engines.ends(engine, Exit(-9))
            else:
                engine.stuck = True

    def _doubt(self, step: Doubt) -> None:
        engine = self.engines.of(step.model)
        if engine is not None and step.rightly:
            engine.broken = True
        self.proxies[step.proxy % len(self.proxies)].doubts(step.model)

    def _stranger(self, step: Stranger) -> None:
        if not self.machine.cards:
            return
        card = self.machine.cards[step.gpu % len(self.machine.cards)]
        pid = 1_000 + step.gpu % len(self.machine.cards)
        card.stranger(pid, "a game", 0)
        card.stranger(pid, "a game", min(step.mib, card.free_mib))
        if step.for_s is not None:
            self.after(step.for_s, lambda: card.stranger(pid, "a game", 0))

    def _disconnect(self, step: Disconnect) -> None:
        proxy = self.proxies[step.proxy % len(self.proxies)]
        if proxy.wire is None:
            return
        self.tell_manager(ProxyWent(proxy.wire), PARTED_S, self.manager_number)
        proxy.is_cut_off()
        self.after(step.for_s, proxy.connects)

    def _reload(self, step: Reload) -> None:
        self._revisions[step.model] = self._revisions.get(step.model, 0) + 1
        if step.removed and len(self._removed) + 1 < len(self.scenario.models):
            self._removed.add(step.model)
        else:
            self._removed.discard(step.model)
        self.tell_manager(CatalogRead(self._catalog()), 0.0, self.manager_number)


def _hash(model: Model) -> str:
    return f"{model.name}/{model.revision}"
