"""The proxy in numbers, for Prometheus. Counted from batches of finished requests, off the hot path.

Nothing is exposed that is not in `FAMILIES`. Labels are bounded: a model that the catalog does not know is
`other`; so is a key beyond the first hundred, and a route without a row. With several workers each keeps its
numbers in files of one folder, and whichever is asked adds them up.
"""

import os
import shutil
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
    multiprocess,
    values,
)

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.accounting.account import Account
from switchyard_proxy.accounting.families import FAMILIES, RATES, SECONDS, Facts, Kind

OTHER = "other"
MOST_KEYS = 100
SHARED = "PROMETHEUS_MULTIPROC_DIR"  # read by prometheus_client
NAME = "switchyard_proxy_"
Gauges = Mapping[str, Callable[[], float]]  # by the name of a gauge without labels

# They would double what is exposed, and are not in the table.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Spread(Histogram):
    """A histogram that takes many observations at once."""

    def add(self, counts: Iterable[int], total: float) -> None:
        for bucket, count in zip(self._buckets, counts, strict=True):
            if count:
                bucket.inc(count)
        self._sum.inc(total)


def share_between_workers(folder: Path, *, first: bool) -> None:
    """Before any `Metrics` is made: first by the parent of all workers, to empty the folder; then by each."""
    if first:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700, parents=True)
    os.environ[SHARED] = str(folder)
    values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]  # chosen at import, else


def forget_worker(folder: Path, pid: int) -> None:
    """Of a worker that is gone: its gauges end, what it counted stays."""
    multiprocess.mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]


class Metrics:
    """`readings` belongs to the event loop's thread, for `gauges` look at what lives there; all else to any."""

    def __init__(
        self, models: Callable[[], Collection[str]], routes: Collection[str], gauges: Gauges, version: str
    ) -> None:
        self._models = models
        self._routes = frozenset(routes)
        self._gauges = gauges
        self._keys: set[str] = set()
        self._registry = CollectorRegistry()
        self._families = {name: _made(name, facts, self._registry) for name, facts in FAMILIES.items()}
        self._gauge("switchyard_proxy_build_info", version).set(1)

    def count(self, accounts: Iterable[Account]) -> None:
        known = frozenset(self._models())
        for (model, route, status, outcome, key), group in _grouped(accounts).items():
            of_model = model if model in known else OTHER
            of_route = route if route in self._routes else OTHER
            of_status = f"{status // 100}xx" if 100 <= status < 600 else "none"
            self._enter(group, of_model, self._key(key))
            self._add("requests_total", group.requests, of_model, of_route, of_status, outcome)
            self._add("key_requests_total", group.requests, self._key(key), outcome)
            self._add("received_bytes_total", group.bytes_in, of_route)
            self._add("sent_bytes_total", group.bytes_out, of_route)

    def dropped(self, count: int) -> None:
        self._counter("switchyard_proxy_dropped_accounts_total").inc(count)

    def readings(self) -> dict[str, float]:
        """The gauges as they stand now."""
        return {name: ask() for name, ask in self._gauges.items()}

    def sample(self, readings: Mapping[str, float], lag: Mapping[str, float]) -> None:
        """What was read last. `lag` by quantile."""
        for name, value in readings.items():
            self._gauge(name).set(value)
        for quantile, seconds in lag.items():
            self._gauge("switchyard_proxy_loop_lag_seconds", quantile).set(seconds)

    def text(self) -> bytes:
        """As Prometheus reads it; of all workers, where there are several."""
        folder = os.environ.get(SHARED)
        if folder is None:
            return generate_latest(self._registry)
        shared = CollectorRegistry()
        multiprocess.MultiProcessCollector(shared, folder)  # type: ignore[no-untyped-call]
        return generate_latest(shared)

    def _enter(self, group: "_Group", model: str, key: str) -> None:
        add = self._add
        add("heartbeats_total", group.beats, model)
        add("client_retries_total", group.client_retries, model)
        add("engine_retries_total", group.engine_retries, model)
        add("fallbacks_total", group.fallbacks, model)
        add("limit_refusals_total", group.limited, key)
        for kind, count in (("in", group.tokens_in), ("cached", group.cached), ("out", group.tokens_out)):
            add("tokens_total", count, model, kind)
            add("key_tokens_total", count, key, kind)
        for name, seen in group.seen.items():
            if not any(seen.counts):
                continue
            family = self._families[NAME + name].labels(model)
            assert isinstance(family, Spread)  # noqa: S101 -- of the table
            family.add(seen.counts, seen.total)

    def _add(self, name: str, amount: float, *labels: str) -> None:
        if amount:
            self._counter(NAME + name, *labels).inc(amount)

    def _key(self, name: str) -> str:
        if name in self._keys:
            return name
        if len(self._keys) >= MOST_KEYS:
            return OTHER
        self._keys.add(name)
        return name

    def _counter(self, name: str, *labels: str) -> Counter:
        family = self._families[name]
        child = family.labels(*labels) if labels else family
        assert isinstance(child, Counter)  # noqa: S101 -- of the table
        return child

    def _gauge(self, name: str, *labels: str) -> Gauge:
        family = self._families[name]
        child = family.labels(*labels) if labels else family
        assert isinstance(child, Gauge)  # noqa: S101 -- of the table
        return child


