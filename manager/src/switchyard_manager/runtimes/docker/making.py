"""Make a container, start it, undo what was begun; find what is ours. Blocking, and knows no event loop.

Whatever is removed here was looked at first and carries our installation.
"""

import contextlib
import logging
import os
import threading
import time
from dataclasses import dataclass, replace

from switchyard_contracts.errors import Reason
from switchyard_manager.errors import EngineFailed, ManagerError
from switchyard_manager.runtimes.docker import refusals
from switchyard_manager.runtimes.docker.body import INSTALLATION, INSTANCE, Naming, Place, body
from switchyard_manager.runtimes.docker.engine import Conflict, Engine, EngineSaid, NotThere
from switchyard_manager.runtimes.docker.host_paths import Paths, as_it_is, mounts_subpaths
from switchyard_manager.runtimes.docker.own_container import OwnContainer
from switchyard_manager.runtimes.docker.seen import Seen
from switchyard_manager.runtimes.docker.site import Site
from switchyard_manager.runtimes.protocol import ContainerSpec, ExistingSpec, RuntimeAway

log = logging.getLogger(__name__)

NAME_ATTEMPTS = 3
NO_NAME = "invalid reference format"  # of an image


@dataclass(frozen=True, slots=True)
class Begun:
    """A container that was started, and from when on its words are this run's."""

    seen: Seen
    since_ns: int


class NoImage(EngineSaid):
    """The Engine has no image of that name; perhaps it is none."""


