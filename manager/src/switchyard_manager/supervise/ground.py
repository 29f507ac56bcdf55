"""All that the world consists of, for the modules that change it. State: it decides nothing itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from switchyard_contracts.catalog import Catalog, Model, sees, serving_of
from switchyard_contracts.errors import ErrorBody, ErrorCode
from switchyard_contracts.events import EventKind, RunRecord
from switchyard_contracts.status import Phase
from switchyard_manager.engines.vision import as_served, family_of
from switchyard_manager.lifecycle import Event
from switchyard_manager.scheduler import Outlook, Wish
from switchyard_manager.scheduler.seen import AT_REST, Files
from switchyard_manager.store.facts import MemoryBesideCache, MemoryMeasured, RunWas, Span, SpanMeasured
from switchyard_manager.supervise.cards import Cards
from switchyard_manager.supervise.chronicle import Chronicle
from switchyard_manager.supervise.life import Life, Run
from switchyard_manager.supervise.proxies import Proxies
from switchyard_manager.supervise.work import EndRun, Errand, LookForFiles, ReadProcessor, Work
from switchyard_manager.supervise.workshop import Workshop

STOP_GRACE_S = 10.0
CUT_GRACE_S = 1.0  # whoever is left has used up their time, or nothing is to be expected of the engine


@dataclass(slots=True)
class Ground:
    catalog: Catalog
    workshop: Workshop
    chronicle: Chronicle
    proxies: Proxies
    lives: dict[str, Life] = field(default_factory=dict)
    cards: Cards = field(default_factory=Cards)
    outlook: dict[str, Outlook] = field(default_factory=dict)
    owners: Mapping[int, str] = field(
        default_factory=dict
    )  # processes of our engines → model, as last measured
    due: list[Work] = field(default_factory=list)
    fetches: int = 0

    def move(self, life: Life, event: Event, now: float, why: str | None = None) -> None:
        """The only way in which a phase changes."""
        before = life.phase
        life.move(event, now)
        if life.phase in AT_REST:
            life.wish = life.leaves_for = None
        elif life.phase is Phase.ASLEEP and life.wish is Wish.SLEEP:
            life.wish = None
        self.chronicle.tell(
            EventKind.PHASE, now, life.model.name, before=before, after=life.phase, why=why or str(event)
        )

    def refuse(self, life: Life, error: ErrorBody, now: float) -> None:
        """Whoever waits for this model will not get it now."""
        if not life.tickets:
            return
        self.chronicle.tell(
            EventKind.REFUSED, now, life.model.name, message=error.message, waiting=len(life.tickets)
        )
        self.proxies.refuse_all(life, error)
        life.drop_tickets(list(life.tickets), now)

    def refuse_for_failure(self, life: Life, now: float) -> None:
        if life.failure is None or life.model.name not in self.catalog.models:
            error = not_found(life.model.name)
        else:
            error = ErrorBody.of(ErrorCode.MODEL_LOAD_FAILED, life.failure.sentence())
        self.refuse(life, error, now)

    def end(self, life: Life, grace_s: float) -> None:
        if life.run is not None:
            self.due.append(EndRun(life.model.name, life.run.instance, grace_s))

    def settle_serving(self, life: Life) -> None:
        life.serving = serving_of(life.model, as_served(life.model, life.vision or family_of(life.model)))

    def look_for_files(self, life: Life) -> None:
        """Until the answer comes nobody knows whether they are here, and its engine is not started."""
        life.look += 1
        life.files = Files.HERE
        if self.workshop.has_files(life.model):
            life.files = Files.UNKNOWN
            self.due.append(LookForFiles(life.model, life.look))

    def next_fetch(self) -> int:
        self.fetches += 1
        return self.fetches

    def read_processor(self, life: Life) -> None:
        """Have its files read, if it may have any here. Until then it is served as its family is."""
        model = life.model
        are_here = bool(model.path) or (self.workshop.has_files(model) and life.files is Files.HERE)
        if (sees(model) and are_here) or self.workshop.is_told_by_files(model):
            self.due.append(ReadProcessor(model))

    def errand(self, run: Run) -> Errand:
        gpus = [gpu for gpu in map(self.cards.gpu, run.gpus) if gpu]
        smallest = min((gpu.total_mib for gpu in gpus), default=None)
        return Errand(
            model=run.model,
            instance=run.instance,
            spec_hash=run.spec_hash,
            gpus=run.gpus,
            share_mib=run.share_mib,
            smallest_gpu_mib=smallest,
            beside_cache_mib=self.workshop.beside_cache_mib(run.spec_hash, [gpu.name for gpu in gpus]),
            devices=_devices(self.catalog, run.gpus),
            endpoint=run.endpoint,
        )

    def learn_span(self, run: Run, span: Span, seconds: float) -> None:
        seconds = round(seconds, 3)
        self.workshop.learn_span(run.spec_hash, span, seconds)
        self.chronicle.keep(SpanMeasured(run.spec_hash, span, seconds))

    def learn_memory(self, run: Run, *, asleep: bool) -> None:
        """What it held at most on each GPU; asleep: what it holds now."""
        for uuid, mib in (run.held if asleep else run.peak).items():
            gpu = self.cards.gpu(uuid)
            if gpu is not None and mib > 0:
                self.workshop.learn_memory(run.spec_hash, gpu.name, mib, asleep=asleep)
                self.chronicle.keep(MemoryMeasured(run.spec_hash, gpu.name, mib, asleep=asleep))

    def rest_mib(self, run: Run) -> int:
        """What it keeps of each of its GPUs while it sleeps."""
        gpus = filter(None, map(self.cards.gpu, run.gpus))
        return max((self.workshop.asleep_mib(run.spec_hash, gpu.name) for gpu in gpus), default=0)

    def learn_beside_cache(self, run: Run, mib: int) -> None:
        """0: what was known is not to be believed any more."""
        for gpu in filter(None, map(self.cards.gpu, run.gpus)):
            self.workshop.learn_beside_cache(run.spec_hash, gpu.name, mib)
            self.chronicle.keep(MemoryBesideCache(run.spec_hash, gpu.name, mib))

    def note_run(self, run: Run, now: float, *, ended: bool = False, exit_code: int | None = None) -> None:
        record = RunRecord(
            instance=run.instance,
            model=run.model.name,
            began_at=self.chronicle.at(run.began),
            ready_after_s=run.ready_after_s,
            ended_at=self.chronicle.at(now) if ended else None,
            exit_code=exit_code,
            ended_because=run.ended_because,
            gpus=run.gpus,
            peak_mib=max(run.peak.values(), default=None),
            logged=run.logged,
        )
        self.chronicle.keep(RunWas(record))


def _devices(catalog: Catalog, gpus: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Of those GPUs that the operator says are not NVIDIA's to hand out."""
    said = {gpu.uuid.casefold(): gpu.devices for gpu in catalog.gpus if gpu.devices is not None}
    return {uuid: said[uuid.casefold()] for uuid in gpus if uuid.casefold() in said}


def weights_of(model: Model) -> tuple[str | None, str | None, str | None]:
    """What tells one model's files from another's."""
    return model.path, model.repo, model.revision


def not_found(model: str) -> ErrorBody:
    message = f"cannot find a model named {model!r}: see GET /v1/models"
    return ErrorBody.of(ErrorCode.MODEL_NOT_FOUND, message, "model")
