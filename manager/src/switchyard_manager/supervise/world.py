"""All that the manager knows, and how news and decisions change it. Synchronous: it awaits nothing.

What must be done in the outside world comes back as `Work`, already recorded; what must be said to a proxy is
said through its `Session`, which never waits.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from switchyard_contracts.catalog import Catalog, Engine, Model
from switchyard_contracts.errors import Reason
from switchyard_contracts.grants import (
    Broken,
    Drained,
    Hello,
    InFlight,
    Refused,
    Revoke,
    Unwant,
    Want,
)
from switchyard_contracts.status import Failure, ModelStatus, Phase
from switchyard_manager.engines import Adapter
from switchyard_manager.engines.reasons import ADVICE
from switchyard_manager.lifecycle import COMING_UP, Event
from switchyard_manager.runtimes import Exit
from switchyard_manager.scheduler import (
    Action,
    Check,
    Drain,
    Grant,
    Refuse,
    Start,
    Stop,
    StopReason,
    next_try,
    plan,
)
from switchyard_manager.supervise import news as news_of
from switchyard_manager.supervise.life import Life
from switchyard_manager.supervise.proxies import Proxies, not_found

log = logging.getLogger(__name__)

STEADY_S = 60.0  # an engine that served this long has cleared its record
STOP_GRACE_S = 10.0
CUT_GRACE_S = 1.0  # a loading engine has nothing to finish, and some ignore SIGTERM while they load
PASSES = 5


@dataclass(frozen=True, slots=True)
class BringUp:
    model: Model
    instance: str


@dataclass(frozen=True, slots=True)
class LookAt:
    model: Model
    instance: str
    endpoint: str


@dataclass(frozen=True, slots=True)
class EndRun:
    model: str
    instance: str
    grace_s: float


Work = BringUp | LookAt | EndRun


class World:
    """The only place where a phase is written; `Supervisor` is the only caller."""

    def __init__(
        self,
        manager: str,
        catalog: Catalog,
        adapters: Mapping[Engine, Adapter],
        new_instance: Callable[[str], str],
    ) -> None:
        self._manager = manager
        self._catalog = catalog
        self._adapters = adapters
        self._new_instance = new_instance
        self._lives = {name: Life(model) for name, model in catalog.models.items()}
        self._proxies = Proxies()
        self._due: list[Work] = []

    # -- what the outside may read ----------------------------------------------------------------------

    @property
    def proxies(self) -> int:
        return len(self._proxies)

    def statuses(self, now: float) -> tuple[ModelStatus, ...]:
        return tuple(life.status(now) for life in self._lives.values())

    # -- deciding -----------------------------------------------------------------------------------------

    def decide(self, now: float) -> tuple[Work, ...]:
        """Plan, record, and hand out what there is to do. Ends when a pass finds nothing more."""
        for _ in range(PASSES):
            seen = {name: life.seen(now) for name, life in self._lives.items()}
            actions = plan(self._catalog.models, seen)
            for action in actions:
                self._record(action, now)
            if not actions:
                break
        self._forget()
        self._proxies.publish(self.statuses(now))
        work, self._due = tuple(self._due), []
        return work

    def _record(self, action: Action, now: float) -> None:
        life = self._lives[action.model]
        match action:
            case Start():
                self._start(life, now)
            case Grant(proxy=proxy):
                self._proxies.say_granted(life, life.new_grant(proxy, now))
            case Refuse():
                self._proxies.refuse_all(life)
            case Drain(reason=reason):
                log.info("draining %s (%s)", life.model.name, reason)
                life.move(Event.DRAIN_ISSUED, now)
                self._proxies.revoke_all(life, life.model.drain_limit_s)
            case Stop(reason=reason):
                self._stop(life, reason, now)
            case Check():
                life.checking = True
                self._due.append(LookAt(life.model, life.instance or "", life.endpoint))

    def _start(self, life: Life, now: float) -> None:
        life.move(Event.START_ISSUED, now)
        life.instance = self._new_instance(life.model.name)
        life.running = life.model
        life.start_issued = now
        life.ever_started = True
        life.failure = None
        life.proved_at = None
        life.suspect = life.checking = False
        log.info("starting %s as %s", life.model.name, life.instance)
        self._due.append(BringUp(life.model, life.instance))

    def _stop(self, life: Life, reason: StopReason, now: float) -> None:
        if reason is StopReason.STARTUP_TIMEOUT:
            limit = life.model.startup_timeout_s
            life.failure = _failure(
                Reason.STARTUP_TIMEOUT, f"cannot run {life.model.name}: it was not ready after {limit:g} s"
            )
        if reason is StopReason.STOP_AGAIN:
            life.failure = None  # it was the failed stop
        grace_s = STOP_GRACE_S if life.phase is Phase.DRAINING else CUT_GRACE_S
        log.info("stopping %s (%s)", life.model.name, reason)
        life.move(Event.STOP_ISSUED, now)
        self._due.append(EndRun(life.model.name, life.instance or "", grace_s))

    # -- hearing -------------------------------------------------------------------------------------------

    def hear(self, news: news_of.News, now: float) -> None:
        match news:
            case news_of.ProxyCame():
                self._proxy_came(news.session, news.hello, now)
            case news_of.ProxyWent():
                self._proxy_went(news.session, now)
            case news_of.ProxySaid():
                self._proxy_said(news.session, news.message, now)
            case news_of.CatalogRead():
                self._catalog_read(news.catalog)
            case _:
                self._engine_news(news, now)

    def _proxy_came(self, session: news_of.Session, hello: Hello, now: float) -> None:
        self._proxy_went(self._proxies.former(session), now)
        self._proxies.welcome(session, self._manager, self.statuses(now))
        for held in hello.holds:
            life = self._lives.get(held.model)
            grant = life.adopt_grant(held, session.proxy, now) if life else None
            if grant is None or grant.revoked:
                limit = life.model.drain_limit_s if life and grant else None
                session.send(Revoke(model=held.model, grant=held.grant, drain_s=limit))

    def _proxy_went(self, session: news_of.Session | None, now: float) -> None:
        """Its grants are void and its tickets are gone: what it counted cannot keep an engine alive."""
        if session is None or not self._proxies.part(session):
            return
        for life in self._lives.values():
            life.forget_proxy(session.proxy, now)

    def _proxy_said(
        self, session: news_of.Session, message: Want | Unwant | Drained | InFlight | Broken, now: float
    ) -> None:
        if session not in self._proxies:
            return
        life = self._lives.get(message.model)
        if isinstance(message, Want):
            self._wanted(life, session, message, now)
        elif life is not None:
            life.hear(session.proxy, message, now)

    def _wanted(self, life: Life | None, session: news_of.Session, want: Want, now: float) -> None:
        if life is None:
            session.send(Refused(model=want.model, ticket=want.ticket, error=not_found(want.model)))
            return
        # Even if that proxy holds a grant: then the ticket crossed it on the wire, and is served and taken back
        # there. Never say a grant twice to hurry that: by now the proxy may have given it up for broken.
        life.tickets[session.proxy, want.ticket] = now

    def _catalog_read(self, catalog: Catalog) -> None:
        self._catalog = catalog
        for name, model in catalog.models.items():
            life = self._lives.setdefault(name, Life(model))
            if life.model != model:
                life.model = model
                life.failures, life.retry_at = 0, 0.0  # whatever was wrong may be mended now

    def _forget(self) -> None:
        """A model that left the catalog is gone once it rests and nobody waits for it."""
        at_rest = {Phase.STOPPED, Phase.FAILED}
        for name, life in list(self._lives.items()):
            if name not in self._catalog.models and life.phase in at_rest and not life.tickets:
                del self._lives[name]

    # -- engines -------------------------------------------------------------------------------------------

    def _engine_news(
        self,
        news: news_of.EngineCame
        | news_of.EngineStands
        | news_of.EngineFaulted
        | news_of.EngineGone
        | news_of.StopDidFail,
        now: float,
    ) -> None:
        life = self._lives.get(news.model)
        if life is None or life.instance != news.instance:
            return  # of a run that is over
        match news:
            case news_of.EngineCame() if life.phase in COMING_UP:
                self._engine_came(life, news, now)
            case news_of.EngineStands():
                life.suspect = life.checking = False
            case news_of.EngineFaulted() if life.phase in COMING_UP or life.phase is Phase.READY:
                log.warning("%s", news.failure.sentence())
                life.failure = news.failure
                life.move(Event.FAULTED, now)
                self._proxies.revoke_all(life, 0.0)
                self._due.append(EndRun(life.model.name, news.instance, CUT_GRACE_S))
            case news_of.StopDidFail() if life.phase is Phase.STOPPING:
                log.error("%s", news.failure.sentence())
                life.failure = news.failure
                life.move(Event.STOP_FAILED, now)
            case news_of.EngineGone():
                self._engine_gone(life, news, now)
            case _:
                pass  # crossed a decision of ours: the phase has moved on

    def _engine_came(self, life: Life, news: news_of.EngineCame, now: float) -> None:
        life.move(news.event, now)
        life.endpoint = news.endpoint
        if life.phase is Phase.READY:
            log.info("%s is ready after %.1f s", life.model.name, now - life.start_issued)
            life.proved_at = life.idle_since = now
            return
        self._proxies.say_loading(life, now)

    def _engine_gone(self, life: Life, news: news_of.EngineGone, now: float) -> None:
        asked_for = life.phase in {Phase.STOPPING, Phase.STOP_FAILED}
        if not asked_for:
            adapter = self._adapters[(life.running or life.model).engine]
            life.failure = news.failure or adapter.explain(life.model, news.exit or Exit(None))
        elif life.phase is Phase.STOP_FAILED:
            life.failure = None  # it was the failed stop, and it is mended
        self._proxies.revoke_all(life, 0.0)
        life.grants.clear()
        life.idle_since = now
        if life.failure is None:
            life.move(Event.EXITED, now)
        else:
            log.warning("%s", life.failure.sentence())
            life.move(Event.EXITED_IN_FAULT, now)
            steady = life.proved_at is not None and now - life.proved_at >= STEADY_S
            life.failures = 1 if steady else life.failures + 1
            life.retry_at = now + next_try(life.failures, was_proved=life.proved_at is not None)
        life.instance, life.running, life.endpoint = None, None, ""


def _failure(reason: Reason, message: str) -> Failure:
    return Failure(reason=reason, message=message, advice=ADVICE[reason])
