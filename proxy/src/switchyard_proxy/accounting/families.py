"""Every metric of the proxy: its name, what it is, and by what it is split. Values; nothing is counted here.

Names and labels are kept: dashboards rely on them.
"""

from dataclasses import dataclass
from enum import Enum

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
RATES = (1, 2, 5, 10, 20, 30, 50, 75, 100, 150, 200, 500, 1000)


class Kind(Enum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a metric is. `workers` says how the gauges of several workers become one."""

    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    workers: str = "livesum"
    buckets: tuple[float, ...] = SECONDS


COUNTER, GAUGE, HISTOGRAM = Kind
MODEL, KEY = ("model",), ("key",)

FAMILIES: dict[str, Facts] = {
    "switchyard_proxy_requests_total": Facts(
        COUNTER, "Requests that are over.", ("model", "route", "status", "outcome")
    ),
    "switchyard_proxy_key_requests_total": Facts(
        COUNTER, "The same, by the key that asked.", ("key", "outcome")
    ),
    "switchyard_proxy_tokens_total": Facts(
        COUNTER,
        "Tokens as engines counted them; `kind` is in, cached (a part of in), or out.",
        ("model", "kind"),
    ),
    "switchyard_proxy_key_tokens_total": Facts(COUNTER, "The same, by the key that asked.", ("key", "kind")),
    "switchyard_proxy_queue_seconds": Facts(
        HISTOGRAM, "Seconds that a request stood in its model's line.", MODEL
    ),
    "switchyard_proxy_load_wait_seconds": Facts(
        HISTOGRAM, "Seconds that a request waited for its model to be there, after the line.", MODEL
    ),
    "switchyard_proxy_first_byte_seconds": Facts(
        HISTOGRAM, "Seconds from a request to the first byte of its answer.", MODEL
    ),
    "switchyard_proxy_duration_seconds": Facts(HISTOGRAM, "Seconds from a request to its end.", MODEL),
    "switchyard_proxy_output_tokens_per_second": Facts(
        HISTOGRAM, "Tokens made per second of an engine's work on a request.", MODEL, buckets=RATES
    ),
    "switchyard_proxy_received_bytes_total": Facts(COUNTER, "Bytes of requests' bodies.", ("route",)),
    "switchyard_proxy_sent_bytes_total": Facts(COUNTER, "Bytes of replies' bodies.", ("route",)),
    "switchyard_proxy_heartbeats_total": Facts(COUNTER, "Signs of life that were sent in streams.", MODEL),
    "switchyard_proxy_client_retries_total": Facts(
        COUNTER, "Requests that their clients sent once more.", MODEL
    ),
    "switchyard_proxy_engine_retries_total": Facts(
        COUNTER, "Times an engine was asked once more, because the first was gone before it answered.", MODEL
    ),
    "switchyard_proxy_fallbacks_total": Facts(
        COUNTER, "Requests that this model answered in another's stead.", MODEL
    ),
    "switchyard_proxy_limit_refusals_total": Facts(
        COUNTER, "Requests that were refused because of their key's limits.", KEY
    ),
    "switchyard_proxy_dropped_accounts_total": Facts(
        COUNTER, "Accounts that were lost because they could not be written in time."
    ),
    "switchyard_proxy_in_flight": Facts(GAUGE, "Requests that are being answered."),
    "switchyard_proxy_waiting": Facts(GAUGE, "Requests that wait for their turn, or for their model."),
    "switchyard_proxy_client_connections": Facts(GAUGE, "Connections of clients that are open."),
    "switchyard_proxy_streams_running": Facts(
        GAUGE, "Resumable streams and background responses that are being made."
    ),
    "switchyard_proxy_grants": Facts(GAUGE, "Grants that are held."),
    "switchyard_proxy_manager_connected": Facts(
        GAUGE, "1 while the proxy, with all of its workers, is connected to its managers.", workers="livemin"
    ),
    "switchyard_proxy_loop_lag_seconds": Facts(
        GAUGE,
        "How late the event loop was in the last minute; `quantile` is 0.5, 0.99, or 1 for the worst.",
        ("quantile",),
        workers="livemax",
    ),
    "switchyard_proxy_build_info": Facts(
        GAUGE, "1, with the version that runs as its label.", ("version",), workers="livemax"
    ),
}
METRICS: dict[str, str] = {name: facts.help for name, facts in FAMILIES.items()}
