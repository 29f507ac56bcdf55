"""Where the manager is and where its engines are to be, as the Docker Engine sees both. Pure.

On the machine itself, the manager reaches engines on the loopback, at a port that the Engine chooses. In a
container it cannot: there, engines join a network of the operator's and publish nothing. Ours keep their
address for as long as they run, and go by it: names are known by the Engine alone, and unknown while it is
away. The operator's own containers may be started again, with another address, and go by their names.
"""

import re
from dataclasses import dataclass

from switchyard_contracts.errors import Reason
from switchyard_manager.errors import EngineFailed
from switchyard_manager.runtimes.docker.body import PORT
from switchyard_manager.runtimes.docker.seen import Seen
from switchyard_manager.runtimes.protocol import ExistingSpec

NO_CONTAINER = "none"
HOST_NETWORK = "host"
# What every resolver takes as one word; others go by their id, which the Engine knows as a name, too.
PLAIN_HOST = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
SHORT_ID = 12


@dataclass(frozen=True, slots=True)
class Site:
    """What the operator said."""

    network: str | None = None  # that engines join; theirs, and used as it is
    container: str | None = None  # the manager's own, by id or name; `none`: it is in none; None: find out

    def endpoint(self, seen: Seen) -> str | None:
        """Of a container of ours; None: it cannot be reached from here."""
        if self.network is None:
            return f"http://127.0.0.1:{next(iter(seen.ports.values()))}" if seen.ports else None
        port = seen.labels.get(PORT)
        if not port or self.network not in seen.networks:
            return None
        return f"http://{seen.networks[self.network] or host(seen)}:{port}"

    def foreign_endpoint(self, seen: Seen, spec: ExistingSpec) -> str:
        """Of a container of the operator's. Raises `EngineFailed`."""
        if self.network is None:
            return f"http://127.0.0.1:{spec.port}"
        if self.network not in seen.networks:
            raise EngineFailed.because(
                Reason.RUNTIME_UNAVAILABLE,
                f"cannot reach container {spec.container} of {spec.model}: the manager is in a container"
                " itself, and the two share no network",
                f"connect it: `docker network connect {self.network} {spec.container}`",
            )
        inside = (inside for inside, published in seen.ports.items() if published == spec.port)
        return f"http://{host(seen)}:{next(inside, spec.port)}"

    def refuse_if_out_of_reach(self, model: str, own: Seen | None) -> None:
        """Before an engine is started that the manager could never ask. Raises `EngineFailed`."""
        if self.network is not None and own is None:
            raise _refused(
                f"cannot start {model}: engines join the network {self.network}, and the manager is in no"
                " container of this Docker Engine that could be on it",
                "run the manager in a container, or unset SWITCHYARD_ENGINE_NETWORK; where its container is not"
                " found, name it with SWITCHYARD_CONTAINER",
            )
        if own is None or not own.networks:
            return
        if self.network is not None and self.network not in own.networks:
            raise _refused(
                f"cannot start {model}: engines join the network {self.network}, and the manager's own"
                f" container {own.name} is not on it",
                f"connect it: `docker network connect {self.network} {own.name}`",
            )
        if self.network is None and HOST_NETWORK not in own.networks:
            raise _refused(
                f"cannot start {model}: the manager is in the container {own.name}, which cannot reach what is"
                " published on this machine's loopback",
                "set SWITCHYARD_ENGINE_NETWORK to a network that the manager's container is on"
                f" ({', '.join(sorted(own.networks))}), or run it with the host's network",
            )


def host(seen: Seen) -> str:
    """How a container is called on a network."""
    return seen.name if PLAIN_HOST.fullmatch(seen.name) else seen.id[:SHORT_ID]


def _refused(message: str, advice: str) -> EngineFailed:
    return EngineFailed.because(Reason.RUNTIME_UNAVAILABLE, message, advice)
