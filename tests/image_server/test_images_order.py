"""What will be drawn: the request, the pictures that came along, and what the pipeline was made for."""

import io
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from switchyard_image_server.errors import InvalidValue, MissingParameter, Refused, Unsupported
from switchyard_image_server.images.classes import KNOWN, PipelineFacts, Seen, facts_of
from switchyard_image_server.images.lora_names import LIGHTNING_SHIFT, LoraShelf
from switchyard_image_server.images.order import NOTHING, Given, Order, settle_order
from switchyard_image_server.images.request import ImageRequest
from switchyard_image_server.images.sizes import Size
from switchyard_image_server.images.ways import LAYERED, OVER, SECOND_GENERATION, WITHIN, WORDS
from switchyard_image_server.media.pictures import Picture, open_picture
from switchyard_image_server.settings import ModelSettings, NamedLora

QWEN = KNOWN["QwenImagePipeline"]
QWEN_21 = KNOWN["QwenImage21Pipeline"]
EDIT = KNOWN["QwenImageEditPipeline"]
EDIT_PLUS = KNOWN["QwenImageEditPlusPipeline"]
LAYERS = KNOWN["QwenImageLayeredPipeline"]
TURBO = facts_of(Seen("QwenImage21Pipeline", sample_sigmas=8), None, ModelSettings("m"))


def picture(size: tuple[int, int] = (64, 64), param: str = "image", orientation: int = 1) -> Picture:
    content = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", size).save(content, "JPEG", exif=exif)
    return open_picture(content.getvalue(), param)


def order(facts: PipelineFacts = QWEN, given: Given = NOTHING, **said: Any) -> Order:
    request = ImageRequest.model_validate({"prompt": "a cat", **said})
    return settle_order(request, given, facts, lambda: 99)


def over(*sizes: tuple[int, int], mask: tuple[int, int] | None = None) -> Given:
    return Given(
        tuple(picture(size, f"images[{place}]") for place, size in enumerate(sizes)),
        None if mask is None else picture(mask, "mask"),
    )


def test_fills_up_from_what_the_pipeline_was_made_for() -> None:
    assert order() == Order("a cat", " ", Size(1328, 1328), 50, 4.0, (99,))
    assert order(QWEN_21) == Order(
        *("a cat", None, Size(1024, 1024), 40, 1.0, (99,)), way=SECOND_GENERATION, resolution=1024
    )


def test_each_picture_has_the_next_seed() -> None:
    assert order(n=3, seed=7).seeds == (7, 8, 9)
    assert order(n=2, seed=2**63 - 1).seeds == (2**63 - 1, 0)


def test_takes_the_seeds_that_it_is_given() -> None:
    assert order(n=3, seed=[7, 1, 7]).seeds == (7, 1, 7)


@pytest.mark.parametrize(
    ("said", "steps", "guidance"),
    [
        ({"steps": 8}, 8, 4.0),
        ({"num_inference_steps": 9, "steps": 8}, 9, 4.0),
        ({"guidance_scale": 3}, 50, 3.0),
        ({"true_cfg_scale": 2, "guidance_scale": 3}, 50, 2.0),
    ],
)
def test_takes_either_name_of_a_setting(said: dict[str, Any], steps: int, guidance: float) -> None:
    settled = order(**said)

    assert (settled.steps, settled.guidance) == (steps, guidance)


@pytest.mark.parametrize(
    ("facts", "asked", "drawn"),
    [
        (QWEN, "100x70", "96x64"),
        (QWEN_21, "100x70", "96x64"),
        (QWEN_21, "1000x1000", "992x992"),
        (QWEN, "64x64", "64x64"),
    ],
)
def test_rounds_a_size_down_to_what_the_pipeline_can_draw(facts: PipelineFacts, asked: str, drawn: str) -> None:
    assert str(order(facts, size=asked).size) == drawn


def test_without_guidance_there_is_no_negative_prompt() -> None:
    assert order(true_cfg_scale=1).negative is None
    assert order(true_cfg_scale=1, negative_prompt="").negative is None
    assert order(negative_prompt="blurry").negative == "blurry"
    with pytest.raises(Unsupported, match="set true_cfg_scale above 1"):
        order(true_cfg_scale=1, negative_prompt="blurry")


def test_a_model_with_its_own_schedule_takes_no_other_number_of_steps() -> None:
    assert order(TURBO).steps == 8
    assert order(TURBO, steps=8).steps == 8
    assert order(TURBO, quality="low").steps == 8
    with pytest.raises(Unsupported, match="cannot draw in 20 steps: this model has a schedule of 8"):
        order(TURBO, steps=20)


