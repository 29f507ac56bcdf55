"""All that the manager knows, and how news and decisions change it. Synchronous: it awaits nothing.

What must be done in the outside world comes back as `Work`, already recorded; what must be said to a proxy is
said through its `Session`, which never waits.

    life, ground   the state                 proxies, chronicle   who is told of it
    recording      decisions, written down   engine_news          what engines do
    file_news      what downloads do         proxy_news           what proxies want and hold
    commands       the operator's wishes     views                how others see it
"""

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from switchyard_contracts.catalog import Catalog
from switchyard_contracts.events import EventKind
from switchyard_contracts.status import ManagerStatus, ModelStatus, Phase
from switchyard_manager import __version__
from switchyard_manager.lifecycle import Event
from switchyard_manager.runtimes import Found
from switchyard_manager.scheduler import Policy, consider
from switchyard_manager.scheduler.alone import STOP_AGAIN_S
from switchyard_manager.scheduler.seen import AT_REST
from switchyard_manager.supervise import engine_news, file_news, operator_commands, proxy_news, views
from switchyard_manager.supervise import news as news_of
from switchyard_manager.supervise.chronicle import Chronicle
from switchyard_manager.supervise.ground import Ground, weights_of
from switchyard_manager.supervise.life import Life, Run
from switchyard_manager.supervise.proxies import Proxies
from switchyard_manager.supervise.recording import awake_claim, record
from switchyard_manager.supervise.work import EndStray, TakeOver, Work
from switchyard_manager.supervise.workshop import Workshop

log = logging.getLogger(__name__)

PASSES = 8


@dataclass(slots=True)
class Beginning:
    """What a manager knows when it begins."""

    manager: str
    catalog: Catalog
    workshop: Workshop
    chronicle: Chronicle
    pins: Mapping[str, bool] = field(default_factory=dict)
    policy: Policy = consider


