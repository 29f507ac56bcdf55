"""End every engine of an installation, without a manager: what `switchyard down` does. Blocking.

Nothing without the installation's label is touched. What of a log the manager has not copied yet goes with its
container.
"""

import contextlib
import os
import threading
import time
from pathlib import Path

from switchyard_manager.runtimes.docker.body import Naming
from switchyard_manager.runtimes.docker.engine import Engine, EngineSaid
from switchyard_manager.runtimes.docker.making import Maker
from switchyard_manager.runtimes.docker.seen import Seen
from switchyard_manager.runtimes.protocol import RuntimeAway

SOCKETS = (Path("/var/run/docker.sock"), Path("~/.docker/run/docker.sock"))
LOOK_EVERY_S = 0.2


def is_likely_here() -> bool:
    """Whether there is a Docker Engine to ask, as far as can be told without asking it."""
    return bool(os.environ.get("DOCKER_HOST")) or any(socket.expanduser().exists() for socket in SOCKETS)


def end_all(installation: str, grace_s: float, host: str | None = None) -> int:
    """How many there were. An Engine that does not answer has none that could be ended."""
    engine = Engine(host)
    try:
        containers = Maker(engine, Naming(installation)).ours()
        for container in containers:
            if container.running:
                with contextlib.suppress(EngineSaid):
                    engine.signal(container.id, container.stop_signal)
        _wait(engine, containers, time.monotonic() + grace_s)
        for container in containers:
            with contextlib.suppress(EngineSaid):
                engine.remove(container.id)
        return len(containers)
    except RuntimeAway:
        return 0
    finally:
        engine.close()


def _wait(engine: Engine, containers: tuple[Seen, ...], until: float) -> None:
    pause = threading.Event()
    while time.monotonic() < until and any(_runs(engine, container.id) for container in containers):
        pause.wait(LOOK_EVERY_S)


def _runs(engine: Engine, container: str) -> bool:
    try:
        return engine.inspect(container).running
    except EngineSaid:
        return False