class _Seen:
    """Values, each in its bucket."""

    __slots__ = ("_buckets", "counts", "total")

    def __init__(self, buckets: tuple[float, ...]) -> None:
        self._buckets = buckets
        self.counts = [0] * (len(buckets) + 1)
        self.total = 0.0

    def add(self, value: float | None) -> None:
        if value is not None:
            self.counts[bisect_left(self._buckets, value)] += 1
            self.total += value


class _Group:
    """Requests of a batch whose labels are the same, so that each costs a few additions and no lock."""

    def __init__(self) -> None:
        self.requests = self.bytes_in = self.bytes_out = self.beats = 0
        self.client_retries = self.engine_retries = self.fallbacks = self.limited = 0
        self.tokens_in = self.tokens_out = self.cached = 0
        self._queue, self._load, self._first, self._total = (_Seen(SECONDS) for _ in range(4))
        self._rate = _Seen(RATES)
        self.seen = {
            "queue_seconds": self._queue,
            "load_wait_seconds": self._load,
            "first_byte_seconds": self._first,
            "duration_seconds": self._total,
            "output_tokens_per_second": self._rate,
        }

    def add(self, account: Account) -> None:
        self.requests += 1
        self.bytes_in += account.bytes_in
        self.bytes_out += account.bytes_out
        self.beats += account.beats
        self.client_retries += account.retries > 0
        self.engine_retries += account.retried
        self.fallbacks += account.fell_back
        self.limited += account.code == ErrorCode.RATE_LIMIT_EXCEEDED
        self._queue.add(account.queue_s)
        self._load.add(account.load_s)
        self._first.add(account.first_s)
        self._total.add(account.total_s)
        if account.usage is not None:
            self.tokens_in += account.usage.tokens_in
            self.tokens_out += account.usage.tokens_out
            self.cached += account.usage.cached or 0
            self._rate.add(account.tokens_per_second)


def _grouped(accounts: Iterable[Account]) -> "dict[tuple[str, str, int, str, str], _Group]":
    groups: dict[tuple[str, str, int, str, str], _Group] = {}
    for account in accounts:
        labels = (account.model, account.route, account.status, account.outcome, account.key)
        group = groups.get(labels)
        if group is None:
            group = groups[labels] = _Group()
        group.add(account)
    return groups


def _made(name: str, facts: Facts, registry: CollectorRegistry) -> Counter | Gauge | Spread:
    match facts.kind:
        case Kind.COUNTER:
            return Counter(name, facts.help, facts.labels, registry=registry)
        case Kind.GAUGE:
            mode = facts.workers
            return Gauge(name, facts.help, facts.labels, registry=registry, multiprocess_mode=mode)  # type: ignore[arg-type]
        case Kind.HISTOGRAM:
            return Spread(name, facts.help, facts.labels, registry=registry, buckets=facts.buckets)
