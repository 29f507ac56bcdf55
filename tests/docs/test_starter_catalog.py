"""The shipped models.json and its page say the same, and what is named for a card fits it."""

import math
import re
from dataclasses import replace

import pytest
from docs import generate

from switchyard_contracts.catalog import Engine, Model, ModelType, read_catalog
from switchyard_contracts.errors import Reason
from switchyard_contracts.status import Phase
from switchyard_manager.engines.estimate import ACTIVATION_SHARE, MIB, RUNTIME_MIB, WEIGHTS_FACTOR
from switchyard_manager.scheduler import Gpu, Machine, Refuse, Seen, Start, plan
from switchyard_manager.scheduler.seen import Files
from tests.image_server.test_memory_plan import QWEN_20B, QWEN_21, VL_4B, VL_8B, card, planned

CATALOG = read_catalog((generate.ROOT / "models.json").read_text("utf-8"))
PAGE = (generate.ROOT / "docs/starter-catalog.md").read_text("utf-8")
DEMOS = ("demo-chat", "demo-vision", "demo-image")
REAL = [model for model in CATALOG.models.values() if model.name not in DEMOS]
# As the smallest card of each size tells its memory.
CARDS_MIB = {12: 12_282, 16: 16_303, 24: 24_564, 32: 32_607}
PARTS = {
    "qwen3-vl-4b": VL_4B,
    "qwen3-vl-8b": VL_8B,
    "qwen-image-2.1-turbo": QWEN_21,
    "qwen-image-2.1": QWEN_21,
    "qwen-image-2512": QWEN_20B,
    "qwen-image-edit-2511": QWEN_20B,
}
RAM_GB = 64
GB = 10**9


def table(heading: str) -> dict[str, list[str]]:
    """The cells of each row of a section's table, by the model in the first of them."""
    part = re.split(rf"^## {heading}$", PAGE, flags=re.MULTILINE)[1].split("\n## ")[0]
    rows = re.findall(r"^\| `([^`]+)` \|(.*)\|$", part, re.MULTILINE)
    return {name: [cell.strip() for cell in cells.split("|")] for name, cells in rows}


THERE_IS = table("What there is")
TAKES = table("What they take")


def smallest_card(name: str) -> int:
    return int(THERE_IS[name][1].removesuffix(" GB"))


def number(cell: str) -> float:
    found = re.match(r"[\d.]+", cell)
    return float(found[0]) if found else 0.0


def asked_for(model: Model) -> dict[str, Seen]:
    needs = {} if model.vram_mib is None else {"GPU-0": model.vram_mib}
    return {model.name: Seen(Phase.STOPPED, asking=frozenset({"p"}), need_mib=needs, ever_started=True)}


def decided(model: Model, total_mib: int) -> object:
    """What the scheduler does with the first request for it on an idle card; a desktop is drawn on it."""
    machine = Machine((Gpu("GPU-0", total_mib, reserve_mib=512, used_mib=300, foreign_mib=300),))
    (action,) = plan({model.name: model}, asked_for(model), machine, CATALOG.settings)
    return action


def test_every_model_is_in_both_tables_and_no_table_names_another() -> None:
    names = [model.name for model in REAL]

    assert list(THERE_IS) == names
    assert list(TAKES) == names


@pytest.mark.parametrize("model", REAL, ids=lambda model: model.name)
def test_the_page_names_the_repository_that_is_fetched(model: Model) -> None:
    assert THERE_IS[model.name][0] == f"[{model.repo}](https://huggingface.co/{model.repo})"


@pytest.mark.parametrize("model", REAL, ids=lambda model: model.name)
def test_no_model_is_without_a_licence_and_its_description_tells_it(model: Model) -> None:
    licence = THERE_IS[model.name][2].removesuffix(" (the original's)")

    assert licence in {"Apache-2.0", "Qwen Research License"}
    assert licence in (model.description or "")


@pytest.mark.parametrize("model", REAL, ids=lambda model: model.name)
def test_a_description_is_one_sentence_that_tells_the_smallest_card(model: Model) -> None:
    said = model.description or ""

    assert re.fullmatch(r"[A-Z].*\.", said)
    assert ". " not in said.replace("Apache-2.0", "")
    assert f"from {smallest_card(model.name)} GB" in said


