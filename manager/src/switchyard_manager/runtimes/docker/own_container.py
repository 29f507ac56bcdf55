"""Which container the manager itself is in, if any: guessed from inside, believed once the Engine knows it."""

import contextlib
import re
import socket
from collections.abc import Callable, Iterable
from pathlib import Path

from switchyard_contracts.errors import Reason
from switchyard_manager.errors import EngineFailed
from switchyard_manager.runtimes.docker.engine import Engine, NotThere
from switchyard_manager.runtimes.docker.seen import Seen
from switchyard_manager.runtimes.docker.site import NO_CONTAINER, Site

ID = r"[0-9a-f]{64}"
# The files that an Engine puts into every container, from a folder named for it.
ITS_FILES = re.compile(rf"containers/({ID})/\S+ (?:/etc/hostname|/etc/hosts|/etc/resolv\.conf) ")
ITS_GROUP = re.compile(rf"(?:/|docker-|libpod-)({ID})(?:\.scope)?(?:/|$)", re.MULTILINE)
USUAL_HOSTNAME = re.compile(r"[0-9a-f]{12}")


def candidates(mountinfo: str, cgroup: str, hostname: str) -> tuple[str, ...]:
    """Ids that it may have, the surest first. Pure."""
    found = [*ITS_FILES.findall(mountinfo), *ITS_GROUP.findall(cgroup)]
    if USUAL_HOSTNAME.fullmatch(hostname):
        found.append(hostname)
    return tuple(dict.fromkeys(found))


def from_inside() -> tuple[str, ...]:
    """Of this process. Blocking; a machine without such files is no container."""
    return candidates(_text("/proc/self/mountinfo"), _text("/proc/self/cgroup"), socket.gethostname())


class OwnContainer:
    """Blocking. Looked at anew each time: what is mounted stays, but networks come and go."""

    def __init__(self, engine: Engine, site: Site, guesses: Callable[[], Iterable[str]] = from_inside) -> None:
        self._engine = engine
        self._named = site.container
        self._guesses = guesses
        self._known: str | None = None
        self._sure = False

    def seen(self) -> Seen | None:
        """None: the manager is in no container of this Engine. Raises `RuntimeAway`, `EngineFailed`."""
        if self._named == NO_CONTAINER:
            return None
        if self._named is not None:
            return self._inspect(self._named)
        if not self._sure:
            self._known = self._found()
            self._sure = True  # only now: an Engine that was away has said nothing
        return None if self._known is None else self._engine.inspect(self._known)

    def _found(self) -> str | None:
        for guess in self._guesses():
            # One that another Engine runs: for this one, the manager is just on its machine.
            with contextlib.suppress(NotThere):
                seen = self._engine.inspect(guess)
                if seen.id.startswith(guess):  # a hostname might be some container's name
                    return seen.id
        return None

    def _inspect(self, container: str) -> Seen:
        try:
            return self._engine.inspect(container)
        except NotThere as error:
            raise EngineFailed.because(
                Reason.RUNTIME_UNAVAILABLE,
                f"cannot tell what the manager sees of this machine: Docker has no container named {container}",
                "correct or unset SWITCHYARD_CONTAINER",
            ) from error


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
