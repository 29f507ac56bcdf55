"""Real pipelines: bit-identical pictures, cancelled between steps, nothing shared that changes."""

import asyncio
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image

from switchyard_image_server.errors import Cancelled, InvalidValue, StartCode, StartFailure
from switchyard_image_server.images.events import Drawn, Preview, Step
from switchyard_image_server.images.order import Given
from switchyard_image_server.media.pictures import open_picture
from switchyard_image_server.settings import Precision

Heard = Callable[[Any], Any]
Load = Callable[..., Any]


def direct(folder: Path, seed: int, **call: Any) -> Any:
    """What the pipeline draws when it is called without a server."""
    pipeline = diffusers.DiffusionPipeline.from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline("a cat", generator=torch.Generator().manual_seed(seed), **call).images[0]


def same(one: Any, other: Any) -> bool:
    return one.mode == other.mode and np.array_equal(np.asarray(one), np.asarray(other))


def drawn(events: list[Any]) -> list[Any]:
    return [event.image for event in events if isinstance(event, Drawn)]


@pytest.mark.parametrize(
    ("said", "call"),
    [
        ({}, {"height": 256, "width": 256, "num_inference_steps": 4, "true_cfg_scale": 1.0}),
        (
            {"size": "100x70", "steps": 3, "true_cfg_scale": 4, "negative_prompt": "blurry"},
            {
                "height": 64,
                "width": 96,
                "num_inference_steps": 3,
                "true_cfg_scale": 4.0,
                "negative_prompt": "blurry",
            },
        ),
        (
            {"size": "64x64", "guidance_scale": 2},
            {
                "height": 64,
                "width": 64,
                "num_inference_steps": 4,
                "true_cfg_scale": 2.0,
                "negative_prompt": " ",
            },
        ),
    ],
)
async def test_draws_what_the_pipeline_draws_bit_for_bit(
    asks: Any, heard: Heard, image_model: Any, demo: Path, said: dict[str, Any], call: dict[str, Any]
) -> None:
    (picture,) = drawn(await heard(asks.draw(image_model, prompt="a cat", seed=7, **said)))

    assert same(picture, await asyncio.to_thread(direct, demo / "image", 7, **call))


async def test_several_pictures_are_those_of_their_seeds(asks: Any, heard: Heard, image_model: Any) -> None:
    together = drawn(await heard(asks.draw(image_model, prompt="a cat", seed=7, n=3, size="64x64")))
    alone = [
        drawn(await heard(asks.draw(image_model, prompt="a cat", seed=7 + i, size="64x64")))[0]
        for i in range(3)
    ]

    assert all(same(one, other) for one, other in zip(together, alone, strict=True))
    assert not same(together[0], together[1])


async def test_tells_each_step_and_what_it_cost(asks: Any, heard: Heard, image_model: Any) -> None:
    events = await heard(asks.draw(image_model, prompt="a cat", n=2, size="64x96", steps=3))

    end = events[-1]
    assert [event for event in events if isinstance(event, Step)] == [Step(done, 3) for done in (1, 2, 3)]
    assert (end.text_tokens, end.image_tokens, end.picture_tokens, end.note) == (2, 0, 2 * 4 * 6, None)
    spent = end.timings
    assert spent.passes == 1
    assert min(spent.prepare_s, spent.denoise_s, spent.decode_s) > 0
    assert spent.prepare_s + spent.denoise_s + spent.decode_s <= spent.total_s


async def test_cancelling_stops_between_two_steps(asks: Any, heard: Heard, image_model: Any) -> None:
    ticket = asks.draw(image_model, prompt="a cat", size="64x64", steps=200)
    begun = ticket.events()
    assert await anext(begun) == Step(1, 200)

    ticket.cancel()

    with pytest.raises(Cancelled):
        async for _ in begun:
            pass
    await heard(asks.worker.submit(lambda _: None))  # the worker is free again
    assert ticket._delivered.qsize() < 100  # not the 199 steps that were left, and no picture
    after = drawn(await heard(asks.draw(image_model, prompt="a cat", seed=7, size="64x64")))
    again = drawn(await heard(asks.draw(image_model, prompt="a cat", seed=7, size="64x64")))
    assert same(after[0], again[0])


async def test_a_call_changes_nothing_that_is_shared(
    asks: Any, heard: Heard, demo: Path, load_from: Load
) -> None:
    model = load_from(demo / "image", dtype=Precision.BFLOAT16)
    scheduler = model._pipeline.scheduler
    before = (scheduler.timesteps.clone(), dict(vars(model._pipeline)))

    await heard(asks.draw(model, prompt="a cat", size="64x64"))

    assert model._pipeline.scheduler is scheduler
    assert torch.equal(scheduler.timesteps, before[0])
    assert dict(vars(model._pipeline)) == before[1]
    kept = {
        part.dtype for part in (model._pipeline.transformer, model._pipeline.vae, model._pipeline.text_encoder)
    }
    assert kept == {torch.bfloat16}


async def test_says_that_a_prompt_is_too_long_instead_of_cutting_it(
    asks: Any, heard: Heard, image_model: Any
) -> None:
    with pytest.raises(InvalidValue, match=r"a prompt of \d+ tokens: the model reads 1019; shorten it"):
        await heard(asks.draw(image_model, prompt="a cat " * 2000, size="64x64"))


@pytest.mark.parametrize("param", ["prompt", "negative_prompt"])
async def test_refuses_control_tokens(asks: Any, heard: Heard, image_model: Any, param: str) -> None:
    said = {"prompt": "a cat", "true_cfg_scale": 2} | {param: "a cat<|im_end|>"}

    with pytest.raises(InvalidValue, match=r"contains the control token <\|im_end\|>") as refused:
        await heard(asks.draw(image_model, size="64x64", **said))

    assert refused.value.param == param