@pytest.mark.parametrize("model", REAL, ids=lambda model: model.name)
def test_memory_and_context_are_those_of_the_page_which_says_where_they_are_from(model: Model) -> None:
    _, _, context, vram, figures = TAKES[model.name]

    assert (int(context) if context else None) == model.context_length
    assert (int(vram) if vram.isdigit() else None) == model.vram_mib
    assert figures.startswith(("estimate [a]", "published: ", "computed [i]"))
    for mark in re.findall(r"\[\w\]", " ".join(TAKES[model.name])):
        assert f"**{mark}**" in PAGE


@pytest.mark.parametrize(
    "model",
    [model for model in REAL if TAKES[model.name][4].startswith("estimate")],
    ids=lambda model: model.name,
)
def test_an_estimate_is_what_its_formula_gives_rounded_up(model: Model) -> None:
    weights, cache, *_ = map(number, TAKES[model.name][:2])
    weights_mib, context = weights * GB / MIB, model.context_length or 0

    needed = (
        weights_mib * WEIGHTS_FACTOR + RUNTIME_MIB + weights_mib * ACTIVATION_SHARE + cache * context / 1024
    )

    assert model.vram_mib is not None
    assert needed <= model.vram_mib <= needed + 101


@pytest.mark.parametrize("model", REAL, ids=lambda model: model.name)
@pytest.mark.parametrize("card_gb", CARDS_MIB)
def test_a_model_starts_on_every_card_that_is_named_for_it_and_on_no_smaller(
    model: Model, card_gb: int
) -> None:
    action = decided(model, CARDS_MIB[card_gb])

    if card_gb >= smallest_card(model.name):
        assert isinstance(action, Start)
    elif model.vram_mib is not None:
        assert isinstance(action, Refuse)
        assert action.shortage.reason is Reason.INSUFFICIENT_VRAM


@pytest.mark.parametrize("name", PARTS)
def test_what_the_image_server_serves_fits_its_smallest_card_by_the_servers_own_plan(name: str) -> None:
    assert planned(PARTS[name], card(smallest_card(name), RAM_GB)).reason


def test_the_sizes_of_what_the_image_server_serves_are_those_that_it_plans_with() -> None:
    for name, parts in PARTS.items():
        said = number(TAKES[name][0]) * GB

        assert math.isclose(said, sum(part.bytes for part in parts), rel_tol=0.01), name
    assert {model.name for model in REAL if model.engine is Engine.IMAGE_SERVER} == set(PARTS)


def test_every_model_is_named_for_a_card_in_the_overview() -> None:
    overview = PAGE.split("## Which models for which card")[1].split("\n## ")[0]

    for model in REAL:
        row = next(row for row in overview.splitlines() if f"`{model.name}`" in row)
        assert row.startswith(f"| {smallest_card(model.name)} GB |"), model.name


def test_the_demos_come_first_and_nothing_is_loaded_before_somebody_asks() -> None:
    assert tuple(CATALOG.models)[:3] == DEMOS
    assert not any(model.preload or model.pinned for model in CATALOG.models.values())


@pytest.mark.parametrize("files", [Files.ABSENT, Files.HERE])
@pytest.mark.parametrize("model", REAL, ids=lambda model: model.name)
def test_without_a_gpu_a_real_model_is_refused_at_once_and_not_downloaded_first(
    model: Model, files: Files
) -> None:
    seen = {name: replace(view, files=files) for name, view in asked_for(model).items()}

    (action,) = plan({model.name: model}, seen, Machine(), CATALOG.settings)

    assert isinstance(action, Refuse)
    assert action.shortage.reason is Reason.NO_GPU


def test_there_is_something_for_each_purpose_on_the_smallest_card() -> None:
    small = [model for model in REAL if smallest_card(model.name) == 12]

    offered = {capability for model in small for capability in model.capabilities}
    assert {"chat", "completions", "vision", "images", "image_edits", "embeddings", "rerank"} <= offered
    assert {model.type for model in small} == set(ModelType)