class World:
    """The only place where a phase is written; `Supervisor` is the only caller.

    It decides nothing before it was told what a former manager left running, and what the machine looks like.
    """

    def __init__(self, beginning: Beginning) -> None:
        self._manager = beginning.manager
        self._policy = beginning.policy
        self._pins = beginning.pins
        proxies = Proxies(beginning.manager)
        self._ground = Ground(beginning.catalog, beginning.workshop, beginning.chronicle, proxies)
        self._recovered = False
        self._strays: dict[str, Found] = {}  # what nobody wants, and was told to stop
        self._strays_again: list[tuple[float, Found]] = []  # those that did not, and when to tell them again
        self._early: list[news_of.ProxyNews] = []  # what proxies said before we knew what runs
        self._trouble: tuple[str, ...] = ()
        self._soon_s: float | None = None
        for model in beginning.catalog.models.values():
            self._new_life(model.name)

    # -- what the outside may read ----------------------------------------------------------------------

    @property
    def chronicle(self) -> Chronicle:
        return self._ground.chronicle

    @property
    def catalog(self) -> Catalog:
        return self._ground.catalog

    @property
    def ground(self) -> Ground:
        """For whoever looks at the world, and changes nothing in it."""
        return self._ground

    @property
    def soon_s(self) -> float | None:
        """From the last decision to a moment at which the next may come though nothing is heard."""
        return self._soon_s

    def statuses(self, now: float) -> tuple[ModelStatus, ...]:
        return views.model_statuses(self._ground, now)

    def status(self, now: float, runtime: str) -> ManagerStatus:
        reading = self._ground.cards.reading
        faults = (reading.fault,) if reading and reading.fault else ()
        return ManagerStatus(
            manager=self._manager,
            version=__version__,
            runtime=runtime,
            proxies=len(self._ground.proxies),
            models=self.statuses(now),
            gpus=views.gpus(self._ground),
            ram=views.ram(self._ground),
            queue=views.queue(self._ground, now),
            trouble=self._trouble + faults,
        )

    # -- deciding -----------------------------------------------------------------------------------------

    def decide(self, now: float) -> tuple[Work, ...]:
        """Plan, record, and hand out what there is to do. Ends when a pass finds nothing more."""
        ground = self._ground
        proxy_news.give_up_the_lost(ground, now)
        for _ in range(PASSES if self._recovered and ground.cards.reading else 0):
            seen = {name: views.seen(ground, life, now) for name, life in ground.lives.items()}
            machine = ground.cards.machine(ground.catalog, now)
            verdict = self._policy(ground.catalog.models, seen, machine, ground.catalog.settings)
            ground.outlook, self._soon_s = dict(verdict.outlook), verdict.soon_s
            for action in verdict.actions:
                record(ground, action, now)
            if not verdict.actions:
                break
        self._forget()
        self._end_strays_again(now)
        ground.proxies.publish(views.models(ground, now))
        work, ground.due = tuple(ground.due), []
        return work

    # -- hearing -------------------------------------------------------------------------------------------

    def hear(self, news: news_of.News, now: float) -> None:  # noqa: C901 - one case for each kind
        match news:
            case news_of.ProxyCame() | news_of.ProxyWent() | news_of.ProxySaid() if not self._recovered:
                # A proxy that comes back holds grants for engines that we may be about to take over.
                self._early.append(news)
            case news_of.ProxyCame() | news_of.ProxyWent() | news_of.ProxySaid():
                proxy_news.hear(self._ground, news, now)
            case news_of.Measured():
                self._measured(news, now)
            case news_of.Recovered(found=found):
                self._recovered_all(found, now)
            case news_of.CatalogRead():
                self._catalog_read(news.catalog, now)
            case news_of.CatalogFaulty(faults=faults):
                self._catalog_faulty(faults, now)
            case news_of.ProcessorRead():
                self._processor_read(news)
            case (
                news_of.AskedToRemove()
                | news_of.FilesSeen()
                | news_of.FilesProgress()
                | news_of.FetchOver()
                | news_of.FilesRemoved()
            ):
                file_news.hear(self._ground, news, now)
            case news_of.Asked():
                news.answer(operator_commands.obey(self._ground, news.command, now))
            case news_of.StopDidFail() if news.instance in self._strays:
                log.error("%s", news.failure.sentence())
                self._strays_again.append((now + STOP_AGAIN_S, self._strays[news.instance]))
            case _:
                engine_news.hear(self._ground, news, now)

    # The machine

    def _measured(self, news: news_of.Measured, now: float) -> None:
        ground = self._ground
        awake: set[str] = set()
        asleep_mib: Counter[str] = Counter()
        for life in ground.lives.values():
            run = life.run
            if run is None:
                continue
            if not run.asleep:
                awake |= set(run.gpus)
            run.held = news.held.get(run.instance, {})
            if run.asleep:
                asleep_mib.update(run.held or dict.fromkeys(run.gpus, run.claim_mib or 0))
            if life.phase is Phase.ASLEEP and run.held:
                ground.learn_memory(run, asleep=True)
                run.claim_mib = max(run.held.values())
            elif life.phase in {Phase.WARMING, Phase.READY, Phase.DRAINING}:
                for uuid, mib in run.held.items():
                    run.peak[uuid] = max(run.peak.get(uuid, 0), mib)
        ground.owners = news.owners
        ground.cards.measured(news.reading, awake, asleep_mib, now)

    def _recovered_all(self, found: tuple[Found, ...], now: float) -> None:
        if not self._recovered:
            taken = sorted(one.instance for one in found)
            self.chronicle.tell(EventKind.MANAGER, now, version=__version__, found_running=taken)
        self._recovered = True
        for one in found:
            life = self._ground.lives.get(one.model)
            if life is None or life.run is not None:
                log.warning("%s runs, and no model of the catalog is its own: it is removed", one.instance)
                self._strays[one.instance] = one
                self._ground.due.append(EndStray(one))
                continue
            self._take_over(life, one, now)
        early, self._early = self._early, []
        for news in early:
            self.hear(news, now)

    def _take_over(self, life: Life, found: Found, now: float) -> None:
        log.info("taking over %s, which a former manager left running", found.instance)
        run = Run(
            instance=found.instance,
            model=life.model,
            spec_hash=found.spec_hash,
            began=now,
            gpus=found.gpus,
            endpoint=found.endpoint,
            adopted=True,
        )
        life.run = run
        life.ever_started = True
        life.rising_since = life.progress_at = now
        if found.spec_hash == life.spec_hash:
            run.claim_mib = awake_claim(self._ground, life)
        self._ground.move(life, Event.ADOPTED, now)
        self._ground.due.append(TakeOver(self._ground.errand(run)))

    # The catalog

    def _catalog_read(self, catalog: Catalog, now: float) -> None:
        ground = self._ground
        before, ground.catalog, self._trouble = ground.catalog, catalog, ()
        for name, model in catalog.models.items():
            life = ground.lives.get(name) or self._new_life(name)
            if life.model != model:
                if weights_of(life.model) != weights_of(model):
                    life.vision = None
                life.can = life.manner = None
                file_news.catalog_changed(ground, life, model)
                life.model, life.spec_hash = model, ground.workshop.hash_of(model)
                ground.settle_serving(life)
                ground.read_processor(life)
                # Whatever was wrong may be mended now.
                life.failures, life.troubles, life.retry_at, life.tried_alone = 0, 0, 0.0, False
                life.wakes_failed = 0
        ground.lives = {name: ground.lives[name] for name in dict.fromkeys((*catalog.models, *ground.lives))}
        changed = [name for name in catalog.models if catalog.models[name] != before.models.get(name)]
        gone = [name for name in before.models if name not in catalog.models]
        ground.chronicle.tell(EventKind.CATALOG, now, changed=changed, removed=gone)

    def _catalog_faulty(self, faults: tuple[str, ...], now: float) -> None:
        if faults != self._trouble:
            self._trouble = faults
            self._ground.chronicle.tell(EventKind.CATALOG, now, faults=list(faults))

    def _new_life(self, name: str) -> Life:
        ground = self._ground
        model = ground.catalog.models[name]
        life = Life(model, ground.workshop.hash_of(model), pinned_by_hand=self._pins.get(name))
        ground.lives[name] = life
        ground.settle_serving(life)
        ground.look_for_files(life)
        ground.read_processor(life)
        return life

    def _processor_read(self, news: news_of.ProcessorRead) -> None:
        life = self._ground.lives.get(news.model.name)
        if life is not None and weights_of(life.model) == weights_of(news.model):
            life.vision = news.vision or life.vision
            if life.model == news.model:
                life.can, life.manner = news.can, news.manner
            self._ground.settle_serving(life)

    def _end_strays_again(self, now: float) -> None:
        due = [stray for at, stray in self._strays_again if at <= now]
        self._strays_again = [(at, stray) for at, stray in self._strays_again if at > now]
        self._ground.due += map(EndStray, due)

    def _forget(self) -> None:
        """A model that left the catalog is gone once it rests and nobody waits for it."""
        for name, life in list(self._ground.lives.items()):
            rests = life.phase in AT_REST and life.fetching is None
            if name not in self._ground.catalog.models and rests and not life.tickets:
                del self._ground.lives[name]
