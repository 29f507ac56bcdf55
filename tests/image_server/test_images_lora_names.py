"""Which LoRAs a request may ask for, and how they want to be sampled."""

import math
from pathlib import Path

import pytest

from switchyard_image_server.errors import InvalidValue, Unsupported
from switchyard_image_server.images.lora_names import (
    AskedLora,
    LoraShelf,
    LoraUse,
    Recipe,
    recipe_for,
    recipe_of,
    settle_loras,
)
from switchyard_image_server.settings import NamedLora

INK = NamedLora("ink", "someone/ink-lora", 0.8)
FAST = NamedLora("fast", "lightx2v/Qwen-Image-Lightning/Qwen-Image-Lightning-4steps-V2.0.safetensors")
SHELF = LoraShelf((INK, FAST))


def one(asked: AskedLora, shelf: LoraShelf = SHELF) -> LoraUse:
    (use,) = settle_loras([asked], shelf)
    return use


def test_a_name_means_the_catalogs_lora_at_its_scale() -> None:
    assert one(AskedLora("ink")) == LoraUse("ink", INK.source, 0.8)


def test_the_requests_scale_goes_before_the_catalogs() -> None:
    assert one(AskedLora("ink", scale=0.0)).scale == 0.0


def test_the_catalogs_source_means_the_same_as_its_name() -> None:
    assert one(AskedLora(path=INK.source)) == one(AskedLora("ink"))
    assert one(AskedLora("any name", INK.source)) == one(AskedLora("ink"))


@pytest.mark.parametrize(
    "asked",
    [
        AskedLora("oil"),
        AskedLora(path="/etc/passwd"),
        AskedLora(path="someone/other-lora"),
        AskedLora("ink", "/home/mine.safetensors"),
    ],
)
def test_nothing_but_the_catalog_is_worn_unless_a_folder_is_opened(asked: AskedLora) -> None:
    with pytest.raises(InvalidValue, match="this server has ink, fast") as refused:
        one(asked)

    assert refused.value.param == "lora"


@pytest.fixture
def opened(tmp_path: Path) -> LoraShelf:
    root = tmp_path / "loras"
    (root / "styles").mkdir(parents=True)
    (root / "styles" / "oil.safetensors").write_bytes(b"")
    (root / "styles" / "oil.bin").write_bytes(b"")
    (tmp_path / "secret.safetensors").write_bytes(b"")
    (root / "way-out.safetensors").symlink_to(tmp_path / "secret.safetensors")
    return LoraShelf((INK,), root)


def test_a_file_below_the_opened_folder_may_be_named(opened: LoraShelf) -> None:
    assert opened.root is not None
    file = str((opened.root / "styles" / "oil.safetensors").resolve())

    assert one(AskedLora(path="styles/oil.safetensors"), opened) == LoraUse(file, file)
    assert one(AskedLora(path=file, scale=0.5), opened) == LoraUse(file, file, 0.5)
    assert one(AskedLora("oil", "styles/oil.safetensors"), opened).source == file


@pytest.mark.parametrize(
    "path",
    [
        "../secret.safetensors",
        "styles/../../secret.safetensors",
        "way-out.safetensors",
        "styles",
        "none.safetensors",
        "/etc/passwd",
        "x" * 5000,
        "\x00",
    ],
)
def test_no_path_leads_out_of_it(opened: LoraShelf, path: str) -> None:
    with pytest.raises(InvalidValue, match="cannot find the LoRA") as refused:
        one(AskedLora(path=path), opened)

    assert len(refused.value.message) < 500


def test_what_unpickles_is_never_opened(opened: LoraShelf) -> None:
    with pytest.raises(Unsupported, match="safetensors"):
        one(AskedLora(path="styles/oil.bin"), opened)


@pytest.mark.parametrize("scale", [math.nan, math.inf, 10.1, -11.0])
def test_a_scale_out_of_reason_is_refused(scale: float) -> None:
    with pytest.raises(InvalidValue, match="between -10 and 10"):
        one(AskedLora("ink", scale=scale))


