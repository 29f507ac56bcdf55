"""What the routes answer from. Each look at the world is one step of the event loop: no await in the middle."""

from collections.abc import Callable
from dataclasses import dataclass

from switchyard_contracts.status import ManagerStatus, ModelStatus
from switchyard_manager.api.errors import Problem
from switchyard_manager.model_files.cache import Cache
from switchyard_manager.runtimes.log_files import LogFiles
from switchyard_manager.store import Store
from switchyard_manager.supervise import Supervisor, views
from switchyard_manager.supervise.ground import Ground, not_found
from switchyard_manager.supervise.world import World


@dataclass(frozen=True, slots=True)
class Desk:
    world: World
    supervisor: Supervisor
    store: Store
    logs: LogFiles
    runtime: str  # for people
    clock: Callable[[], float]
    cache: Cache  # of the Hub

    @property
    def ground(self) -> Ground:
        return self.world.ground

    def status(self) -> ManagerStatus:
        status = self.world.status(self.clock(), self.runtime)
        told = self.store.trouble
        return status.model_copy(update={"trouble": (*status.trouble, told)}) if told else status

    def name_of(self, said: str) -> str:
        """The model's name for a name or an alias. One that left the catalog counts while it runs."""
        model = self.world.catalog.find(said)
        if model is not None:
            return model.name
        if said in self.ground.lives:
            return said
        raise Problem(not_found(said))

    def model(self, name: str) -> ModelStatus | None:
        life = self.ground.lives.get(name)
        return None if life is None else views.model_status(self.ground, life, self.clock())
