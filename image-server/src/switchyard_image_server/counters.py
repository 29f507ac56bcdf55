"""What is counted for `/metrics`, and for a manager that wants to see the engine get on with its work.

The worker tells all but the HTTP requests; nothing is counted in two places. May be told from any thread. It
asks nothing back: what is only true now (phase, queue, memory) is looked up when somebody reads.
"""

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from switchyard_image_server.chat import events as chat
from switchyard_image_server.engine import Engine
from switchyard_image_server.errors import Cancelled, OutOfMemory, Refused
from switchyard_image_server.images import events as images
from switchyard_image_server.memory.report import MemoryReport
from switchyard_image_server.standing import Standing, model_of, word_of
from switchyard_image_server.worker import Settled

PREFIX = "switchyard_image_server"
SECONDS = (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900)


class Counters:
    """`work` grows with whatever the engine does for any request: each event, each computed step, each end."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._http = self._counter("http_requests", "Requests that were answered", "method", "route", "status")
        self._work = self._counter("work", "Grows while the engine gets on with its requests")
        self._settled = self._counter("requests", "Work that was done or given up, by how it ended", "outcome")
        self._waited = self._histogram("queue_seconds", "How long work waited before it began")
        self._ran = self._histogram("run_seconds", "How long work was under way, by how it ended", "outcome")
        self._steps = self._counter("denoising_steps", "Denoising steps of pictures")
        self._pictures = self._counter("pictures", "Pictures drawn")
        self._tokens = self._counter("tokens", "Tokens read (in) and written (out)", "direction")
        self._retries = self._counter("memory_retries", "Requests that were served with less memory than usual")
        ProcessCollector(registry=self.registry, namespace=PREFIX)

    def _counter(self, name: str, help_: str, *labels: str) -> Counter:
        return Counter(f"{PREFIX}_{name}", help_, labels, registry=self.registry)

    def _histogram(self, name: str, help_: str, *labels: str) -> Histogram:
        return Histogram(f"{PREFIX}_{name}", help_, labels, registry=self.registry, buckets=SECONDS)

    def answered(self, method: str, route: str, status: int) -> None:
        self._http.labels(method, route, status).inc()

    def sent(self, event: object) -> None:
        self._work.inc()
        match event:
            case images.Step():
                self._steps.inc()
            case images.Drawn():
                self._pictures.inc()
            case images.Finished():
                self._tokens.labels("in").inc(event.text_tokens + event.image_tokens)
                self._tokens.labels("out").inc(event.picture_tokens)
                self._retries.inc(event.note is not None)
            case chat.Finished():
                self._tokens.labels("in").inc(event.prompt_tokens)
                self._tokens.labels("out").inc(event.completion_tokens)
                self._retries.inc(event.note is not None)
            case _:  # pieces, previews and how a load goes: work, and no more to count
                pass

    def computed(self, steps: int) -> None:
        self._work.inc(steps)

    def settled(self, outcome: Settled) -> None:
        self._work.inc()
        if outcome.alone:
            return
        how = _how(outcome.error)
        self._settled.labels(how).inc()
        self._waited.observe(outcome.waited_s)
        if outcome.ran_s is not None:
            self._ran.labels(how).observe(outcome.ran_s)

    def text(self) -> bytes:
        """In Prometheus' format. Reads files of the system: not on the event loop."""
        return generate_latest(self.registry)


def _how(error: BaseException | None) -> str:
    match error:
        case None:
            return "served"
        case Cancelled():
            return "cancelled"
        case OutOfMemory():
            return "out_of_memory"
        case Refused():
            return "refused"
        case _:
            return "failed"


class EngineNow(Collector):
    """What is true of the engine at this moment."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def describe(self) -> list[GaugeMetricFamily]:
        return []  # nothing is asked of the engine before somebody reads

    def collect(self) -> Iterator[GaugeMetricFamily]:
        worker, now = self._engine.worker, word_of(self._engine).standing
        yield _gauge("waiting", "Requests that wait", worker.waiting)
        yield _gauge("active", "Requests that are under way", worker.active)
        yield _gauge("usual_seconds", "How long a request has taken lately", worker.usual_s)
        yield _labelled("status", "1 for what /health says", "status", {one: one is now for one in Standing})
        model = model_of(self._engine)
        if model is None:
            return
        memory = model.memory
        yield _labelled("memory_bytes", "Of the device, and of the copy for sleeping", "of", _sizes(memory))
        if memory.turned is not None:
            last: dict[str, float | None] = {memory.turned.towards: memory.turned.seconds}
            yield _labelled(
                "sleep_seconds", "How long it took last to fall asleep, or to wake", "towards", last
            )


def _sizes(memory: MemoryReport) -> dict[str, int | None]:
    return {
        "device_total": memory.device_total,
        "device_free": memory.device_free,
        "expected_peak": memory.expected_peak,
        "measured_peak": memory.measured_peak,
        "host_copy": memory.parked_bytes,
    }


def _gauge(name: str, help_: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{PREFIX}_{name}", help_, value)


def _labelled(name: str, help_: str, label: str, values: Mapping[str, float | None]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"{PREFIX}_{name}", help_, labels=[label])
    for key, value in values.items():
        if value is not None:
            family.add_metric([key], value)
    return family
