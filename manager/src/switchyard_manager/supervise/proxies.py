"""Which proxies are connected, and the words we have for them. Says; decides nothing and awaits nothing."""

from collections.abc import Iterable

from switchyard_contracts.errors import ErrorBody
from switchyard_contracts.grants import Granted, Loading, Models, Refused, Revoke, Welcome
from switchyard_contracts.status import FilesStatus, ModelStatus
from switchyard_manager import __version__
from switchyard_manager.supervise.life import HeldGrant, Life
from switchyard_manager.supervise.news import Session

ABSENCE_S = 3.0  # a proxy tries to come back several times a second
# What changes by itself as time goes by is no reason to tell everyone.
TIMELESS = dict.fromkeys(("idle_s", "retry_in_s", "waited_s", "expected_s", "measured_mib"))


class Proxies:
    def __init__(self, manager: str) -> None:
        self._manager = manager
        self._sessions: dict[str, Session] = {}
        self._absent: dict[str, float] = {}  # whose connection broke, and since when
        self._published = Models(models=())

    def __len__(self) -> int:
        return len(self._sessions)

    def __contains__(self, session: Session) -> bool:
        return self._sessions.get(session.proxy) is session

    def former(self, session: Session) -> Session | None:
        """The connection that this one replaces, if its proxy had one that we believe in still."""
        return self._sessions.get(session.proxy)

    def welcome(self, session: Session, models: Models) -> None:
        self._sessions[session.proxy] = session
        session.send(Welcome(manager=self._manager, version=__version__))
        session.send(models)

    def part(self, session: Session, now: float) -> bool:
        """Whether it was here until now."""
        if session not in self:
            return False
        del self._sessions[session.proxy]
        self._absent[session.proxy] = now
        return True

    def came_back(self, proxy: str) -> bool:
        """Whether its connection was broken until now."""
        return self._absent.pop(proxy, None) is not None

    def lost(self, now: float) -> list[str]:
        """Those that have been away for too long to come back. Each is told of once."""
        lost = [proxy for proxy, since in self._absent.items() if now - since >= ABSENCE_S]
        for proxy in lost:
            del self._absent[proxy]
        return lost

    def say_granted(self, life: Life, grant: HeldGrant, endpoint: str, headers: dict[str, str]) -> None:
        word = Granted(model=life.model.name, grant=grant.id, endpoint=endpoint, headers=headers)
        self._send([grant.proxy], word)

    def revoke_all(self, life: Life, drain_s: float | None) -> None:
        for grant in life.grants.values():
            grant.revoked = True
            self._send([grant.proxy], Revoke(model=life.model.name, grant=grant.id, drain_s=drain_s))

    def refuse_all(self, life: Life, error: ErrorBody) -> None:
        for proxy, ticket in life.tickets:
            self._send([proxy], Refused(model=life.model.name, ticket=ticket, error=error))

    def say_loading(self, life: Life, now: float) -> None:
        elapsed_s = round(now - life.at_it_since, 3)
        said = life.shown_progress
        progress = Loading(model=life.model.name, phase=life.phase, elapsed_s=elapsed_s, progress=said)
        self._send({proxy for proxy, _ in life.tickets}, progress)

    def publish(self, models: Models) -> None:
        """Tell every proxy when anything it could show or route by has changed."""
        timeless = Models(models=tuple(map(_timeless, models.models)), routing=models.routing)
        if timeless == self._published:
            return
        self._published = timeless
        self._send(self._sessions, models)

    def _send(self, proxies: Iterable[str], message: Granted | Revoke | Refused | Loading | Models) -> None:
        for proxy in proxies:
            session = self._sessions.get(proxy)
            if session is not None:
                session.send(message)


def _timeless(status: ModelStatus) -> ModelStatus:
    files = status.files and FilesStatus(at=status.files.at)  # how many bytes are here, `progress` tells
    return status.model_copy(update={**TIMELESS, "files": files})
