"""What the app asks about every request: who is it, may they do this, is it too much?

Nothing here waits but `refresh` and `close`. `refresh` is called in a thread: once before the proxy serves, and
then every second. It reads the keys again if their file has changed, and keeps what was used of the day. Until
the keys have been read nobody is let in.
"""

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.access.callers import ANYONE, Caller, Role
from switchyard_proxy.access.hosts import Visitors
from switchyard_proxy.access.key_file import KeyFile, KeysUnreadable, Stamp
from switchyard_proxy.access.keys import KeyRecord, Ring, digest_of
from switchyard_proxy.access.limits import Meter, Permit, Refusal
from switchyard_proxy.access.usage_file import UsageFile
from switchyard_proxy.asgi import Header
from switchyard_proxy.errors import Refused
from switchyard_proxy.settings import Settings

log = logging.getLogger(__name__)
ENVIRONMENT = "environment"
KEEP_USAGE_EVERY_S = 10.0
MOST_NAMED = 20
KEY_HEADERS = frozenset({b"x-api-key", b"api-key"})
SEVERAL = b"several of them"  # no name and no origin reads so


class Gatekeeper:
    """One per process. With several workers they share a meter, and one of them writes down what was used."""

    def __init__(
        self,
        settings: Settings,
        meter: Meter | None = None,
        *,
        keeps_usage: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.asks_for_keys = settings.asks_for_keys
        self.keys = KeyFile(settings.folder)
        self.meter = meter or Meter()
        self.now = clock
        self.ring = Ring()
        self._own = _environment_key(settings.api_key)
        self._unreadable = True
        self._stamp: Stamp | None = None
        self._told: str | None = None
        self._refreshing = threading.Lock()  # held by threads only, never by the event loop
        self._visitors = Visitors(socket.gethostname(), settings.allowed_hosts, settings.allowed_origins)
        self._usage = UsageFile(settings.folder)
        self._keeps_usage = keeps_usage
        self._usage_kept_at: float | None = None

    def caller(self, headers: Iterable[Header]) -> Caller:
        """Who asks. Raises `Refused`. Where no key is asked for, it is anyone, on a page that may ask."""
        if not self.asks_for_keys:
            self.greet(headers)
            return ANYONE
        for name, value in headers:
            if name == b"authorization":
                scheme, _, key = value.partition(b" ")
                if scheme.lower() != b"bearer":
                    continue
            elif name in KEY_HEADERS:
                key = value
            else:
                continue
            caller = self.ring.caller_of(key.strip(), self.now())
            if caller is not None:
                return caller
        raise self._no_key()

    def known(self, headers: Iterable[Header]) -> Caller | None:
        """For what is open to everybody, and tells more to those who may know it. Raises as `greet` does."""
        self.greet(headers)
        try:
            return self.caller(headers)
        except Refused:
            return None

    def greet(self, headers: Iterable[Header], method: str = "GET") -> None:
        """For what is open to everybody: refuses strange names and pages, unless keys protect what matters."""
        if self.asks_for_keys:
            return
        host = origin = None
        for name, value in headers:
            if name == b"host":
                host = value if host is None or host == value else SEVERAL
            elif name == b"origin":
                origin = value if origin is None or origin == value else SEVERAL
        self._visitors.check(host, origin, method)

    def check(self, caller: Caller, role: Role) -> None:
        """Raises `Refused`."""
        if caller.role < role:
            raise Refused(
                ErrorCode.PERMISSION_DENIED,
                f"cannot do this with the key `{caller.name}`: it has the role {caller.role.name.lower()}, and"
                f" this needs {role.name.lower()}",
            )

    def check_model(self, caller: Caller, model: str) -> None:
        """Raises `Refused`. The name is the catalog's, not an alias."""
        if caller.models is not None and model not in caller.models:
            usable = sorted(caller.models)
            more = f" and {len(usable) - MOST_NAMED} more" if len(usable) > MOST_NAMED else ""
            raise Refused(
                ErrorCode.PERMISSION_DENIED,
                f"cannot use the model {model!r} with the key `{caller.name}`; it may use"
                f" {', '.join(usable[:MOST_NAMED])}{more}",
                "model",
            )

    def admit(self, caller: Caller, now: float) -> Permit:
        """Raises `Refused` if a limit has been reached. The permit is given back with `done`."""
        answer = self.meter.admit(caller, now)
        if isinstance(answer, Refusal):
            raise answer.error()
        return answer

    def refresh(self) -> None:
        """Blocks: call it in a thread. A change of the file counts from then on."""
        with self._refreshing:
            now = self.now()
            try:
                stamp = self.keys.stamp()
                if self._unreadable or stamp != self._stamp:
                    self._take(self.keys.read(), stamp)
            except KeysUnreadable as error:
                self._refuse_all(error)
            self._keep_usage(now)

    def close(self) -> None:
        """Blocks. Keeps what was used until now."""
        with self._refreshing:
            self._write_usage(self.now())

    def _take(self, ring: Ring, stamp: Stamp | None) -> None:
        """The stamp is from before the reading: a change in between is read again."""
        self.ring = Ring((*self._own, *ring.records))
        self._stamp = stamp
        self._unreadable = False
        self._told = None

    def _refuse_all(self, error: KeysUnreadable) -> None:
        """All but the key from the environment, which no file can take away."""
        self.ring = Ring(self._own)
        self._unreadable = True
        if str(error) != self._told:
            log.error("%s", error)
            self._told = str(error)

    def _no_key(self) -> Refused:
        if self._unreadable:
            return Refused(
                ErrorCode.INTERNAL_ERROR,
                "cannot tell whether the key is right: the proxy cannot read its keys; its log says why",
                headers=((b"x-should-retry", b"false"),),
            )
        return Refused(
            ErrorCode.INVALID_API_KEY,
            "cannot accept the request: its API key is missing or wrong; send `Authorization: Bearer <key>`",
            headers=((b"www-authenticate", b"Bearer"),),
        )

    def _keep_usage(self, now: float) -> None:
        if self._usage_kept_at is None:  # by every worker, before it serves: to restore twice adds nothing
            self.meter.restore(self._usage.read(now), now)
            self._usage_kept_at = now
        elif not 0 <= now - self._usage_kept_at < KEEP_USAGE_EVERY_S:
            self._write_usage(now)
            self._usage_kept_at = now

    def _write_usage(self, now: float) -> None:
        if self._keeps_usage and self._usage_kept_at is not None and not self._unreadable:
            live = (record.id for record in self.ring.records if record.revoked_at is None)
            self._usage.write(self.meter.usage(live, now), now)


def _environment_key(api_key: str | None) -> tuple[KeyRecord, ...]:
    if api_key is None:
        return ()
    record = KeyRecord(ENVIRONMENT, ENVIRONMENT, digest_of(api_key.encode()), "", 0.0)
    return (replace(record, role=Role.OPERATE),)