class Maker:
    def __init__(self, engine: Engine, naming: Naming, site: Site | None = None) -> None:
        self._engine = engine
        self._naming = naming
        self._site = site or Site()
        self._own = OwnContainer(engine, self._site)
        self._one_network = threading.Lock()
        self._unclear: set[str] = set()  # names whose removal the Engine was away for

    def make(self, spec: ContainerSpec, called_off: threading.Event) -> Begun:
        """If it raises, nothing of it is left, or will be removed once the Engine answers again.

        Whether the image is there is not asked before, as it nearly always is: `NoImage`.
        """
        name = self._naming.container(spec.instance)
        try:
            _go_on(spec.model, called_off)
            container = self._created(name, spec, self._place(spec))
            _go_on(spec.model, called_off)
            self._engine.start(container)
            _go_on(spec.model, called_off)
            return Begun(self._engine.inspect(container), since_ns=0)
        except ManagerError:
            self.undo(name)
            raise

    def wake(self, spec: ExistingSpec, called_off: threading.Event) -> Begun:
        """One that runs already is taken as it is; what it said before is not this run's."""
        try:
            seen = self._engine.inspect(spec.container)
        except NotThere as error:
            raise EngineFailed.because(
                Reason.ENGINE_MISSING,
                f"cannot start {spec.model}: Docker has no container named {spec.container}",
                "create it, or correct `container` of this model in models.json",
            ) from error
        # Refused before it is started, if it is.
        self._site.refuse_if_out_of_reach(spec.model, self._own.seen())
        self._site.foreign_endpoint(seen, spec)
        if seen.running:
            return Begun(seen, since_ns=time.time_ns())
        _go_on(spec.model, called_off)
        self._engine.start(seen.id)
        seen = self._engine.inspect(seen.id)
        return Begun(seen, since_ns=seen.started_ns)

    def undo(self, name: str) -> None:
        """Remove it if it is there and ours."""
        try:
            seen = self._engine.inspect(name)
            if self._naming.owns(seen.labels):
                self._engine.remove(seen.id)
        except (NotThere, Conflict):
            pass
        except RuntimeAway:
            self._unclear.add(name)
            return
        except EngineSaid as error:
            log.warning("container %s: %s", name, error)
        self._unclear.discard(name)

    def settle(self) -> None:
        """Undo what could not be undone while the Engine was away."""
        for name in tuple(self._unclear):
            self.undo(name)

    def ours(self) -> tuple[Seen, ...]:
        """All that carry our installation, the oldest first. Raises `RuntimeAway`."""
        seen = []
        try:
            for container in self._engine.labelled(self._naming.label):
                # One that is not there was removed since it was listed.
                with contextlib.suppress(NotThere):
                    seen.append(self._engine.inspect(container))
        except EngineSaid as error:
            raise RuntimeAway(f"cannot know what runs: {error}") from error
        return tuple(sorted(seen, key=lambda one: one.created))

    def _place(self, spec: ContainerSpec) -> Place:
        theirs = self._site.network
        if theirs is not None:
            self._refuse_if_not_there(theirs, spec.model)
        own = self._own.seen()
        self._site.refuse_if_out_of_reach(spec.model, own)
        if own is None:
            mounts = tuple(map(as_it_is, spec.binds))
        else:
            paths = Paths(own.mounts, mounts_subpaths(self._engine.about().version))
            # Whatever a link in the manager's files leads to, it leads elsewhere on the machine.
            real = (replace(bind, source=os.path.realpath(bind.source)) for bind in spec.binds)
            mounts = tuple(paths.mount(spec.model, bind) for bind in real)
        return Place(theirs or self._network(spec.model), published=theirs is None, mounts=mounts)

    def _refuse_if_not_there(self, name: str, model: str) -> None:
        """The operator's network is neither made nor removed by us."""
        known = self._engine.networks(name)
        if len(known) == 1:
            return
        what = f"{len(known)} networks" if known else "no network"
        raise EngineFailed.because(
            Reason.RUNTIME_UNAVAILABLE,
            f"cannot start {model}: Docker has {what} named {name}, which engines are to join",
            f"remove all but one (`docker network ls --filter name={name}`)"
            if known
            else f"make it (`docker network create {name}`), or correct SWITCHYARD_ENGINE_NETWORK",
        )

    def _network(self, model: str) -> str:
        name = self._naming.network
        with self._one_network:
            known = self._engine.networks(name)
            if not known:
                with contextlib.suppress(Conflict):
                    self._engine.make_network(name, {INSTALLATION: self._naming.installation})
                known = self._engine.networks(name)
            ours = [network.id for network in known if self._naming.owns(network.labels)]
            if not ours or len(ours) < len(known):
                raise _taken(model, f"network {name}")
            return self._only(ours)

    def _only(self, networks: list[str]) -> str:
        """A manager that was killed may have left two of the name, and then the Engine refuses both."""
        kept = list(networks)
        for network in reversed(networks):
            if len(kept) > 1:
                # One that has containers is refused, and stays.
                with contextlib.suppress(EngineSaid):
                    self._engine.remove_network(network)
                    kept.remove(network)
        return kept[0]

    def _created(self, name: str, spec: ContainerSpec, place: Place) -> str:
        for _ in range(NAME_ATTEMPTS):
            try:
                return self._engine.create(name, body(spec, self._naming, place))
            except Conflict:
                self._clear(name, spec)
            except EngineSaid as error:
                if isinstance(error, NotThere) or NO_NAME in error.words:
                    raise NoImage(error.status, error.words) from error
                raise
        raise _taken(spec.model, f"container {name}")

    def _clear(self, name: str, spec: ContainerSpec) -> None:
        """A name of ours that is taken: what an attempt left whose answer never reached us."""
        try:
            seen = self._engine.inspect(name)
            if not self._naming.owns(seen.labels) or seen.labels.get(INSTANCE) != spec.instance:
                raise _taken(spec.model, f"container {name}")
            self._engine.remove(seen.id)
        except (NotThere, Conflict):
            return  # gone since, or going


def _go_on(model: str, called_off: threading.Event) -> None:
    if called_off.is_set():
        raise refusals.called_off(model)


def _taken(model: str, what: str) -> EngineFailed:
    return EngineFailed.because(
        Reason.RUNTIME_UNAVAILABLE,
        f"cannot start {model}: there is a {what} already, and it is not ours",
        "rename or remove it; Switchyard never touches what it did not make",
    )
