"""What Prometheus reads: every metric in the table and no other, and the numbers of what really happened."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from switchyard_contracts.events import EventKind
from switchyard_contracts.status import Phase
from switchyard_manager.api.metrics import FAMILIES, METRICS
from switchyard_manager.gpu import GpuReading, Reading
from tests.manager.api.conftest import House, Open
from tests.manager.runtimes.contract import Acts

CARD = GpuReading("GPU-0", "Card", 24_000, 500, temperature_c=61, power_w=250.5, utilisation_pct=80)
DARK = GpuReading("GPU-1", "Dark", 8_000, None)


async def scrape(house: House) -> dict[tuple[str, ...], float]:
    reply = await house.http.get("/metrics")
    assert reply.headers["content-type"].startswith("text/plain")
    families = text_string_to_metric_families(reply.text)
    return {
        (sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples
    }


async def test_every_metric_is_in_the_table_and_every_row_of_the_table_is_exposed(open_house: Open) -> None:
    house = await open_house({"m": {}}, reading=Reading((CARD,), ram_total_mib=1, ram_available_mib=1))
    await house.http.post("/api/models/m/load", params={"wait_s": 10})

    text = (await house.http.get("/metrics")).text

    told = {tuple(line.split(" ", 3)[2:]) for line in text.splitlines() if line.startswith("# HELP")}
    assert told == set(METRICS.items())
    samples = {line.split("{")[0].split(" ")[0] for line in text.splitlines() if not line.startswith("#")}
    named = {sample.removesuffix("_bucket").removesuffix("_count").removesuffix("_sum") for sample in samples}
    assert named <= set(METRICS)


def test_names_say_their_unit_and_counters_that_they_count() -> None:
    for name, facts in FAMILIES.items():
        assert name.startswith("switchyard_")
        assert facts.help.endswith(".")
        assert name.endswith("_total") is (facts.kind.__name__ == "CounterMetricFamily")


async def test_what_happened_is_counted(open_house: Open) -> None:
    house = await open_house({"m": {}, "bad": {}})
    house.runtime.acts["bad"] = Acts(exits=1)

    await house.http.post("/api/models/m/load", params={"wait_s": 10})
    await house.http.post("/api/models/bad/load", params={"wait_s": 10})

    seen = await scrape(house)
    assert seen["switchyard_loads_total", "m"] == 1
    assert seen["switchyard_load_seconds_count", "m"] == 1
    assert seen["switchyard_wait_seconds_count", "m"] == 1
    assert seen["switchyard_failures_total", "bad", "engine_exited"] == 1
    assert seen["switchyard_refusals_total", "bad"] == 1
    assert ("switchyard_loads_total", "bad") not in seen or not seen["switchyard_loads_total", "bad"]


async def test_a_model_is_in_one_phase(open_house: Open) -> None:
    house = await open_house({"m": {}})
    await house.http.post("/api/models/m/load", params={"wait_s": 10})

    seen = await scrape(house)

    assert {phase for phase in Phase if seen["switchyard_model_phase", "m", phase]} == {Phase.READY}
    assert seen["switchyard_phase_seconds_total", "m", "ready"] >= 0


async def test_the_machine_is_told_and_what_cannot_be_measured_is_absent(open_house: Open) -> None:
    reading = Reading((CARD, DARK), ram_total_mib=64_000, ram_available_mib=50_000)
    house = await open_house({"m": {"vram_mib": 4_000, "gpus": ["GPU-0"]}}, reading=reading)
    await house.http.post("/api/models/m/load", params={"wait_s": 10})

    seen = await scrape(house)

    assert seen["switchyard_gpu_total_mib", "GPU-0"] == 24_000
    assert seen["switchyard_gpu_claimed_mib", "GPU-0"] == 4_000
    assert seen["switchyard_model_claimed_mib", "m"] == 4_000
    assert seen["switchyard_gpu_power_watts", "GPU-0"] == 250.5
    assert ("switchyard_gpu_used_mib", "GPU-1") not in seen
    assert seen["switchyard_ram_available_mib",] == 50_000
    assert seen["switchyard_proxies",] == 1


async def test_a_name_with_odd_characters_is_one_label(open_house: Open) -> None:
    house = await open_house({"a/b:c@1": {}})

    assert (await scrape(house))["switchyard_waiting", "a/b:c@1"] == 0


async def test_two_managers_in_one_process_do_not_share_numbers(open_house: Open) -> None:
    house = await open_house({"m": {}})
    await house.http.post("/api/models/m/load", params={"wait_s": 10})
    other = await open_house({"m": {}})

    assert ("switchyard_loads_total", "m") not in await scrape(other)


async def test_a_fault_while_counting_never_reaches_who_tells(
    open_house: Open, caplog: pytest.LogCaptureFixture
) -> None:
    house = await open_house({"m": {}})

    house.world.chronicle.tell(EventKind.FAILURE, 0, "m", nonsense=True)

    assert "cannot count" in caplog.text
