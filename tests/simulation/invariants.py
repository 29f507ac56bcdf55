"""What must hold at every step of every evening. Each rule is a sentence; a broken one ends the run.

Rules look at the truth (engines, requests) and at the manager's own books, never only at the latter: a manager
that miscounts must not be believed when it says that nothing runs.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

from switchyard_contracts.catalog import Model, Settings
from switchyard_contracts.status import Phase
from switchyard_manager.lifecycle import COMING_UP
from switchyard_manager.scheduler import (
    Action,
    CallOff,
    Drain,
    Grant,
    Machine,
    Policy,
    Seen,
    Sleep,
    Start,
    Stop,
    StopReason,
    Verdict,
    Wake,
)
from switchyard_manager.scheduler.files import AT_ONCE
from switchyard_manager.scheduler.seen import AT_REST, IN_MOTION, LEAVING
from switchyard_manager.supervise.life import SERVING, Life
from switchyard_manager.supervise.recording import needed_mib
from switchyard_manager.supervise.work import BringUp, WakeUp, Work
from switchyard_manager.supervise.world import PASSES
from tests.simulation.calm import is_calm, longest_wait_s

if TYPE_CHECKING:
    from tests.simulation.engines import Engine
    from tests.simulation.proxy import Request
    from tests.simulation.simulator import Simulation


class Rule(StrEnum):
    BUSY_IS_LEFT_ALONE = "no engine is stopped or sent to sleep while a request runs on it"
    ONE_MOTION = "on one GPU, one engine at a time starts, wakes, falls asleep or stops"
    CLAIMS_FIT = "what is claimed of a GPU is no more than there is"
    WHOLE_IS_ALONE = "who has a whole GPU is the only one awake on it"
    MEMORY_IS_THERE = "who takes no more than it claimed meets no full GPU"
    ONE_RUN = "a model has one run at a time, however many ask"
    FOR_SOMEBODY = "nothing is started that nobody waits for and nobody preloads"
    NOT_REVIVED = "an engine that leaves is given to nobody"
    PINNED_STAYS = "a pinned model is not moved out for another"
    STAYS_ITS_TIME = "a busy model is not moved out before its time is up"
    FILES_FIRST = "nothing is started, and nobody moved out, for a model whose files are not here"
    FEW_DOWNLOADS = "only so many downloads go on at a time"
    WANTED_IS_FETCHED = "a download that somebody wants is not called off"
    READY_SERVES = "nobody waits for a model that is ready"
    ROOM_AS_PROMISED = "room that was made for a model is not given to another"
    IN_TIME = "where nothing goes wrong, everyone is served within the bound"
    NOT_REFUSED = "where nothing goes wrong and it would fit, nobody is refused"
    TO_AN_END = "deciding comes to an end"
    AT_REST = "when everyone has left, everything comes to rest"


class Broken(AssertionError):
    def __init__(self, rule: Rule, what: str, now: float) -> None:
        super().__init__(f"at {now:.2f} s, against the rule “{rule}”: {what}")
        self.rule = rule


class Rules:
    """Watches one run. `policy` stands between the world and the policy that is examined."""

    def __init__(self, sim: "Simulation", policy: Policy, *, examined: bool) -> None:
        self._sim = sim
        self._policy = policy
        self._examined = examined
        self._calm = examined and is_calm(sim.scenario)
        self._longest_wait_s = longest_wait_s(sim.scenario)
        self._passes = 0
        self._unfinished = False
        self._promises: dict[str, set[str]] = {}  # model → the GPUs where others made room for it
        self.swaps = 0
        self.longest_wait_s = 0.0

    def broken(self, rule: Rule, what: str) -> Broken:
        return Broken(rule, what, self._sim.now)

    # While it decides

    def policy(
        self, wanted: Mapping[str, Model], seen: Mapping[str, Seen], machine: Machine, settings: Settings
    ) -> Verdict:
        verdict = self._policy(wanted, seen, machine, settings)
        self._passes += 1
        self._unfinished = bool(verdict.actions)
        self.swaps += sum(isinstance(action, Start | Wake) for action in verdict.actions)
        for action in verdict.actions if self._examined else ():
            self._judge(action, wanted.get(action.model), seen[action.model], settings)
        return verdict

    def _judge(self, action: Action, model: Model | None, view: Seen, settings: Settings) -> None:
        self._has_its_files(action)
        match action:
            case Start() | Wake():
                self._promises.pop(action.model, None)
                if not view.asking and not (model and model.preload):
                    raise self.broken(Rule.FOR_SOMEBODY, f"{action}")
            case Stop(reason=reason) | Sleep(reason=reason):
                self._nothing_runs(action, view, reason)
                self._may_be_moved(action, view, settings)
            case Drain():
                self._may_be_moved(action, view, settings)
            case CallOff(stalled=False) if (view.asking or view.pulled) and model is not None and not view.moot:
                raise self.broken(Rule.WANTED_IS_FETCHED, f"{action}")
            case Grant() if view.phase is not Phase.READY:
                raise self.broken(Rule.NOT_REVIVED, f"{action}, and it is {view.phase}")
            case _:
                pass

    def _has_its_files(self, action: Action) -> None:
        match action:
            case Start(model=name):
                newcomer: str | None = name
            case Drain(room_for=name) | Stop(room_for=name):
                newcomer = name
            case _:
                return
        life = self._lives.get(newcomer or "")
        absent = life is not None and life.phase in AT_REST and not self._sim.downloads.is_here(life.model)
        if absent:
            raise self.broken(Rule.FILES_FIRST, f"{action}")

    def _nothing_runs(self, action: Stop | Sleep, view: Seen, reason: StopReason) -> None:
        if view.faulted or reason in {StopReason.DRAIN_LIMIT, StopReason.STARTUP_TIMEOUT}:
            return
        if view.phase in {Phase.SLEEPING, Phase.ASLEEP, Phase.STOPPING, Phase.STOP_FAILED}:
            return  # whatever ran there was judged when it was first told to sleep or stop
        life = self._lives[action.model]
        running = list(self._sim.running_on(life.instance, self._sim.is_in_touch))
        if running:
            raise self.broken(Rule.BUSY_IS_LEFT_ALONE, f"{action}, and {len(running)} requests run on it")

    def _may_be_moved(self, action: Drain | Stop | Sleep, view: Seen, settings: Settings) -> None:
        if not isinstance(action, Drain | Stop) or action.room_for is None:
            return
        self._promises.setdefault(action.room_for, set()).update(view.gpus)
        if view.pinned:
            raise self.broken(Rule.PINNED_STAYS, f"{action}")
        busy = view.phase is Phase.READY and not view.is_idle
        if busy and view.resident_s < settings.min_resident_s:
            raise self.broken(Rule.STAYS_ITS_TIME, f"{action} after {view.resident_s:.1f} s")

    # When it has decided

    def decided(self, work: Iterable[Work]) -> None:
        if self._passes >= PASSES and self._unfinished:
            raise self.broken(Rule.TO_AN_END, f"{self._passes} passes")
        self._passes = 0
        if not self._examined:
            return
        for life in self._lives.values():
            self._nobody_waits_in_vain(life)
            if not life.tickets:
                self._promises.pop(life.model.name, None)
        self._one_moves_at_a_time()
        if len(self._sim.downloads.running) > AT_ONCE:
            raise self.broken(Rule.FEW_DOWNLOADS, f"{len(self._sim.downloads.running)}")
        for item in work:
            if isinstance(item, BringUp | WakeUp):
                self._there_is_room(item)
            if isinstance(item, BringUp) and self._sim.engines.of(item.errand.model.name):
                raise self.broken(Rule.ONE_RUN, f"{item.errand.instance} beside another")

    def _nobody_waits_in_vain(self, life: Life) -> None:
        if life.phase is not Phase.READY or life.suspect or life.faulted or life.checking or life.wish:
            return
        waiting = {proxy for proxy, _ in life.tickets}
        served = {grant.proxy for grant in life.grants.values() if not grant.revoked}
        if waiting - served and life.in_flight == 0:
            raise self.broken(Rule.READY_SERVES, f"{sorted(waiting - served)} for {life.model.name}")

    def _one_moves_at_a_time(self) -> None:
        moving: dict[str, str] = {}
        for name, life in self._lives.items():
            run = life.run
            if life.phase not in IN_MOTION or run is None:
                continue
            if run.adopted and life.phase in COMING_UP:
                continue  # it runs already: what it does with its memory is not ours to say
            for uuid in run.gpus:
                if other := moving.get(uuid):
                    raise self.broken(Rule.ONE_MOTION, f"{name} and {other} on {uuid}")
                moving[uuid] = name

    def _there_is_room(self, item: BringUp | WakeUp) -> None:
        name = item.errand.model.name
        for uuid in item.errand.gpus:
            here = {other: life for other, life in self._lives.items() if self._is_on(life, uuid)}
            awake = [other for other, life in here.items() if life.phase is not Phase.ASLEEP]
            whole = [other for other in awake if _claim(here[other]) is None]
            if whole and len(awake) > 1 and not any(_is_of_another_time(life) for life in here.values()):
                raise self.broken(Rule.WHOLE_IS_ALONE, f"{whole} among {awake} on {uuid}")
            claimed = sum(_claim(life) or 0 for life in here.values())
            room = self._sim.machine.card(uuid).total_mib - self._settings.vram_reserve_mib
            if claimed > room and not any(_is_of_another_time(life) for life in here.values()):
                claims = {other: _claim(life) for other, life in here.items()}
                raise self.broken(Rule.CLAIMS_FIT, f"{claims} of {room} on {uuid}")
            self._keeps_the_promises(name, uuid, here)

    def _keeps_the_promises(self, newcomer: str, uuid: str, here: Mapping[str, Life]) -> None:
        """Only where there is one GPU: with more, who was promised room may find it elsewhere."""
        if len(self._sim.scenario.gpus) != 1:
            return
        for promised, gpus in self._promises.items():
            life = self._lives.get(promised)
            if promised == newcomer or uuid not in gpus or life is None or life.phase not in AT_REST:
                continue
            if life.retry_at > self._sim.now:
                continue
            need = needed_mib(self._sim.ground, life, uuid)
            staying = sum(_claim(one) or 0 for one in here.values() if one.phase not in LEAVING)
            room = self._sim.machine.card(uuid).total_mib - self._settings.vram_reserve_mib - staying
            if need is None or need > room:
                raise self.broken(Rule.ROOM_AS_PROMISED, f"{newcomer} took what was made for {promised}")

    # What engines and requests tell

    def met_a_full_gpu(self, engine: "Engine", what: str) -> None:
        """Who has a whole GPU beside sleepers may: of its needs nothing was known. The next try is without."""
        life = self._lives.get(engine.model)
        if self._calm and (life is None or _claim(life) is not None):
            raise self.broken(Rule.MEMORY_IS_THERE, f"{engine.instance}: {what}")

    def began(self, request: "Request") -> None:
        self.longest_wait_s = max(self.longest_wait_s, self._sim.now - request.asked_at)
        engine = self._sim.engines.runs[request.instance or ""]
        life = self._lives.get(request.model)
        # A grant that the manager does not know any more is being revoked: the word is on its way.
        known = life is not None and request.lease is not None and request.lease.grant.id in life.grants
        if life is not None and known and self._sim.is_in_touch(self._sim.proxy_of(request)):
            leaves = life.instance == engine.instance and life.phase not in SERVING
            doubtful = life.run is not None and life.run.adopted
            if leaves and not life.faulted and not doubtful:
                raise self.broken(Rule.NOT_REVIVED, f"a request begins on {engine.instance}, {life.phase}")
        waited = self._sim.now - request.asked_at
        if self._calm and waited > self._longest_wait_s:
            bound = f"{waited:.1f} s instead of {self._longest_wait_s:.1f} s"
            raise self.broken(Rule.IN_TIME, f"request {request.number} waited {bound}")

    def denied(self, request: "Request") -> None:
        if self._calm and request.patience_s is None:
            raise self.broken(Rule.NOT_REFUSED, f"request {request.number}: {request.denied}")

    def rests(self) -> str | None:
        """What does not, in words; None when all does."""
        for proxy in self._sim.proxies:
            if proxy.book.in_flight or proxy.book.waiting:
                return f"{proxy.name}: {proxy.book.in_flight} run, {proxy.book.waiting} wait"
        for name, life in self._lives.items():
            if life.tickets or life.in_flight or life.promised or life.faulted:
                waits = f"{life.tickets}, {life.in_flight} in flight, promised {life.promised}"
                return f"{name}: {life.phase}, {waits}"
            if life.phase in IN_MOTION or life.phase in {Phase.DRAINING, Phase.STOP_FAILED}:
                return f"{name}: {life.phase}"
        owned = {life.instance for life in self._lives.values()}
        lost = [engine.instance for engine in self._sim.engines.alive if engine.instance not in owned]
        return f"engines that nobody owns: {lost}" if lost else None

    # How it looks at the world

    @property
    def _lives(self) -> Mapping[str, Life]:
        return self._sim.ground.lives

    @property
    def _settings(self) -> Settings:
        return self._sim.scenario.settings

    @staticmethod
    def _is_on(life: Life, uuid: str) -> bool:
        return life.run is not None and life.phase not in AT_REST and uuid in life.run.gpus


def _claim(life: Life) -> int | None:
    return life.run.claim_mib if life.run else None


def _is_of_another_time(life: Life) -> bool:
    """It was taken over: what it claims was decided by a former manager, or from another catalog."""
    return life.run is not None and life.run.adopted