def test_a_model_with_its_own_schedule_takes_another_schedule() -> None:
    settled = order(TURBO, sigmas=[1.0, 0.5, 0.2])

    assert (settled.steps, settled.sigmas) == (3, (1.0, 0.5, 0.2))


@pytest.mark.parametrize(
    ("quality", "steps"),
    [("auto", 50), ("medium", 50), ("standard", 50), ("low", 25), ("high", 75), ("hd", 75), ("max", 100)],
)
def test_quality_is_a_number_of_steps(quality: str, steps: int) -> None:
    assert order(quality=quality).steps == steps
    assert order(quality=quality, steps=7).steps == 7


def test_quality_leaves_as_many_steps_as_the_scheduler_needs() -> None:
    assert order(replace(QWEN, steps=2), quality="low").steps == 2
    assert order(replace(QWEN, steps=190), quality="max").steps == 200


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"sigmas": [1.0]}, "with 1 sigma: this model needs 2"),
        ({"sigmas": [1.0, 0.5, 0.5]}, "each must be below the one before"),
        ({"sigmas": [0.5, 1.0]}, "each must be below the one before"),
        ({"sigmas": [1.0, 0.5], "steps": 3}, "2 sigmas in 3 steps"),
    ],
)
def test_refuses_sigmas_that_would_draw_nothing(said: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidValue, match=why) as refused:
        order(**said)

    assert refused.value.param == "sigmas"


@pytest.mark.parametrize(
    ("said", "facts", "param"),
    [
        ({"background": "transparent"}, QWEN, "background"),
        ({"strength": 0.5}, QWEN, "strength"),
        ({"layers": 3}, QWEN, "layers"),
        ({"resolution": 640}, QWEN, "resolution"),
        ({"control_scale": 0.5}, QWEN, "control_scale"),
        ({"controlnet_conditioning_scale": 0.5}, QWEN, "controlnet_conditioning_scale"),
        ({"sigmas": [1.0, 0.5]}, replace(QWEN, ways=(replace(WORDS, sigmas=False),)), "sigmas"),
        ({"negative_prompt": "x"}, replace(QWEN, ways=(replace(WORDS, negative=False),)), "negative_prompt"),
        ({"lora": "night"}, QWEN, "lora"),
    ],
)
def test_refuses_what_it_cannot_honour(said: dict[str, Any], facts: PipelineFacts, param: str) -> None:
    with pytest.raises(Refused, match="cannot") as refused:
        order(facts, **said)

    assert refused.value.param == param


def test_draws_on_a_transparent_background_where_the_model_can() -> None:
    assert order(QWEN_21, background="transparent").prompt == "a cat"


def test_one_model_draws_from_words_over_a_picture_and_within_a_mask() -> None:
    ways = [order(given=given).way for given in (over(), over((64, 64)), over((64, 64), mask=(64, 64)))]

    assert ways == [WORDS, OVER, WITHIN]


def test_changes_a_picture_as_much_as_it_is_told() -> None:
    assert order(given=over((64, 64))).strength == 0.6
    assert order(given=over((64, 64)), strength=0.3).strength == 0.3
    assert order(given=over((64, 64), mask=(64, 64))).strength == 0.85
    assert order().strength is None


@pytest.mark.parametrize(("least_one", "strength"), [(True, 0.0), (True, 5e-324), (False, 0.1)])
def test_refuses_a_strength_that_leaves_no_step(least_one: bool, strength: float) -> None:
    facts = replace(QWEN, ways=(replace(OVER, least_one=least_one),))

    with pytest.raises(InvalidValue, match="in 4 steps: no step is left; raise either") as refused:
        order(facts, over((64, 64)), strength=strength, steps=4)

    assert refused.value.param == "strength"


@pytest.mark.parametrize(
    ("facts", "given", "said", "drawn"),
    [
        (QWEN, over((640, 480)), {}, "1536x1152"),
        (EDIT, over((640, 480)), {}, "1184x896"),
        (EDIT, over((640, 480)), {"size": "512x512"}, "512x512"),
        (EDIT, over((640, 480), mask=(640, 480)), {"size": "512x512"}, "1184x896"),  # it draws no other
        (EDIT_PLUS, over((480, 640), (640, 480)), {}, "896x1184"),
        (QWEN_21, over((480, 640), (640, 480)), {}, "896x1184"),
        (QWEN_21, over((64, 64)), {"resolution": 512}, "512x512"),
        (QWEN_21, over(), {"resolution": 512}, "512x512"),
        (QWEN_21, over(), {"resolution": 512, "size": "640x640"}, "640x640"),
        (LAYERS, over((640, 480)), {}, "736x544"),
        (LAYERS, over((640, 480)), {"resolution": 1024, "size": "64x64"}, "1184x896"),  # nor does this
        (replace(QWEN, native=Size(256, 256)), over((64, 64)), {}, "256x256"),
    ],
)
def test_draws_in_the_shape_of_the_first_picture(
    facts: PipelineFacts, given: Given, said: dict[str, Any], drawn: str
) -> None:
    assert str(order(facts, given, **said).size) == drawn