@pytest.fixture(scope="module")
def qwen_image_21(tmp_path_factory: pytest.TempPathFactory, tiny_pipelines: Any) -> Path:
    folder = tmp_path_factory.mktemp("pipelines") / "qwen-image-21"
    tiny_pipelines.write_qwen_image_21(folder)
    return folder


async def test_qwen_image_21_draws_with_alpha(
    asks: Any, heard: Heard, qwen_image_21: Path, load_from: Load
) -> None:
    model = load_from(qwen_image_21)

    (picture,) = drawn(
        await heard(asks.draw(model, prompt="a cat", seed=7, size="100x70", steps=3, background="transparent"))
    )

    expected = await asyncio.to_thread(direct, qwen_image_21, 7, height=64, width=96, num_inference_steps=3)
    assert (picture.mode, picture.size) == ("RGBA", (96, 64))
    assert same(picture, expected)


async def test_qwen_image_21_refuses_a_placeholder_in_the_prompt(
    asks: Any, heard: Heard, qwen_image_21: Path, load_from: Load
) -> None:
    with pytest.raises(InvalidValue, match="control token"):
        await heard(asks.draw(load_from(qwen_image_21), prompt="a <|image_pad|>", size="64x64"))


async def test_a_schedule_of_the_model_settles_the_steps(
    asks: Any, heard: Heard, tmp_path: Path, load_from: Load, tiny_pipelines: Any
) -> None:
    await asyncio.to_thread(tiny_pipelines.write_qwen_image_21, tmp_path / "turbo", [1.0, 0.75, 0.5, 0.25])
    model = await asyncio.to_thread(load_from, tmp_path / "turbo")

    events = await heard(asks.draw(model, prompt="a cat", size="64x64"))

    assert model.facts.fixed_steps == 4
    assert [event.total for event in events if isinstance(event, Step)] == [4] * 4


async def test_leaves_no_room_for_a_prompt_that_an_unknown_pipeline_would_cut(
    asks: Any, heard: Heard, tmp_path: Path, load_from: Load, tiny_pipelines: Any
) -> None:
    await asyncio.to_thread(tiny_pipelines.write_stable_diffusion, tmp_path / "sd")
    model = await asyncio.to_thread(load_from, tmp_path / "sd")

    with pytest.raises(InvalidValue, match="a prompt of 100 tokens: the model reads 75; shorten it"):
        await heard(asks.draw(model, prompt="a " * 100, steps=2))


async def test_draws_with_a_pipeline_it_does_not_know(
    asks: Any, heard: Heard, tmp_path: Path, load_from: Load, tiny_pipelines: Any
) -> None:
    folder = tmp_path / "sd"
    await asyncio.to_thread(tiny_pipelines.write_stable_diffusion, folder)
    model = await asyncio.to_thread(load_from, folder)

    (picture,) = drawn(await heard(asks.draw(model, prompt="a cat", seed=7, steps=3, guidance_scale=2)))

    call = {"height": 80, "width": 80, "num_inference_steps": 3, "guidance_scale": 2.0}
    assert picture.size == (80, 80)
    assert same(picture, await asyncio.to_thread(direct, folder, 7, **call))


async def test_draws_with_a_pipeline_from_before_steps_were_told(
    asks: Any, heard: Heard, tmp_path: Path, load_from: Load, tiny_pipelines: Any
) -> None:
    folder = tmp_path / "pixart"
    await asyncio.to_thread(tiny_pipelines.write_pixart, folder)
    model = await asyncio.to_thread(load_from, folder)
    said: dict[str, Any] = {"prompt": "a cat", "seed": 7, "steps": 2, "size": "64x64", "guidance_scale": 1}

    shown = await heard(asks.draw(model, **said, stream=True, partial_images=1))

    call = {"height": 64, "width": 64, "num_inference_steps": 2, "guidance_scale": 1.0}
    assert same(*drawn(shown), await asyncio.to_thread(direct, folder, 7, **call))
    assert [event for event in shown if isinstance(event, Step)] == [Step(1, 2), Step(2, 2)]
    assert [event.index for event in shown if isinstance(event, Preview)] == [0]


@pytest.mark.parametrize(("said", "size"), [({"size": "96x64"}, (96, 64)), ({}, (128, 64))])
async def test_a_pipeline_that_takes_no_size_draws_the_size_all_the_same(
    asks: Any,
    heard: Heard,
    tmp_path: Path,
    load_from: Load,
    tiny_pipelines: Any,
    said: dict[str, str],
    size: Any,
) -> None:
    await asyncio.to_thread(tiny_pipelines.write_stable_diffusion, tmp_path / "sd")
    model = await asyncio.to_thread(load_from, tmp_path / "sd")
    content = io.BytesIO()
    Image.effect_noise((400, 200), 50).save(content, "PNG")
    given = Given((open_picture(content.getvalue(), "image"),))

    events = await heard(asks.draw(model, given, prompt="a cat", steps=2, **said))

    (picture,) = drawn(events)
    assert picture.size == size
    assert events[-1].picture_tokens == size[0] * size[1] // 256


def test_says_that_a_pipeline_class_is_not_known(demo: Path, tmp_path: Path, load_from: Load) -> None:
    (tmp_path / "model_index.json").write_text('{"_class_name": "QwenImage99Pipeline"}')

    with pytest.raises(StartFailure, match="has no QwenImage99Pipeline; upgrade it") as refused:
        load_from(tmp_path)

    assert refused.value.code is StartCode.UNSUPPORTED_MODEL
