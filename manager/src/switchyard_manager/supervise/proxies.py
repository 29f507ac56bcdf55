"""Which proxies are connected, and the words we have for them. Says; decides nothing and awaits nothing."""

from collections.abc import Iterable

from switchyard_contracts.errors import ErrorBody, ErrorCode
from switchyard_contracts.grants import Granted, Loading, Models, Refused, Revoke, Welcome
from switchyard_contracts.status import ModelStatus
from switchyard_manager import __version__
from switchyard_manager.supervise.life import HeldGrant, Life
from switchyard_manager.supervise.news import Session


class Proxies:
    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}
        self._published: tuple[ModelStatus, ...] = ()

    def __len__(self) -> int:
        return len(self._sessions)

    def __contains__(self, session: Session) -> bool:
        return self._sessions.get(session.proxy) is session

    def former(self, session: Session) -> Session | None:
        """The connection that this one replaces, if its proxy had one that we believe in still."""
        return self._sessions.get(session.proxy)

    def welcome(self, session: Session, manager: str, statuses: tuple[ModelStatus, ...]) -> None:
        self._sessions[session.proxy] = session
        session.send(Welcome(manager=manager, version=__version__))
        session.send(Models(models=statuses))

    def part(self, session: Session) -> bool:
        """Whether it was here until now."""
        if session not in self:
            return False
        del self._sessions[session.proxy]
        return True

    def say_granted(self, life: Life, grant: HeldGrant) -> None:
        word = Granted(model=life.model.name, grant=grant.id, endpoint=life.endpoint)
        self._send([grant.proxy], word)

    def revoke_all(self, life: Life, drain_s: float | None) -> None:
        for grant in life.grants.values():
            grant.revoked = True
            self._send([grant.proxy], Revoke(model=life.model.name, grant=grant.id, drain_s=drain_s))

    def refuse_all(self, life: Life) -> None:
        """Whoever waits for this model will not get it now. Without a failure, it is gone from the catalog."""
        if life.failure is None:
            error = not_found(life.model.name)
        else:
            error = ErrorBody.of(ErrorCode.MODEL_LOAD_FAILED, life.failure.sentence())
        for proxy, ticket in life.tickets:
            self._send([proxy], Refused(model=life.model.name, ticket=ticket, error=error))
        life.tickets.clear()

    def say_loading(self, life: Life, now: float) -> None:
        elapsed_s = round(now - life.start_issued, 3)
        progress = Loading(model=life.model.name, phase=life.phase, elapsed_s=elapsed_s)
        self._send({proxy for proxy, _ in life.tickets}, progress)

    def publish(self, statuses: tuple[ModelStatus, ...]) -> None:
        """Tell every proxy when anything it could show or route by has changed."""
        timeless = tuple(status.model_copy(update={"idle_s": None, "retry_in_s": None}) for status in statuses)
        if timeless == self._published:
            return
        self._published = timeless
        self._send(self._sessions, Models(models=statuses))

    def _send(self, proxies: Iterable[str], message: Granted | Revoke | Refused | Loading | Models) -> None:
        for proxy in proxies:
            session = self._sessions.get(proxy)
            if session is not None:
                session.send(message)


def not_found(model: str) -> ErrorBody:
    message = f"cannot find a model named {model!r}: see GET /v1/models"
    return ErrorBody.of(ErrorCode.MODEL_NOT_FOUND, message, "model")
