"""What will be drawn: the request, what the pipeline was made for, and what is refused."""

from typing import Any

import pytest
from pydantic import ValidationError

from switchyard_image_server.errors import InvalidValue, Refused, StartFailure, Unsupported
from switchyard_image_server.images.classes import GENERIC, KNOWN, PipelineFacts, facts_of
from switchyard_image_server.images.order import Order, settle_order
from switchyard_image_server.images.request import ImageRequest
from switchyard_image_server.images.sizes import Size, parse_size, size_to_draw
from switchyard_image_server.settings import ModelSettings

QWEN = KNOWN["QwenImagePipeline"]
QWEN_21 = KNOWN["QwenImage21Pipeline"]


def order(facts: PipelineFacts = QWEN, **said: Any) -> Order:
    return settle_order(ImageRequest.model_validate({"prompt": "a cat", **said}), facts, lambda: 99)


def test_fills_up_from_what_the_pipeline_was_made_for() -> None:
    assert order() == Order("a cat", " ", Size(1328, 1328), 50, 4.0, (99,))
    assert order(QWEN_21) == Order("a cat", None, Size(1024, 1024), 40, 1.0, (99,))


def test_each_picture_has_the_next_seed() -> None:
    assert order(n=3, seed=7).seeds == (7, 8, 9)
    assert order(n=2, seed=2**63 - 1).seeds == (2**63 - 1, 0)


def test_null_means_the_default() -> None:
    nothing = dict.fromkeys(
        ("n", "size", "seed", "steps", "output_format", "background", "stream", "response_format")
    )

    assert order(**nothing) == order()


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


@pytest.mark.parametrize("size", ["", "big", "64", "64x", "-64x64", "0x64", "64x64x64", "1e3x64", "٦٤x٦٤"])
def test_refuses_a_size_that_cannot_be_read(size: str) -> None:
    with pytest.raises(InvalidValue, match="write WIDTHxHEIGHT, or auto"):
        parse_size(size)


@pytest.mark.parametrize(
    ("size", "why"),
    [("63x64", "at least 64"), ("8192x64", "4096 pixels a side"), ("2064x2048", "4194304 pixels in all")],
)
def test_refuses_a_size_out_of_bounds(size: str, why: str) -> None:
    with pytest.raises(InvalidValue, match=why) as refused:
        size_to_draw(size, Size(64, 64), 16)

    assert refused.value.param == "size"


def test_without_guidance_there_is_no_negative_prompt() -> None:
    assert order(true_cfg_scale=1).negative is None
    assert order(true_cfg_scale=1, negative_prompt="").negative is None
    assert order(negative_prompt="blurry").negative == "blurry"
    with pytest.raises(Unsupported, match="set true_cfg_scale above 1"):
        order(true_cfg_scale=1, negative_prompt="blurry")


def test_a_model_with_its_own_schedule_takes_no_other_number_of_steps() -> None:
    turbo = facts_of("QwenImage21Pipeline", None, ModelSettings("m"), fixed_steps=8)

    assert order(turbo).steps == 8
    assert order(turbo, steps=8).steps == 8
    with pytest.raises(Unsupported, match="cannot draw in 20 steps: this model has a schedule of 8"):
        order(turbo, steps=20)


@pytest.mark.parametrize(
    ("said", "param"),
    [
        ({"stream": True}, "stream"),
        ({"response_format": "url"}, "response_format"),
        ({"background": "transparent"}, "background"),
        ({"background": "transparent", "output_format": "jpeg"}, "background"),
    ],
)
def test_refuses_what_it_cannot_honour(said: dict[str, Any], param: str) -> None:
    with pytest.raises(Refused, match="cannot") as refused:
        order(**said)

    assert refused.value.param == param


def test_draws_on_a_transparent_background_where_the_model_can() -> None:
    assert order(QWEN_21, background="transparent").prompt == "a cat"


@pytest.mark.parametrize(
    ("field", "value"),
    [("n", 0), ("n", 5), ("steps", 1), ("steps", 201), ("seed", -1), ("output_format", "gif"), ("prompt", "")],
)
def test_refuses_values_out_of_range(field: str, value: object) -> None:
    with pytest.raises(ValidationError, match=field):
        order(**{field: value})


def test_the_model_knows_better_and_the_command_line_better_still() -> None:
    own = '{"size": "256x250", "num_inference_steps": 4, "true_cfg_scale": 1.0}'

    model = facts_of("QwenImagePipeline", own, ModelSettings("m"))
    operator = facts_of("QwenImagePipeline", own, ModelSettings("m", steps=6, guidance=2.0))

    assert (model.native, model.steps, model.guidance) == (Size(256, 240), 4, 1.0)
    assert (operator.native, operator.steps, operator.guidance) == (Size(256, 240), 6, 2.0)


def test_a_pipeline_that_is_not_known_gets_ordinary_values() -> None:
    assert facts_of("FluxPipeline", None, ModelSettings("m")) == GENERIC


@pytest.mark.parametrize("own", ["{", "[]", '{"sise": "1x1"}', '{"size": "big"}', '{"num_inference_steps": 1}'])
def test_says_that_the_models_own_defaults_are_wrong(own: str) -> None:
    with pytest.raises(StartFailure, match=r"cannot use image_defaults\.json of m: .*; mend it, or remove it"):
        facts_of("QwenImagePipeline", own, ModelSettings("m"))
