"""Every metric is in the table, every row of the table is exposed, and no client can make up a label."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from switchyard_proxy.accounting.account import Outcome, Usage
from switchyard_proxy.accounting.families import FAMILIES, METRICS, Kind
from switchyard_proxy.accounting.metrics import MOST_KEYS, Metrics
from tests.proxy.accounting.samples import account

CHAT = "/v1/chat/completions"
GAUGES = {
    name: (lambda value=float(at): value)
    for at, (name, facts) in enumerate(FAMILIES.items())
    if facts.kind is Kind.GAUGE and not facts.labels
}


def metrics() -> Metrics:
    return Metrics(lambda: ["qwen3", "b"], [CHAT], GAUGES, "1.2")


def samples(text: bytes) -> Mapping[tuple[str, ...], float]:
    families = text_string_to_metric_families(text.decode())
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def named(text: bytes) -> set[str]:
    lines = [line for line in text.decode().splitlines() if not line.startswith("#")]
    names = {re.split(r"[{ ]", line)[0] for line in lines}
    return {re.sub(r"_(bucket|count|sum)$", "", name) for name in names}


def test_every_metric_is_in_the_table_and_every_row_is_exposed() -> None:
    counted = metrics()
    counted.count([account(retries=1, retried=True, fell_back=True, beats=2, code="rate_limit_exceeded")])
    counted.sample(counted.readings(), {"0.5": 0.1})
    counted.dropped(1)

    assert named(counted.text()) == set(METRICS)


def test_names_say_their_unit_and_counters_that_they_count() -> None:
    for name, facts in FAMILIES.items():
        assert name.startswith("switchyard_proxy_")
        assert facts.help.endswith(".")
        assert name.endswith("_total") is (facts.kind is Kind.COUNTER)


def test_what_happened_is_counted() -> None:
    counted = metrics()

    counted.count([account(usage=Usage(7, 40, 3), beats=4), account(usage=Usage(1, 0)), account(usage=None)])
    counted.count([account(outcome=Outcome.FAILED, status=503, bytes_in=1, bytes_out=2, retries=2, model="b")])

    seen = samples(counted.text())
    assert seen["switchyard_proxy_requests_total", "qwen3", "ok", CHAT, "2xx"] == 3
    assert seen["switchyard_proxy_requests_total", "b", "failed", CHAT, "5xx"] == 1
    assert seen["switchyard_proxy_key_requests_total", "anyone", "ok"] == 3
    assert seen["switchyard_proxy_tokens_total", "in", "qwen3"] == 8
    assert seen["switchyard_proxy_tokens_total", "cached", "qwen3"] == 3
    assert seen["switchyard_proxy_key_tokens_total", "anyone", "out"] == 40 + 40
    assert seen["switchyard_proxy_received_bytes_total", CHAT] == 301
    assert seen["switchyard_proxy_sent_bytes_total", CHAT] == 6_002
    assert seen["switchyard_proxy_heartbeats_total", "qwen3"] == 4
    assert seen["switchyard_proxy_client_retries_total", "b"] == 1


def test_spans_fall_into_their_buckets() -> None:
    counted = metrics()

    counted.count(
        [account(began=0.0, queued=span, leased=None, first=None, ended=None) for span in (0.5, 0.51, 1e9)]
    )

    name = "switchyard_proxy_queue_seconds"
    seen = samples(counted.text())
    assert seen[f"{name}_bucket", "0.25", "qwen3"] == 0
    assert seen[f"{name}_bucket", "0.5", "qwen3"] == 1
    assert seen[f"{name}_bucket", "1.0", "qwen3"] == 2
    assert seen[f"{name}_bucket", "600.0", "qwen3"] == 2
    assert seen[f"{name}_bucket", "+Inf", "qwen3"] == 3
    assert seen[f"{name}_count", "qwen3"] == 3
    assert seen[f"{name}_sum", "qwen3"] == pytest.approx(1e9 + 1.01)
    assert ("switchyard_proxy_duration_seconds_count", "qwen3") not in seen


def test_tokens_per_second_have_buckets_of_their_own() -> None:
    counted = metrics()

    counted.count([account(began=50.0, queued=50.5, leased=52.5, ended=56.5, usage=Usage(7, 40))])

    assert samples(counted.text())["switchyard_proxy_output_tokens_per_second_bucket", "10.0", "qwen3"] == 1
    assert samples(counted.text())["switchyard_proxy_output_tokens_per_second_bucket", "5.0", "qwen3"] == 0


def test_no_client_can_make_up_a_label() -> None:
    counted = metrics()

    counted.count([account(model=f"m{at}", route=f"/r{at}", status=at) for at in range(600)])

    (models, routes, statuses) = (set(), set(), set())
    for name, *labels in samples(counted.text()):
        if name == "switchyard_proxy_requests_total":
            models.add(labels[0])
            routes.add(labels[2])
            statuses.add(labels[3])
    assert models == {"other"}
    assert routes == {"other"}
    assert statuses == {"none", "1xx", "2xx", "3xx", "4xx", "5xx"}


def test_keys_beyond_the_first_hundred_are_others() -> None:
    counted = metrics()

    counted.count([account(key=f"k{at}") for at in range(MOST_KEYS + 5)])
    counted.count([account(key="k3")])

    seen = samples(counted.text())
    assert seen["switchyard_proxy_key_requests_total", "other", "ok"] == 5
    assert seen["switchyard_proxy_key_requests_total", "k3", "ok"] == 2


def test_a_label_cannot_break_out_of_its_line() -> None:
    counted = metrics()

    counted.count([account(key='a"} 5\nforged 1\n\\')])

    assert named(counted.text()) <= set(METRICS)


def test_gauges_say_what_they_are_given() -> None:
    counted = metrics()

    counted.sample(counted.readings(), {"0.5": 0.25})

    seen = samples(counted.text())
    assert {name: ask() for name, ask in GAUGES.items()} == {name: seen[(name,)] for name in GAUGES}
    assert seen["switchyard_proxy_loop_lag_seconds", "0.5"] == 0.25
    assert seen["switchyard_proxy_build_info", "1.2"] == 1


WORKER = """
import json, sys
from pathlib import Path
from switchyard_proxy.accounting.metrics import Metrics, share_between_workers
from tests.proxy.accounting.samples import account
share_between_workers(Path(sys.argv[1]), first=False)
number = int(sys.argv[2])
gauges = {
    "switchyard_proxy_in_flight": lambda: float(number),
    "switchyard_proxy_manager_connected": lambda: float(number > 1),
}
metrics = Metrics(lambda: ["qwen3"], ["/v1/chat/completions"], gauges, "1")
metrics.count([account() for _ in range(number)])
metrics.sample(metrics.readings(), {"1": number / 10})
print(json.dumps(metrics.text().decode()), flush=True)
sys.stdin.readline()
print(json.dumps(metrics.text().decode()), flush=True)
"""
PARENT = """
import sys
from pathlib import Path
from switchyard_proxy.accounting.metrics import forget_worker, share_between_workers
folder = Path(sys.argv[1])
if len(sys.argv) == 2:
    share_between_workers(folder, first=True)
