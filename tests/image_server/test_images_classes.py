"""What is known of a pipeline: by its class, by its own files, by the operator, in this order."""

import json
from dataclasses import replace

import pytest

from switchyard_image_server.errors import StartFailure
from switchyard_image_server.images.classes import GENERIC, KNOWN, Seen, facts_of
from switchyard_image_server.images.lora_names import LoraShelf
from switchyard_image_server.images.sizes import Size
from switchyard_image_server.images.ways import CONTROLLED, CONTROLLED_WITHIN, WITHIN, WORDS
from switchyard_image_server.settings import ModelSettings, NamedLora

QWEN = Seen("QwenImagePipeline")


def test_the_model_knows_better_and_the_command_line_better_still() -> None:
    own = '{"size": "256x250", "num_inference_steps": 4, "true_cfg_scale": 1.0}'

    model = facts_of(QWEN, own, ModelSettings("m"))
    operator = facts_of(QWEN, own, ModelSettings("m", steps=6, guidance=2.0))

    assert (model.native, model.steps, model.guidance) == (Size(256, 240), 4, 1.0)
    assert (operator.native, operator.steps, operator.guidance) == (Size(256, 240), 6, 2.0)


def test_the_schedule_of_a_model_settles_its_steps() -> None:
    facts = facts_of(Seen("QwenImage21Pipeline", sample_sigmas=8), None, ModelSettings("m", steps=20))

    assert (facts.steps, facts.fixed_steps) == (8, 8)


def test_a_pipeline_that_is_not_known_gets_what_it_says_of_itself() -> None:
    way = replace(WORDS, pipeline="FluxPipeline", together=False)
    seen = Seen(
        "FluxPipeline",
        steps=28,
        guidance=3.5,
        native=Size(512, 512),
        multiple=16,
        max_prompt_tokens=510,
        ways=(way,),
    )

    facts = facts_of(seen, None, ModelSettings("m"))

    assert (facts.steps, facts.guidance, facts.native) == (28, 3.5, Size(512, 512))
    assert (facts.max_prompt_tokens, facts.ways) == (510, (way,))


def test_a_pipeline_that_says_nothing_gets_ordinary_values() -> None:
    assert facts_of(Seen("FluxPipeline"), None, ModelSettings("m")) == GENERIC


def test_a_controlnet_adds_a_way_to_draw() -> None:
    facts = facts_of(replace(QWEN, control="picture"), None, ModelSettings("m"))

    assert facts.ways == (*KNOWN["QwenImagePipeline"].ways, CONTROLLED)


def test_a_controlnet_for_masks_fills_them_in_for_the_model() -> None:
    facts = facts_of(replace(QWEN, control="mask"), None, ModelSettings("m"))

    assert WITHIN not in facts.ways
    assert CONTROLLED_WITHIN in facts.ways


@pytest.mark.parametrize("own", ["{", "[]", '{"sise": "1x1"}', '{"size": "big"}', '{"num_inference_steps": 1}'])
def test_says_that_the_models_own_defaults_are_wrong(own: str) -> None:
    with pytest.raises(StartFailure, match=r"cannot use image_defaults\.json of m: .*; mend it, or remove it"):
        facts_of(QWEN, own, ModelSettings("m"))


def test_tells_what_the_model_can_do() -> None:
    shelf = LoraShelf((NamedLora("night", "x"),))

    words = facts_of(QWEN, None, ModelSettings("m"), shelf).told()
    edits = facts_of(Seen("QwenImageEditPlusPipeline"), None, ModelSettings("m")).told()
    layers = facts_of(Seen("QwenImageLayeredPipeline"), None, ModelSettings("m")).told()
    turbo = facts_of(Seen("QwenImage21Pipeline", sample_sigmas=8), None, ModelSettings("m")).told()

    assert (words["from_words"], words["edits"], words["masks"], words["loras"]) == (
        True,
        True,
        True,
        ["night"],
    )
    assert (edits["from_words"], edits["masks"], edits["reference_images"]) == (False, False, 3)
    assert (layers["layers"], layers["transparent_background"]) == (True, True)
    assert (turbo["steps"]["fixed"], turbo["reference_images"], turbo["size_multiple"]) == (True, 10, 32)
    assert json.loads(json.dumps(words)) == words
