"""The files of a simulated machine's models: which are here, and downloads that come, fail or hang."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from switchyard_contracts.catalog import Model
from switchyard_contracts.errors import Reason
from switchyard_contracts.status import Failure
from switchyard_manager.model_files.needs import Need
from switchyard_manager.supervise.news import FetchOver, FilesProgress, FilesSeen
from switchyard_manager.supervise.work import CallOffFetch, FetchFiles, LookForFiles
from tests.simulation.engines import WORD_S, failure
from tests.simulation.scenario import Fetch, Scenario

if TYPE_CHECKING:
    from tests.simulation.simulator import Simulation


@dataclass(slots=True)
class Download:
    work: FetchFiles
    manager: int
    is_over: bool = False


class Downloads:
    def __init__(self, sim: "Simulation") -> None:
        self._sim = sim
        self._here: set[tuple[Need, ...]] = set()
        self._all: dict[tuple[int, int], Download] = {}
        self._fates: dict[str, int] = {}

    @property
    def running(self) -> list[Download]:
        """A download ends with its manager, however that ends."""
        number = self._sim.manager_number
        return [one for one in self._all.values() if one.manager == number and not one.is_over]

    def is_here(self, model: Model) -> bool:
        return not has_files(self._sim.scenario, model) or needs_of(model) in self._here

    def look(self, work: LookForFiles) -> None:
        self._tell(FilesSeen(work.model.name, work.look, self.is_here(work.model)))

    def fetch(self, work: FetchFiles) -> None:
        plan = self._sim.scenario.plan(work.model.name)
        made = Download(work, self._sim.manager_number)
        self._all[made.manager, work.number] = made
        turn = self._fates.get(plan.name, 0)
        self._fates[plan.name] = turn + 1
        fate = plan.fetches[min(turn, len(plan.fetches) - 1)]
        self._tell(FilesProgress(plan.name, work.number, "half of it"), plan.fetch_s / 2)
        if fate is not Fetch.HANGS:
            lasts_s = plan.fetch_s if fate is Fetch.WELL else WORD_S
            self._sim.after(lasts_s, lambda: self._ends(made, fate))

    def call_off(self, work: CallOffFetch) -> None:
        made = self._all.get((self._sim.manager_number, work.number))
        if made is not None:
            self._over(made, failure(Reason.RUNTIME_UNAVAILABLE, "it was killed"))

    def _ends(self, made: Download, fate: Fetch) -> None:
        if made.manager != self._sim.manager_number:
            return
        match fate:
            case Fetch.FAILS:
                self._over(made, failure(Reason.HUB_UNREACHABLE, "the Hub is away"))
            case Fetch.GATED:
                self._over(made, failure(Reason.GATED_REPO, "it is gated"))
            case _:
                self._over(made, None)

    def _over(self, made: Download, why: Failure | None) -> None:
        if made.is_over:
            return
        made.is_over = True
        if why is None:
            self._here.add(needs_of(made.work.model))
        self._tell(FetchOver(made.work.model.name, made.work.number, why))

    def _tell(self, news: FilesSeen | FilesProgress | FetchOver, delay_s: float = 0.0) -> None:
        self._sim.tell_manager(news, delay_s + WORD_S, self._sim.manager_number)


def has_files(scenario: Scenario, model: Model) -> bool:
    return scenario.plan(model.name).fetch_s > 0


def needs_of(model: Model) -> tuple[Need, ...]:
    return (Need(f"org/{model.name}", model.revision),)
