"""What the world knows of engines without asking anybody: values and pure functions, handed in once."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from switchyard_contracts.catalog import Engine, Model, VllmArgs
from switchyard_contracts.gate import Gate
from switchyard_manager.engines import Adapter
from switchyard_manager.model_files.needs import Need
from switchyard_manager.store.facts import NEWEST_WEIGHS, Learned, Span

NOTHING = Learned(spans={}, awake_mib={}, asleep_mib={})


@dataclass(slots=True)
class Workshop:
    adapters: Mapping[Engine, Adapter]
    hash_of: Callable[[Model], str]
    new_instance: Callable[[str], str]
    key_of: Callable[[str], str]  # the secret of a run, from its instance
    learned: dict[str, Learned] = field(default_factory=dict)  # by spec hash
    has_files: Callable[[Model], bool] = lambda _: False  # that have to be here before its engine starts
    needs_of: Callable[[Model], tuple[Need, ...]] = lambda _: ()  # of the Hub
    is_told_by_files: Callable[[Model], bool] = lambda model: False  # whether its files say what it can do
    gate: Gate | None = None  # by which proxies reach engines; the manager itself goes to them directly

    def adapter(self, model: Model) -> Adapter:
        return self.adapters[model.engine]

    def headers(self, model: Model, instance: str) -> dict[str, str]:
        """What a request to this engine must carry."""
        return dict(self.adapter(model).headers(model, self.key_of(instance)))

    def way(self, model: Model, instance: str, endpoint: str) -> tuple[str, dict[str, str]]:
        """Where a proxy sends requests to this engine, and what they must carry."""
        headers = self.headers(model, instance)
        if self.gate is None:
            return endpoint, headers
        return self.gate.endpoint(instance, endpoint), headers | self.gate.headers(instance, endpoint)

    def can_sleep(self, model: Model) -> bool:
        return self.adapter(model).sleep(model) is not None

    def span_s(self, spec_hash: str, span: Span, default: float) -> float:
        return self.learned.get(spec_hash, NOTHING).spans.get(span, default)

    def knows_span(self, spec_hash: str, span: Span) -> float | None:
        return self.learned.get(spec_hash, NOTHING).spans.get(span)

    def learn_span(self, spec_hash: str, span: Span, seconds: float) -> None:
        known = self._known(spec_hash)
        before = known.spans.get(span)
        known.spans[span] = seconds if before is None else before + NEWEST_WEIGHS * (seconds - before)

    def learn_memory(self, spec_hash: str, gpu_name: str, mib: int, *, asleep: bool) -> None:
        known = self._known(spec_hash)
        (known.asleep_mib if asleep else known.awake_mib)[gpu_name] = mib

    def learn_beside_cache(self, spec_hash: str, gpu_name: str, mib: int) -> None:
        self._known(spec_hash).beside_mib[gpu_name] = mib

    def beside_cache_mib(self, spec_hash: str, gpu_names: Iterable[str]) -> int | None:
        """What each of those GPUs has to hold beside the engine's cache; None: not all of them are known."""
        known = self.learned.get(spec_hash, NOTHING).beside_mib
        found = [known.get(name, 0) for name in gpu_names]
        return max(found) if found and all(found) else None

    def asleep_mib(self, spec_hash: str, gpu_name: str) -> int:
        return self.learned.get(spec_hash, NOTHING).asleep_mib.get(gpu_name, ASLEEP_MIB)

    def need_mib(self, model: Model, spec_hash: str, gpu_name: str, total_mib: int) -> int | None:
        """On one GPU of that kind: as declared, else as measured in its last good run, else not known."""
        if model.vram_mib is not None:
            return model.vram_mib
        args = model.engine_args
        if isinstance(args, VllmArgs) and args.gpu_memory_utilization is not None:
            return int(args.gpu_memory_utilization * total_mib)
        if self.adapter(model).takes_what_it_gets(model):
            return None
        return self.learned.get(spec_hash, NOTHING).awake_mib.get(gpu_name)

    def _known(self, spec_hash: str) -> Learned:
        return self.learned.setdefault(spec_hash, Learned(spans={}, awake_mib={}, asleep_mib={}))


ASLEEP_MIB = 1500  # what an engine that sleeps keeps of a GPU, until it has been measured