else:
    forget_worker(folder, int(sys.argv[2]))
"""


def test_one_scrape_shows_all_workers(tmp_path: Path) -> None:
    folder = tmp_path / "metrics"
    folder.mkdir()
    (folder / "counter_1.db").write_bytes(b"of a former run")
    subprocess.run([sys.executable, "-c", PARENT, str(folder)], check=True)
    one = subprocess.run(
        [sys.executable, "-c", WORKER, str(folder), "1"], check=True, input="\n", capture_output=True, text=True
    )
    assert json.loads(one.stdout.splitlines()[0]).count("} 1.0") > 0
    with subprocess.Popen(
        [sys.executable, "-c", WORKER, str(folder), "2"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as two:
        assert two.stdout is not None
        together = samples(json.loads(two.stdout.readline()).encode())
        pids = {file.stem.rsplit("_", 1)[1] for file in folder.glob("gauge_livesum_*.db")} - {str(two.pid)}
        (first,) = pids
        subprocess.run([sys.executable, "-c", PARENT, str(folder), first], check=True)
        alone, _ = two.communicate("\n", timeout=30)
    after = samples(json.loads(alone).encode())

    assert together["switchyard_proxy_requests_total", "qwen3", "ok", CHAT, "2xx"] == 3
    assert together["switchyard_proxy_duration_seconds_count", "qwen3"] == 3
    assert together["switchyard_proxy_in_flight",] == 3
    assert together["switchyard_proxy_manager_connected",] == 0
    assert together["switchyard_proxy_loop_lag_seconds", "1"] == 0.2
    assert together["switchyard_proxy_build_info", "1"] == 1
    assert after["switchyard_proxy_requests_total", "qwen3", "ok", CHAT, "2xx"] == 3
    assert after["switchyard_proxy_in_flight",] == 2
    assert after["switchyard_proxy_manager_connected",] == 1
