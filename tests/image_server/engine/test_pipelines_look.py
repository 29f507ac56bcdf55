"""What a loaded pipeline says of itself, and the light pipelines that are made of its parts."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from diffusers import ControlNetModel, QwenImagePipeline, StableDiffusionPipeline
from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit as edit
from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit_inpaint as edit_inpaint
from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit_plus as edit_plus
from diffusers.pipelines.qwenimage import pipeline_qwenimage_layered as layered
from diffusers.pipelines.qwenimage21 import pipeline_qwenimage21 as second
from hypothesis import given, settings
from hypothesis import strategies as st

from switchyard_image_server.images.pipelines.light import light_pipeline, parts_for
from switchyard_image_server.images.pipelines.look import look_at, tokenizers_of
from switchyard_image_server.images.sizes import Size, fitted
from switchyard_image_server.images.ways import WORDS, Way


@pytest.fixture(scope="module")
def words(demo: Path) -> Any:
    return QwenImagePipeline.from_pretrained(demo / "image")


@pytest.fixture(scope="module")
def unknown(tmp_path_factory: pytest.TempPathFactory, tiny_pipelines: Any) -> Any:
    folder = tmp_path_factory.mktemp("unknown") / "sd"
    tiny_pipelines.write_stable_diffusion(folder)
    return StableDiffusionPipeline.from_pretrained(folder)


def test_a_known_class_says_little(words: Any) -> None:
    seen = look_at(words)

    assert (seen.class_name, seen.sample_sigmas, seen.control) == ("QwenImagePipeline", None, None)
    assert seen.least_steps == 2  # its scheduler divides by the number of steps less one
    assert seen.ways == (WORDS,)


def test_an_unknown_class_tells_its_defaults_and_its_siblings(unknown: Any) -> None:
    seen = look_at(unknown)

    assert (seen.steps, seen.guidance, seen.native, seen.least_steps) == (50, 7.5, Size(80, 80), 1)
    assert seen.max_prompt_tokens == 75
    assert seen.ways == (
        Way("StableDiffusionPipeline", least_one=False, sigmas=False, together=False),
        Way(
            *("StableDiffusionImg2ImgPipeline", 1, 1),
            strength=0.8,
            least_one=False,
            sigmas=False,
            together=False,
        ),
        Way(
            *("StableDiffusionInpaintPipeline", 1, 1),
            mask=True,
            strength=1.0,
            least_one=False,
            sigmas=False,
            together=False,
        ),
    )


def test_an_unknown_class_with_a_controlnet_draws_with_and_without_it(unknown: Any) -> None:
    controlnet = ControlNetModel.from_unet(unknown.unet, conditioning_embedding_out_channels=(8,))
    pipeline = diffusers.StableDiffusionControlNetPipeline(
        **unknown.components, controlnet=controlnet, requires_safety_checker=False
    )

    controlled, plain = look_at(pipeline).ways

    assert (controlled.pipeline, controlled.control, controlled.conditioned) == (
        *("StableDiffusionControlNetPipeline", True, True),
    )
    assert (plain.pipeline, plain.control) == ("StableDiffusionPipeline", False)


@pytest.mark.parametrize(("reads_masks", "control"), [(False, "picture"), (True, "mask")])
def test_knows_what_a_controlnet_reads(
    demo: Path, tmp_path: Path, tiny_pipelines: Any, reads_masks: bool, control: str
) -> None:
    tiny_pipelines.write_controlnet(tmp_path, demo / "image", reads_masks=reads_masks)

    pipeline = diffusers.DiffusionPipeline.from_pretrained(tmp_path)

    assert look_at(pipeline).control == control


def test_a_light_pipeline_shares_the_modules_and_nothing_that_changes(words: Any) -> None:
    for class_name in ("QwenImagePipeline", "QwenImageImg2ImgPipeline", "QwenImageInpaintPipeline"):
        light = light_pipeline(words, class_name, {})

        assert type(light).__name__ == class_name
        assert light.scheduler is not words.scheduler
        assert light.scheduler.config == words.scheduler.config
        for part in ("transformer", "vae", "text_encoder"):
            assert getattr(light, part) is getattr(words, part)


def test_a_light_pipeline_keeps_the_number_format_of_the_modules(demo: Path) -> None:
    pipeline = QwenImagePipeline.from_pretrained(demo / "image", dtype=torch.bfloat16)

    light_pipeline(pipeline, "QwenImageImg2ImgPipeline", {})

    assert {part.dtype for part in (pipeline.transformer, pipeline.vae, pipeline.text_encoder)} == {
        torch.bfloat16
    }


def test_a_light_pipeline_takes_another_schedule(words: Any) -> None:
    light = light_pipeline(words, "QwenImagePipeline", {"shift_terminal": None, "base_shift": 1.5})

    assert (light.scheduler.config.shift_terminal, light.scheduler.config.base_shift) == (None, 1.5)
    assert words.scheduler.config.shift_terminal == 0.02


def test_says_what_a_sibling_would_need(words: Any) -> None:
    with pytest.raises(LookupError, match="QwenImagePipeline has no processor for QwenImageEditPipeline"):
        parts_for(diffusers.QwenImageEditPipeline, words)


def test_the_tokenizer_that_reads_most_comes_first() -> None:
    class Reads:
        def __init__(self, most: int) -> None:
            self.model_max_length = most

    class Two:
        tokenizer = Reads(77)
        tokenizer_2 = Reads(512)

    assert [one.model_max_length for one in tokenizers_of(Two())] == [512, 77]


def test_refuses_a_model_that_draws_nothing_from_words(tmp_path: Path, load_from: Callable[..., Any]) -> None:
    unet = diffusers.UNet2DModel(
        sample_size=8,
        block_out_channels=(8, 8),
        norm_num_groups=4,
        layers_per_block=1,
        down_block_types=("DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D"),
    )
    diffusers.DDPMPipeline(unet=unet, scheduler=diffusers.DDPMScheduler()).save_pretrained(tmp_path)

    with pytest.raises(Exception, match="DDPMPipeline draws nothing from a prompt"):
        load_from(tmp_path)


@pytest.mark.parametrize("pipeline", [edit, edit_inpaint, edit_plus, layered, second])
@given(st.integers(10, 4000), st.integers(10, 4000), st.sampled_from([256, 640, 1024, 1536]))
@settings(max_examples=60)
def test_pictures_are_fitted_as_the_pipelines_fit_them(
    pipeline: Any, width: int, height: int, side: int
) -> None:
    theirs = pipeline.calculate_dimensions(side * side, width / height)

    assert Size(*theirs[:2]) == fitted(side * side, Size(width, height))
