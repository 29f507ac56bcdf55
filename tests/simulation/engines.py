"""The engines of a simulated machine: they load, serve, sleep, crash and end, whoever manages them.

What happens to an engine happens whether or not a manager is there; news of it reaches only the manager that
brought the engine up or took it over.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, TypeVar

from switchyard_contracts.catalog import Model, SleepPolicy
from switchyard_contracts.errors import Reason
from switchyard_contracts.status import Failure
from switchyard_manager.engines.protocol import Call, Probe, SleepCalls
from switchyard_manager.engines.reasons import ADVICE
from switchyard_manager.lifecycle import Event
from switchyard_manager.runtimes import Exit, Found
from switchyard_manager.supervise.news import (
    EngineCame,
    EngineFaulted,
    EngineGone,
    EngineNews,
    EngineProgress,
    EngineSlept,
    EngineStands,
    EngineWorked,
    SleepDidFail,
    StopDidFail,
)
from switchyard_manager.supervise.work import Errand, LookAt
from tests.manager.simulated_card import OutOfMemory
from tests.simulation.scenario import Load, ModelPlan, Scenario, Sleep, Stop, Wake

if TYPE_CHECKING:
    from tests.simulation.simulator import Simulation

LAUNCH_S = 0.4
PROVE_S = 0.4
WORD_S = 0.05  # from what happens to the news of it
STOP_FAILS_S = 5.0
WORK_EVERY_S = 20.0
SHARE = 0.9  # of a whole GPU, where nothing is said of its share

Fate = TypeVar("Fate")


class At(Enum):
    LAUNCHING = auto()
    LOADING = auto()
    UP = auto()
    ASLEEP = auto()
    GONE = auto()


@dataclass(slots=True, eq=False)
class Engine:
    """One run, as it is in truth."""

    errand: Errand
    plan: ModelPlan
    manager: int  # the number of the manager that watches over it
    at: At = At.LAUNCHING
    held: dict[str, int] = field(default_factory=dict)
    ending: bool = False
    broken: bool = False
    stuck: bool = False
    answered: bool = False
    answered_to: int = -1  # the manager that was told that it is up
    work: float = 0.0

    @property
    def instance(self) -> str:
        return self.errand.instance

    @property
    def model(self) -> str:
        return self.errand.model.name


class Adapter:
    """What the manager may know of the engines of a scenario. It looks at nothing else."""

    def __init__(self, scenario: Scenario) -> None:
        self._plans = {plan.name: plan for plan in scenario.models}

    def headers(self, model: Model, api_key: str) -> Mapping[str, str]:
        return {}

    def sleep(self, model: Model) -> SleepCalls | None:
        plan = self._plans[model.name]
        return CALLS if plan.sleepy and model.sleep is not SleepPolicy.OFF else None

    def takes_what_it_gets(self, model: Model) -> bool:
        return self._plans[model.name].fills_share

    def explain(self, model: Model, exit_: Exit) -> Failure:
        return failure(Reason.ENGINE_EXITED, f"cannot run {model.name}: it {exit_}")


CALLS = SleepCalls(
    Call("POST", "/sleep", 60.0), Call("POST", "/wake_up", 60.0), Probe("/is_sleeping", 5.0), "is_sleeping"
)


def failure(reason: Reason, message: str) -> Failure:
    return Failure(reason=reason, message=message, advice=ADVICE[reason])


class Engines:
    """All of them, those that are gone too."""

    def __init__(self, sim: "Simulation") -> None:
        self._sim = sim
        self.runs: dict[str, Engine] = {}
        self._fates: dict[tuple[str, str], int] = {}

    @property
    def alive(self) -> list[Engine]:
        return [engine for engine in self.runs.values() if engine.at is not At.GONE]

    def of(self, model: str) -> Engine | None:
        """The one that runs, if one does."""
        return next((engine for engine in self.alive if engine.model == model), None)

    def found(self) -> tuple[Found, ...]:
        """What a manager that was started again finds."""
        return tuple(
            Found(one.instance, one.model, one.errand.spec_hash, one.errand.gpus, f"http://{one.instance}")
            for one in self.alive
            if one.at is not At.LAUNCHING
        )

    # What managers do

    def bring_up(self, errand: Errand) -> None:
        engine = Engine(errand, self._sim.scenario.plan(errand.model.name), self._sim.manager_number)
        self.runs[errand.instance] = engine
        fate = self._fate(engine, "load", engine.plan.loads)
        if fate is Load.NO_RUNTIME:
            engine.at = At.GONE
            reason = Reason.RUNTIME_UNAVAILABLE
            self._tell(engine, EngineGone(engine.model, engine.instance, None, failure(reason, "it is away")))
            return
        self._later(engine, LAUNCH_S, lambda: self._launched(engine, fate))

    def take_over(self, errand: Errand) -> None:
        engine = self.runs[errand.instance]
        engine.manager = self._sim.manager_number
        if engine.at is At.GONE:
            self._tell(engine, EngineGone(engine.model, engine.instance, Exit(0)))
            return
        self._later(engine, LAUNCH_S, lambda: self._looked_over(engine))

    def wake_up(self, errand: Errand) -> None:
        engine = self.runs[errand.instance]
        match self._fate(engine, "wake", engine.plan.wakes):
            case Wake.WELL:
                self._later(engine, engine.plan.wake_s, lambda: self._woken(engine))
            case Wake.FAILS:
                fault = failure(Reason.SLEEP_FAILED, "it does not wake")
                self._tell(engine, EngineFaulted(engine.model, engine.instance, fault))
            case Wake.HANGS:
                pass

    def put_to_sleep(self, errand: Errand) -> None:
        engine = self.runs[errand.instance]
        match self._fate(engine, "sleep", engine.plan.sleeps):
            case Sleep.WELL:
                self._later(engine, engine.plan.sleep_s, lambda: self._fell_asleep(engine))
            case Sleep.KEEPS:
                self._later(engine, engine.plan.sleep_s, lambda: self._kept_awake(engine))
            case Sleep.LOST:
                pass

    def look_at(self, work: LookAt) -> None:
        engine = self.runs[work.errand.instance]

        def look() -> None:
            if engine.broken or (engine.stuck and work.thorough):
                fault = failure(Reason.ENGINE_STUCK if engine.stuck else Reason.ENGINE_EXITED, "it is broken")
                self._tell(engine, EngineFaulted(engine.model, engine.instance, fault))
            else:
                self._tell(engine, EngineStands(engine.model, engine.instance))

        self._later(engine, PROVE_S, look)

    def end(self, instance: str, *, is_stray: bool = False) -> None:
        engine = self.runs.get(instance)
        if engine is None or engine.at is At.GONE:
            return
        engine.ending = True
        if is_stray:
            engine.manager = self._sim.manager_number
        fate = self._fate(engine, "stop", engine.plan.stops)
        if fate is Stop.WELL or (fate is Stop.LOST and is_stray):
            self._later(engine, engine.plan.stop_s, lambda: self.ends(engine, Exit(0)))
        elif fate is not Stop.LOST:
            fault = failure(Reason.STOP_FAILED, f"cannot stop {engine.model}: it is still there")
            news = StopDidFail(engine.model, engine.instance, fault)
            self._later(engine, STOP_FAILS_S, lambda: self._tell(engine, news))
            if fate is Stop.FAILS_THEN_ENDS:
                self._later(engine, STOP_FAILS_S + 10, lambda: self.ends(engine, Exit(0)))

    # What becomes of them

    def ends(self, engine: Engine, exit_: Exit, why: Failure | None = None) -> None:
        """By itself or because it was told to: its memory comes back, and what ran on it is cut."""
        engine.at = At.GONE
        for uuid in engine.held:
            self._sim.machine.card(uuid).give_back(engine.instance)
        engine.held.clear()
        self._sim.machine.keep_in_ram(engine.instance, 0)
        self._sim.engine_ended(engine.instance)
        self._tell(engine, EngineGone(engine.model, engine.instance, exit_, why))

    def _launched(self, engine: Engine, fate: Load) -> None:
        engine.at = At.LOADING
        self._came(engine, Event.LAUNCHED)
        load_s = engine.plan.load_s * (3 if fate is Load.SLOW else 1)
        self._later(engine, load_s / 2, lambda: self._takes_its_memory(engine))
        if fate is Load.CRASHES:
            self._later(engine, load_s * 0.7, lambda: self.ends(engine, Exit(1)))
        elif fate is not Load.HANGS:
            self._later(engine, load_s, lambda: self._is_up(engine, fate))
        if fate is Load.SLOW:
            for part in range(1, int(load_s // 20)):
                text = f"{part * 20} s"
                self._later(engine, part * 20.0, lambda text=text: self._progresses(engine, text))  # type: ignore[misc]

    def _progresses(self, engine: Engine, text: str) -> None:
        self._tell(engine, EngineProgress(engine.model, engine.instance, text))

    def _takes_its_memory(self, engine: Engine) -> bool:
        try:
            for uuid in engine.errand.gpus:
                card = self._sim.machine.card(uuid)
                mib = self._needs(engine, card.total_mib) - engine.held.get(uuid, 0)
                if mib > 0:
                    card.take(engine.instance, mib)
                    engine.held[uuid] = engine.held.get(uuid, 0) + mib
        except OutOfMemory as error:
            self._sim.rules.met_a_full_gpu(engine, str(error))
            self.ends(engine, Exit(1), failure(Reason.CUDA_OUT_OF_MEMORY, str(error)))
            return False
        return True

    def _needs(self, engine: Engine, total_mib: int) -> int:
        if not engine.plan.fills_share:
            return engine.plan.takes_mib
        share = engine.errand.share_mib
        return int(SHARE * total_mib) if share is None else max(share, engine.plan.takes_mib)

    def _is_up(self, engine: Engine, fate: Load) -> None:
        engine.at = At.UP
        self._answers(engine, mute=fate is Load.MUTE)

    def _answers(self, engine: Engine, *, mute: bool = False) -> None:
        engine.answered_to = engine.manager
        self._came(engine, Event.ANSWERING)
        if mute:
            fault = failure(Reason.CANARY_FAILED, "it answers no request")
            news = EngineFaulted(engine.model, engine.instance, fault)
            self._later(engine, PROVE_S, lambda: self._tell(engine, news))
        else:
            number = engine.manager
            self._later(engine, PROVE_S, lambda: self._proved(engine, number))

    def _proved(self, engine: Engine, manager: int) -> None:
        if engine.manager != manager:
            return  # another manager proves it anew
        if engine.at is At.ASLEEP:  # a former manager had sent it to sleep
            fault = failure(Reason.CANARY_FAILED, "it sleeps")
            self._tell(engine, EngineFaulted(engine.model, engine.instance, fault))
            return
        self._came(engine, Event.PROVED)
        if not engine.answered:
            engine.answered = True
            self._later(engine, WORK_EVERY_S, lambda: self._works(engine))

    def _works(self, engine: Engine) -> None:
        """With nothing to do it has nothing to count."""
        if not engine.stuck and any(self._sim.running_on(engine.instance, lambda _: True)):
            engine.work += 1
        self._tell(engine, EngineWorked(engine.model, engine.instance, engine.work))
        self._later(engine, WORK_EVERY_S, lambda: self._works(engine))

    def _woken(self, engine: Engine) -> None:
        if not self._takes_its_memory(engine):
            return
        engine.at = At.UP
        self._sim.machine.keep_in_ram(engine.instance, 0)
        self._answers(engine)

    def _fell_asleep(self, engine: Engine) -> None:
        if engine.at is not At.UP:
            return
        try:
            self._sim.machine.keep_in_ram(engine.instance, sum(engine.held.values()))
        except OutOfMemory:
            self._kept_awake(engine)
            return
        for uuid, mib in engine.held.items():
            kept = min(engine.plan.asleep_mib, mib)
            self._sim.machine.card(uuid).give_back(engine.instance, mib - kept)
            engine.held[uuid] = kept
        engine.at = At.ASLEEP
        self._tell(engine, EngineSlept(engine.model, engine.instance))

    def _kept_awake(self, engine: Engine) -> None:
        self._tell(engine, SleepDidFail(engine.model, engine.instance, "it kept its memory"))

    def _looked_over(self, engine: Engine) -> None:
        if engine.at is At.ASLEEP:
            self._tell(engine, EngineSlept(engine.model, engine.instance))
        elif engine.at is At.UP and engine.answered_to != engine.manager:
            self._answers(engine)

    # How they are wired

    def _came(self, engine: Engine, event: Event) -> None:
        self._tell(engine, EngineCame(engine.model, engine.instance, event, f"http://{engine.instance}"))

    def _tell(self, engine: Engine, news: EngineNews) -> None:
        self._sim.tell_manager(news, WORD_S, engine.manager)

    def _later(self, engine: Engine, delay_s: float, act: Callable[[], object]) -> None:
        self._sim.after(delay_s, lambda: None if engine.at is At.GONE else act())

    def _fate(self, engine: Engine, what: str, fates: tuple[Fate, ...]) -> Fate:
        """Each in its turn, and then again from the first."""
        key = (engine.model, what)
        number = self._fates.get(key, 0)
        self._fates[key] = number + 1
        return fates[number % len(fates)]
