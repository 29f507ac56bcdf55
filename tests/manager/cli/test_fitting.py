"""What the doctor says of models that this machine can never run."""

import json
from typing import Any

from switchyard_contracts.catalog import Catalog, read_catalog
from switchyard_manager.cli.findings import Level
from switchyard_manager.cli.fitting import of_fit
from switchyard_manager.gpu import GpuReading, Reading

UUID = "GPU-11111111-2222-3333-4444-555555555555"
CARD = Reading((GpuReading(UUID, "RTX 4060 Ti", 16_380, 0),))


def catalog(gpus: list[dict[str, Any]] | None = None, **models: dict[str, Any]) -> Catalog:
    entries = {name: {"type": "text", "repo": "a/b"} | said for name, said in models.items()}
    return read_catalog(json.dumps({"models": entries, "gpus": gpus or []}))


def test_where_everything_fits_it_says_so() -> None:
    found = of_fit(catalog(cpu={"gpus": 0}, small={"vram_mib": 15_868}, unknown={}), CARD)

    assert (found.level, found.what) == (Level.OK, "models: none wants more than is here")


def test_a_model_that_leaves_no_room_for_the_reserve_wants_a_bigger_card() -> None:
    found = of_fit(catalog(small={"vram_mib": 15_868}, large={"vram_mib": 15_869}), CARD)

    assert found.level is Level.WARN
    assert found.what == "models: 1 of 2 want a bigger card than is here (15868 MiB at most): large"


def test_without_a_gpu_only_those_that_insist_on_one_are_named() -> None:
    found = of_fit(catalog(any={}, cpu={"gpus": 0}, one={"gpus": 1}, two={"gpus": 2}), Reading())

    assert found.what == "models: 2 of 4 want GPUs that this machine lacks (it has none): one, two"
    assert "switchyard remove" in found.remedy


def test_both_are_told_and_long_lists_are_cut() -> None:
    large = {f"m{number}": {"vram_mib": 20_000} for number in range(7)}

    found = of_fit(catalog(pair={"gpus": 2}, **large), CARD)

    assert found.what == (
        "models: 1 of 8 want GPUs that this machine lacks (it has 1): pair; "
        "7 of 8 want a bigger card than is here (15868 MiB at most): m0, m1, m2, m3, m4 and 2 more"
    )


def test_what_the_catalog_says_of_a_card_goes_before_its_driver() -> None:
    found = of_fit(
        catalog(gpus=[{"uuid": UUID, "vram_mib": 24_000, "reserve_mib": 0}], m={"vram_mib": 24_000}), CARD
    )

    assert found.level is Level.OK