def test_a_picture_that_a_camera_laid_on_its_side_is_seen_upright() -> None:
    lying = Given((picture((640, 480), orientation=6),))

    assert str(order(EDIT, lying).size) == "896x1184"


@pytest.mark.parametrize(
    ("facts", "said", "told"),
    [
        (LAYERS, {"resolution": 512}, "use 640 or 1024"),
        (QWEN_21, {"resolution": 100}, "use a multiple of 32, such as 96"),
        (QWEN_21, {"resolution": 4096, "size": "64x64"}, "use 2048 at the most"),
    ],
)
def test_refuses_a_resolution_that_is_not_drawn(facts: PipelineFacts, said: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidValue, match=told) as refused:
        order(facts, over((64, 64)), **said)

    assert refused.value.param == "resolution"


def test_refuses_a_picture_of_which_nothing_would_be_left() -> None:
    with pytest.raises(InvalidValue, match="an image of 2000x10: it is too narrow") as refused:
        order(QWEN_21, over((64, 64), (2000, 10)), resolution=64)

    assert refused.value.param == "images[1]"


def test_refuses_a_shape_that_is_too_long_to_draw() -> None:
    with pytest.raises(InvalidValue, match="cannot draw 14496x64: the limit is 4096 pixels a side") as refused:
        order(EDIT, over((2000, 10)))

    assert refused.value.param == "size"


def test_refuses_a_mask_of_another_size() -> None:
    with pytest.raises(InvalidValue, match="a mask of 32x64 for an image of 64x64") as refused:
        order(given=over((64, 64), mask=(32, 64)))

    assert refused.value.param == "mask"


def test_a_mask_may_be_upright_where_its_picture_lies() -> None:
    given = Given((picture((64, 32), orientation=8),), picture((32, 64), "mask"))

    assert order(given=given).way == WITHIN


def test_layers_are_four_unless_said_otherwise() -> None:
    assert order(LAYERS, over((64, 64))).layers == 4
    assert order(LAYERS, over((64, 64)), layers=2).layers == 2


def test_words_alone_are_not_enough_for_a_model_that_edits() -> None:
    with pytest.raises(MissingParameter, match="this model changes images; send one"):
        order(EDIT)


def test_a_distilled_lora_brings_its_schedule() -> None:
    facts = replace(QWEN, shelf=LoraShelf((NamedLora("Lightning-8steps", "x.safetensors"),)))

    settled = order(facts, lora="Lightning-8steps")

    assert (settled.steps, settled.guidance, settled.negative) == (8, 1.0, None)
    assert settled.schedule["base_shift"] == LIGHTNING_SHIFT
    assert [use.name for use in settled.loras] == ["Lightning-8steps"]
    assert (order(facts, lora="Lightning-8steps", steps=4, guidance_scale=2).steps) == 4
    assert (order(facts, lora="Lightning-8steps", quality="low").steps) == 8


def test_the_sigmas_of_a_distilled_lora_give_way_to_what_is_asked() -> None:
    facts = replace(QWEN_21, shelf=LoraShelf((NamedLora("2.1-Lightning", "x.safetensors"),)))

    assert order(facts, lora="2.1-Lightning").sigmas == (1.0, 0.75, 0.5, 0.25)
    assert order(facts, lora="2.1-Lightning", steps=6).sigmas is None
    assert order(facts, lora="2.1-Lightning", sigmas=[1.0, 0.5]).sigmas == (1.0, 0.5)


def test_counts_what_comes_along_and_what_is_drawn() -> None:
    assert order(EDIT_PLUS, over((64, 64), (64, 64))).image_tokens == 2 * 64 * 64
    assert order(given=over((64, 64)), size="64x96").image_tokens == 4 * 6
    assert order(QWEN_21, over((64, 64)), resolution=512).image_tokens == 32 * 32
    assert order(size="64x96", n=2).picture_tokens == 2 * 4 * 6
    assert order(LAYERS, over((64, 64)), layers=3).picture_tokens == 3 * 40 * 40
    assert (order(n=2).pictures, order(LAYERS, over((64, 64)), layers=3).pictures) == (2, 3)
    assert LAYERED.layered


def test_the_same_request_makes_the_same_order() -> None:
    given = over((64, 64))

    assert order(given=given, seed=1) == order(given=given, seed=1)
    assert order(given=given, seed=1) != order(given=given, seed=2)