def test_one_without_a_name_is_refused() -> None:
    with pytest.raises(InvalidValue, match="without a name"):
        one(AskedLora(scale=1.0))


def test_the_same_one_twice_is_refused() -> None:
    with pytest.raises(InvalidValue, match="'ink' twice"):
        settle_loras([AskedLora("ink"), AskedLora(path=INK.source, scale=0.1)], SHELF)


def test_too_many_at_once_are_refused() -> None:
    with pytest.raises(InvalidValue, match="8 at the most"):
        settle_loras([AskedLora(str(i)) for i in range(9)], SHELF)


def test_the_order_of_the_request_is_kept() -> None:
    asked = [AskedLora("fast"), AskedLora("ink")]

    assert [use.name for use in settle_loras(asked, SHELF)] == ["fast", "ink"]


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("Qwen-Image-Lightning-4steps-V2.0-bf16.safetensors", 4),
        ("Qwen-Image-Lightning-8steps-V1.1.safetensors", 8),
        ("Qwen-Image-Edit-2511-Lightning-4steps-V1.0-fp32.safetensors", 4),
        ("Qwen-Image-2512-Lightning-8steps.safetensors", 8),
        ("someone/lightning 4-step edit", 4),
        ("lightning", 8),
    ],
)
def test_lightning_brings_its_steps_its_guidance_and_its_schedule(name: str, steps: int) -> None:
    shift = math.log(3)

    assert recipe_for(name) == Recipe(
        steps, 1.0, None, {"base_shift": shift, "max_shift": shift, "shift_terminal": None}
    )


def test_lightning_of_the_second_generation_brings_its_sigmas() -> None:
    recipe = recipe_for("lightx2v/Qwen-Image-2.1-Lightning/model.safetensors")

    assert recipe == Recipe(4, 1.0, (1.0, 0.75, 0.5, 0.25), {"shift_terminal": None})


def test_2_1_in_a_version_of_the_lora_is_not_the_second_generation() -> None:
    recipe = recipe_for("Qwen-Image-Lightning-4steps-V2.1.safetensors")

    assert recipe is not None
    assert recipe.sigmas is None


@pytest.mark.parametrize("name", ["ink", "turbo-4steps", "someone/4steps"])
def test_any_other_lora_brings_nothing(name: str) -> None:
    assert recipe_for(name) is None


def test_a_renamed_lightning_is_known_by_what_its_file_says() -> None:
    shelf = LoraShelf((INK,), titles={"ink": "Qwen-Image-Lightning-8steps"})

    recipe = one(AskedLora("ink"), shelf).recipe

    assert recipe is not None
    assert recipe.steps == 8


def test_the_recipe_is_that_of_whoever_has_one() -> None:
    uses = settle_loras([AskedLora("ink"), AskedLora("fast")], SHELF)

    assert recipe_of(uses) == uses[1].recipe
    assert recipe_of(uses[:1]) is None


def test_one_that_is_scaled_to_nothing_brings_no_recipe() -> None:
    assert recipe_of(settle_loras([AskedLora("fast", scale=0)], SHELF)) is None


def test_two_recipes_at_once_are_refused() -> None:
    shelf = LoraShelf((FAST, NamedLora("faster", "lightning-8steps")))

    with pytest.raises(InvalidValue, match="'fast' and 'faster' together"):
        settle_loras([AskedLora("fast"), AskedLora("faster")], shelf)


def test_two_names_of_one_file_cannot_be_worn_together() -> None:
    shelf = LoraShelf((INK, NamedLora("pen", INK.source)))

    with pytest.raises(InvalidValue, match=r"one LoRA by two names \('ink', 'pen'\)") as refused:
        settle_loras([AskedLora("ink"), AskedLora("pen")], shelf)

    assert refused.value.param == "lora"
