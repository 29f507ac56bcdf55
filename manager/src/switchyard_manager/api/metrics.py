"""The manager in numbers, for Prometheus: what the tally counted, and the world as it is when somebody asks.

`METRICS` names every metric and says what it is; nothing is exposed that it lacks. Names and labels are kept.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from switchyard_contracts.events import EventKind, ManagerEvent
from switchyard_contracts.status import GpuStatus, ManagerStatus, Phase
from switchyard_manager.api.desk import Desk
from switchyard_manager.api.tally import Spread, Tally

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Facts:
    kind: type[CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily]
    help: str
    labels: tuple[str, ...] = ()


COUNTER, GAUGE, HISTOGRAM = CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
MODEL, GPU = ("model",), ("uuid",)

FAMILIES: dict[str, Facts] = {
    "switchyard_swaps_total": Facts(COUNTER, "Models that were moved out to make room for another."),
    "switchyard_loads_total": Facts(COUNTER, "Loads that ended with a ready model.", MODEL),
    "switchyard_wakes_total": Facts(COUNTER, "Wakes that ended with a ready model.", MODEL),
    "switchyard_sleeps_total": Facts(COUNTER, "Times a model was put to sleep.", MODEL),
    "switchyard_failures_total": Facts(COUNTER, "Failures of engines, by reason.", ("model", "reason")),
    "switchyard_refusals_total": Facts(COUNTER, "Waiting requests that were refused.", MODEL),
    "switchyard_phase_seconds_total": Facts(
        COUNTER, "Seconds that a model has been in a phase.", ("model", "phase")
    ),
    "switchyard_load_seconds": Facts(HISTOGRAM, "Seconds from the start of an engine to a ready model.", MODEL),
    "switchyard_wake_seconds": Facts(HISTOGRAM, "Seconds from the wake of an engine to a ready model.", MODEL),
    "switchyard_drain_seconds": Facts(HISTOGRAM, "Seconds until the last request of a leaving model.", MODEL),
    "switchyard_wait_seconds": Facts(
        HISTOGRAM, "Seconds from the first request that waits for a model until it is ready.", MODEL
    ),
    "switchyard_waiting": Facts(GAUGE, "Requests that wait for a model.", MODEL),
    "switchyard_in_flight": Facts(GAUGE, "Requests that run on a model.", MODEL),
    "switchyard_model_phase": Facts(GAUGE, "1 for the phase that a model is in, else 0.", ("model", "phase")),
    "switchyard_model_claimed_mib": Facts(GAUGE, "MiB claimed for a model on each of its GPUs.", MODEL),
    "switchyard_model_measured_mib": Facts(
        GAUGE, "MiB that a model held at most in this run, on the fullest of its GPUs.", MODEL
    ),
    "switchyard_gpu_total_mib": Facts(GAUGE, "Memory of a GPU, in MiB.", GPU),
    "switchyard_gpu_claimed_mib": Facts(GAUGE, "MiB of a GPU that are claimed for models.", GPU),
    "switchyard_gpu_used_mib": Facts(GAUGE, "MiB of a GPU that are measured in use, by whomever.", GPU),
    "switchyard_gpu_free_mib": Facts(GAUGE, "MiB of a GPU that are left for one more model.", GPU),
    "switchyard_gpu_temperature_celsius": Facts(GAUGE, "Temperature of a GPU.", GPU),
    "switchyard_gpu_power_watts": Facts(GAUGE, "Power that a GPU draws.", GPU),
    "switchyard_gpu_utilisation_percent": Facts(GAUGE, "How busy a GPU is.", GPU),
    "switchyard_ram_available_mib": Facts(GAUGE, "RAM of this machine that is available, in MiB."),
    "switchyard_ram_sleepers_mib": Facts(GAUGE, "RAM that sleeping models keep, in MiB."),
    "switchyard_proxies": Facts(GAUGE, "Proxies that are connected."),
    "switchyard_event_listeners": Facts(GAUGE, "Listeners of the event stream."),
    "switchyard_catalog_faults": Facts(GAUGE, "Faults for which models.json is refused as it is now."),
}
METRICS: dict[str, str] = {name: facts.help for name, facts in FAMILIES.items()}

GPU_NUMBERS: Mapping[str, Callable[[GpuStatus], float | None]] = {
    "switchyard_gpu_total_mib": lambda gpu: gpu.total_mib,
    "switchyard_gpu_claimed_mib": lambda gpu: gpu.claimed_mib,
    "switchyard_gpu_used_mib": lambda gpu: gpu.used_mib,
    "switchyard_gpu_free_mib": lambda gpu: gpu.free_mib,
    "switchyard_gpu_temperature_celsius": lambda gpu: gpu.temperature_c,
    "switchyard_gpu_power_watts": lambda gpu: gpu.power_w,
    "switchyard_gpu_utilisation_percent": lambda gpu: gpu.utilisation_pct,
}

Row = tuple[str, tuple[str, ...], float | Spread]  # a metric, its labels' values, its value


class Metrics(Collector):
    def __init__(self, desk: Desk, listeners: Callable[[], int]) -> None:
        self._desk = desk
        self._listeners = listeners
        chronicle = desk.world.chronicle
        self._tally = Tally(began=chronicle.at(desk.clock()))
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        chronicle.listen(self._hear)

    def text(self) -> bytes:
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        families = {name: facts.kind(name, facts.help, labels=facts.labels) for name, facts in FAMILIES.items()}
        for name, labels, value in self._rows():
            family = families[name]
            if isinstance(family, HISTOGRAM) and isinstance(value, Spread):
                family.add_metric(labels, value.buckets(), value.total_s)
            elif isinstance(family, COUNTER | GAUGE) and not isinstance(value, Spread):
                family.add_metric(labels, value)
        return iter(families.values())

    def _hear(self, event: ManagerEvent) -> None:
        # Called in the middle of a decision: whatever is wrong in here must not reach it.
        try:
            self._tally.hear(event, self._waited_s(event))
        except Exception:
            log.exception("cannot count %r", event)

    def _waited_s(self, event: ManagerEvent) -> float | None:
        life = self._desk.ground.lives.get(event.model or "")
        if event.kind is not EventKind.PHASE or life is None or not life.tickets:
            return None
        return life.waited_s(self._desk.clock())

    def _rows(self) -> Iterator[Row]:
        status = self._desk.status()
        yield from self._counted(status)
        yield from _models(status)
        yield from _machine(status)
        yield "switchyard_proxies", (), status.proxies
        yield "switchyard_event_listeners", (), self._listeners()

    def _counted(self, status: ManagerStatus) -> Iterator[Row]:
        tally = self._tally
        yield "switchyard_swaps_total", (), tally.swaps
        yield "switchyard_catalog_faults", (), tally.catalog_faults
        by_model: dict[str, Mapping[str, float | Spread]] = {
            "switchyard_loads_total": tally.loads,
            "switchyard_wakes_total": tally.wakes,
            "switchyard_sleeps_total": tally.sleeps,
            "switchyard_refusals_total": tally.refusals,
            "switchyard_load_seconds": tally.load_s,
            "switchyard_wake_seconds": tally.wake_s,
            "switchyard_drain_seconds": tally.drain_s,
            "switchyard_wait_seconds": tally.wait_s,
        }
        for name, values in by_model.items():
            yield from ((name, (model,), value) for model, value in values.items())
        for (model, reason), count in tally.failures.items():
            yield "switchyard_failures_total", (model, reason), count
        phases = {model.name: model.phase for model in status.models}
        now = self._desk.world.chronicle.at(self._desk.clock())
        for (model, phase), seconds in tally.phase_seconds(phases, now).items():
            yield "switchyard_phase_seconds_total", (model, phase), seconds


def _models(status: ManagerStatus) -> Iterator[Row]:
    for model in status.models:
        label = (model.name,)
        yield "switchyard_waiting", label, model.waiting
        yield "switchyard_in_flight", label, model.in_flight
        if model.claim_mib is not None:
            yield "switchyard_model_claimed_mib", label, model.claim_mib
        if model.measured_mib is not None:
            yield "switchyard_model_measured_mib", label, model.measured_mib
        for phase in Phase:
            yield "switchyard_model_phase", (model.name, str(phase)), float(phase is model.phase)


def _machine(status: ManagerStatus) -> Iterator[Row]:
    for gpu in status.gpus:
        for name, number in GPU_NUMBERS.items():
            if (value := number(gpu)) is not None:  # what cannot be measured is absent, not 0
                yield name, (gpu.uuid,), value
    if status.ram is not None:
        yield "switchyard_ram_available_mib", (), status.ram.available_mib
        yield "switchyard_ram_sleepers_mib", (), status.ram.sleepers_mib


def router(metrics: Metrics) -> APIRouter:
    routes = APIRouter(tags=["metrics"])

    @routes.get(
        "/metrics",
        summary="The manager in numbers, as Prometheus reads them",
        response_class=Response,
        responses={200: {"content": {"text/plain": {}}}},
    )
    async def text() -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)

    return routes
