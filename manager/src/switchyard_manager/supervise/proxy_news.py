"""What proxies ask for and tell of their grants, as it changes the world."""

from switchyard_contracts.grants import (
    Broken,
    Drained,
    Hello,
    InFlight,
    Refused,
    Revoke,
    Unwant,
    Want,
    not_to_be_seen,
)
from switchyard_contracts.status import Phase
from switchyard_manager.supervise import news as news_of
from switchyard_manager.supervise import views
from switchyard_manager.supervise.ground import Ground, not_found
from switchyard_manager.supervise.life import Life
from switchyard_manager.supervise.recording import grant_to


def hear(ground: Ground, news: news_of.ProxyNews, now: float) -> None:
    match news:
        case news_of.ProxyCame(session=session, hello=hello):
            _came(ground, session, hello, now)
        case news_of.ProxyWent(session=session):
            _went(ground, session, now)
        case news_of.ProxySaid(session=session, message=message):
            _said(ground, session, message, now)


def give_up_the_lost(ground: Ground, now: float) -> None:
    for proxy in ground.proxies.lost(now):
        _void(ground, proxy, now)


def _came(ground: Ground, session: news_of.Session, hello: Hello, now: float) -> None:
    proxies = ground.proxies
    former = proxies.former(session)
    if former is not None:
        _went(ground, former, now)
    if proxies.came_back(session.proxy):
        _void(ground, session.proxy, now)  # what it holds still, it says now
    proxies.welcome(session, views.models(ground, now))
    for held in hello.holds:
        life = ground.lives.get(held.model)
        grant = life.adopt_grant(held, session.proxy, now) if life else None
        if grant is None or grant.revoked:
            limit = life.model.drain_limit_s if life and grant else None
            session.send(Revoke(model=held.model, grant=held.grant, drain_s=limit))


def _went(ground: Ground, session: news_of.Session, now: float) -> None:
    """Its tickets are gone. Its grants are void unless it is back soon: perhaps only the connection broke,
    and they have streams on them."""
    if not ground.proxies.part(session, now):
        return
    for life in ground.lives.values():
        life.drop_tickets(life.tickets_of(session.proxy), now)


def _void(ground: Ground, proxy: str, now: float) -> None:
    """What it counted cannot keep an engine alive any longer."""
    for life in ground.lives.values():
        life.forget_proxy(proxy, now)


def _said(
    ground: Ground,
    session: news_of.Session,
    message: Want | Unwant | Drained | InFlight | Broken,
    now: float,
) -> None:
    if session not in ground.proxies:
        return
    life = ground.lives.get(message.model)
    if isinstance(message, Want):
        _wanted(ground, life, session, message, now)
    elif life is not None:
        life.hear(session.proxy, message, now)


def _wanted(ground: Ground, life: Life | None, session: news_of.Session, want: Want, now: float) -> None:
    if life is None:
        session.send(Refused(model=want.model, ticket=want.ticket, error=not_found(want.model)))
        return
    if want.looks:
        _looked(ground, life, session, want, now)
        return
    # Even if that proxy holds a grant: then the ticket crossed it on the wire, and is served and taken back
    # there. Never say a grant twice to hurry that: by now the proxy may have given it up for broken.
    life.add_ticket(session.proxy, want.ticket, want.priority, now)


def _looked(ground: Ground, life: Life, session: news_of.Session, want: Want, now: float) -> None:
    """Now or never: a look does not queue, or a model that is about to leave would be loaded for it."""
    if life.phase is not Phase.READY or life.suspect:
        session.send(Refused(model=want.model, ticket=want.ticket, error=not_to_be_seen(want.model)))
    elif not any(one.proxy == session.proxy and not one.revoked for one in life.grants.values()):
        grant_to(ground, life, session.proxy, now)
