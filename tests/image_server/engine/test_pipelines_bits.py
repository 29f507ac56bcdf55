"""Every class draws what its pipeline draws when it is called without a server, to the bit: alone, with others
in one pass, and in the preview after the last step.
"""

import asyncio
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from diffusers.pipelines.qwenimage import (
    pipeline_qwenimage_edit,
    pipeline_qwenimage_edit_inpaint,
    pipeline_qwenimage_edit_plus,
    pipeline_qwenimage_layered,
)
from PIL import Image, ImageDraw

from switchyard_image_server.images import order as ordering
from switchyard_image_server.images.events import Drawn, Finished, Preview
from switchyard_image_server.images.order import Given
from switchyard_image_server.images.pipelines import watch
from switchyard_image_server.images.sizes import Size
from switchyard_image_server.media.pictures import Picture, open_picture
from switchyard_image_server.settings import Precision

SMALLER = 100  # how much less than a megapixel the references are scaled to here


def photo(seed: int, size: tuple[int, int] = (64, 64), mode: str = "RGB") -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 255, (*reversed(size), len(mode)), dtype=np.uint8)
    return Image.fromarray(noise)


def half(size: tuple[int, int] = (64, 64)) -> Image.Image:
    mask = Image.new("L", size, 0)
    ImageDraw.Draw(mask).rectangle((0, 0, size[0] // 2, size[1]), fill=255)
    return mask


def sent(image: Image.Image, param: str = "image") -> Picture:
    content = io.BytesIO()
    image.save(content, "PNG")
    return open_picture(content.getvalue(), param)


@dataclass(frozen=True)
class Case:
    """`said` is the request, `call` the same for the pipeline, of the class `kind`."""

    folder: str
    kind: str
    said: dict[str, Any] = field(default_factory=dict)
    call: dict[str, Any] = field(default_factory=dict)
    images: tuple[Image.Image, ...] = ()
    mask: Image.Image | None = None
    control: Image.Image | None = None

    def given(self) -> Given:
        return Given(
            tuple(sent(image) for image in self.images),
            None if self.mask is None else sent(self.mask, "mask"),
            None if self.control is None else sent(self.control, "control_image"),
        )


SMALL = {"size": "64x64", "steps": 3}
SQUARE = {"height": 64, "width": 64, "num_inference_steps": 3}
GUIDED = {"true_cfg_scale": 4.0, "negative_prompt": " "}
PHOTO, OTHER, GLASS = photo(1), photo(2, (96, 64)), photo(3, mode="RGBA")

CASES = {
    "words": Case("image", "QwenImagePipeline", SMALL | {"true_cfg_scale": 4}, SQUARE | GUIDED),
    "words with sigmas": Case(
        "image",
        "QwenImagePipeline",
        {"size": "64x64", "sigmas": [1.0, 0.8, 0.3]},
        {"height": 64, "width": 64, "sigmas": [1.0, 0.8, 0.3], "true_cfg_scale": 1.0},
    ),
    "over": Case(
        "image",
        "QwenImageImg2ImgPipeline",
        SMALL | {"strength": 0.7, "true_cfg_scale": 1},
        SQUARE | {"strength": 0.7, "true_cfg_scale": 1.0, "image": PHOTO},
        (PHOTO,),
    ),
    "within": Case(
        "image",
        "QwenImageInpaintPipeline",
        SMALL | {"strength": 0.9, "true_cfg_scale": 2},
        SQUARE | GUIDED | {"strength": 0.9, "true_cfg_scale": 2.0, "image": PHOTO, "mask_image": half()},
        (PHOTO,),
        half(),
    ),
    "edit": Case("edit", "QwenImageEditPipeline", SMALL, SQUARE | GUIDED | {"image": PHOTO}, (PHOTO,)),
    "edit within": Case(
        "edit",
        "QwenImageEditInpaintPipeline",
        SMALL,
        SQUARE | GUIDED | {"strength": 1.0, "image": PHOTO, "mask_image": half()},
        (PHOTO,),
        half(),
    ),
    "edit of three": Case(
        "edit_plus",
        "QwenImageEditPlusPipeline",
        SMALL,
        SQUARE | GUIDED | {"image": [PHOTO, OTHER, PHOTO]},
        (PHOTO, OTHER, PHOTO),
    ),
    "layers": Case(
        "layered",
        "QwenImageLayeredPipeline",
        {"steps": 3, "layers": 2, "true_cfg_scale": 1},
        {
            "num_inference_steps": 3,
            "true_cfg_scale": 1.0,
            "layers": 2,
            "image": GLASS,
            "use_en_prompt": True,
            "cfg_normalize": True,
        },
        (GLASS,),
    ),
    "controlled": Case(
        "controlnet",
        "QwenImageControlNetPipeline",
        SMALL | {"controlnet_conditioning_scale": 0.5},
        SQUARE | GUIDED | {"control_image": PHOTO, "controlnet_conditioning_scale": 0.5},
        control=PHOTO,
    ),
    "words beside a controlnet": Case("controlnet", "QwenImagePipeline", SMALL, SQUARE | GUIDED),
    "controlled within": Case(
        "controlnet_mask",
        "QwenImageControlNetInpaintPipeline",
        SMALL,
        SQUARE | GUIDED | {"control_image": PHOTO, "control_mask": half()},
        (PHOTO,),
        half(),
    ),
    "2.1 words": Case("qwen_image_21", "QwenImage21Pipeline", SMALL, SQUARE),
    "2.1 words guided": Case(
        "qwen_image_21",
        "QwenImage21Pipeline",
        SMALL | {"true_cfg_scale": 3, "negative_prompt": "grey"},
        SQUARE | {"true_cfg_scale": 3.0, "negative_prompt": "grey"},
    ),
    "2.1 edit of three": Case(
        "qwen_image_21",
        "QwenImage21Pipeline",
        SMALL | {"resolution": 64},
        SQUARE | {"output_resolution": 64, "image": [GLASS, OTHER, PHOTO]},
        (GLASS, OTHER, PHOTO),
    ),
    "turbo": Case("turbo", "QwenImage21Pipeline", {"size": "64x64"}, {"height": 64, "width": 64}),
    "unknown words": Case(
        "stable_diffusion",
        "StableDiffusionPipeline",
        SMALL | {"guidance_scale": 2},
        SQUARE | {"guidance_scale": 2.0},
    ),
    "unknown over": Case(
        "stable_diffusion",
        "StableDiffusionImg2ImgPipeline",
        SMALL | {"strength": 0.7},
        {"num_inference_steps": 3, "guidance_scale": 7.5, "strength": 0.7, "image": PHOTO},
        (PHOTO,),
    ),
    "unknown within": Case(
        "stable_diffusion",
        "StableDiffusionInpaintPipeline",
        SMALL,
        SQUARE | {"guidance_scale": 7.5, "strength": 1.0, "image": PHOTO, "mask_image": half()},
        (PHOTO,),
        half(),
    ),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory, demo: Path, tiny_pipelines: Any) -> dict[str, Path]:
    room, words = tmp_path_factory.mktemp("pipelines"), demo / "image"
    tiny_pipelines.write_edit(room / "edit", words)
    tiny_pipelines.write_edit_plus(room / "edit_plus", words)
    tiny_pipelines.write_layered(room / "layered", words)
    tiny_pipelines.write_controlnet(room / "controlnet", words)
    tiny_pipelines.write_controlnet(room / "controlnet_mask", words, reads_masks=True)
    tiny_pipelines.write_qwen_image_21(room / "qwen_image_21")
    tiny_pipelines.write_qwen_image_21(room / "turbo", [1.0, 0.75, 0.5, 0.25])
    tiny_pipelines.write_stable_diffusion(room / "stable_diffusion")
    return {"image": words} | {folder.name: folder for folder in room.iterdir()}


@pytest.fixture(scope="module")
def models(folders: dict[str, Path], load_from: Callable[..., Any]) -> Callable[[str], Any]:
    loaded: dict[str, Any] = {}

    def model(name: str) -> Any:
        if name not in loaded:
            loaded[name] = load_from(folders[name])
        return loaded[name]

    return model


@pytest.fixture(autouse=True)
def small_references(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pipelines scale what they are given to a megapixel: here to a hundredth of it, on both sides."""
    for module in (
        pipeline_qwenimage_edit,
        pipeline_qwenimage_edit_inpaint,
        pipeline_qwenimage_edit_plus,
        pipeline_qwenimage_layered,
    ):
        scaled = module.calculate_dimensions
        monkeypatch.setattr(
            module, "calculate_dimensions", lambda area, ratio, scaled=scaled: scaled(area / SMALLER, ratio)
        )
    fitted = ordering.fitted

    def smaller(area: int, shape: Size) -> Size:
        return fitted(area // SMALLER if area > 512 * 512 else area, shape)

    monkeypatch.setattr(ordering, "fitted", smaller)


def direct(folder: Path, case: Case, seed: int, dtype: Any = torch.float32) -> list[Image.Image]:
    """What the pipeline draws without a server: one picture, or its layers."""
    pipeline = getattr(diffusers, case.kind).from_pretrained(folder, dtype=dtype)
    pipeline.set_progress_bar_config(disable=True)
    torch.manual_seed(seed)  # some classes take noise from here
    images = pipeline(prompt="a cat", generator=torch.Generator().manual_seed(seed), **case.call).images
    return images[0] if isinstance(images[0], list) else [images[0]]


def same(one: Image.Image, other: Image.Image) -> bool:
    return one.mode == other.mode and np.array_equal(np.asarray(one), np.asarray(other))


def pictures(events: list[Any]) -> list[Image.Image]:
    return [event.image for event in events if isinstance(event, Drawn)]


@pytest.mark.parametrize("name", CASES)
async def test_draws_what_the_pipeline_draws(
    asks: Any, heard: Any, models: Any, folders: dict[str, Path], name: str
) -> None:
    case = CASES[name]
    model = await asyncio.to_thread(models, case.folder)

    torch.manual_seed(99)  # not what the pipeline alone begins with
    drawn = pictures(await heard(asks.draw(model, case.given(), prompt="a cat", seed=7, **case.said)))

    expected = await asyncio.to_thread(direct, folders[case.folder], case, 7)
    assert len(drawn) == len(expected)
    assert all(same(one, other) for one, other in zip(drawn, expected, strict=True))
    assert len(np.unique(np.asarray(drawn[0]))) > 3  # not one colour, which anything could draw


@pytest.mark.parametrize("name", CASES)
async def test_several_pictures_are_those_of_their_seeds(asks: Any, heard: Any, models: Any, name: str) -> None:
    case = CASES[name]
    model = await asyncio.to_thread(models, case.folder)

    async def seeded(**seeds: Any) -> list[Any]:
        torch.seed()
        events: list[Any] = await heard(asks.draw(model, case.given(), prompt="a cat", **seeds, **case.said))
        return events

    together = await seeded(seed=[7, 3, 7], n=3)
    alone = pictures(await seeded(seed=7)) + pictures(await seeded(seed=3)) + pictures(await seeded(seed=7))

    assert all(same(one, other) for one, other in zip(pictures(together), alone, strict=True))
    assert not same(alone[0], alone[len(alone) // 3])
    shared = next(way.together for way in model.facts.ways if way.pipeline == case.kind)
    assert together[-1].timings.passes == (1 if shared else 3)


@pytest.mark.parametrize("name", [name for name in CASES if name != "layers"])
async def test_the_preview_after_the_last_step_is_the_picture(
    asks: Any, heard: Any, models: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(watch, "preview_steps", lambda wanted, total: (total,) if wanted else ())
    case = CASES[name]
    model = await asyncio.to_thread(models, case.folder)

    async def looked(partial_images: int) -> list[Any]:
        said = {"stream": True, "partial_images": partial_images, "n": 2, "seed": 7}
        events: list[Any] = await heard(asks.draw(model, case.given(), prompt="a cat", **said | case.said))
        return events

    unseen, seen = await looked(0), await looked(1)

    previews = [event for event in seen if isinstance(event, Preview)]
    assert [(preview.picture, preview.index) for preview in previews] == [(0, 0), (1, 0)]
    for preview, picture, before in zip(previews, pictures(seen), pictures(unseen), strict=True):
        assert same(preview.image, picture)
        assert same(picture, before)


async def test_layers_are_previewed_by_what_they_make_together(asks: Any, heard: Any, models: Any) -> None:
    case = CASES["layers"]
    model = await asyncio.to_thread(models, case.folder)

    events = await heard(
        asks.draw(model, case.given(), prompt="a cat", stream=True, partial_images=2, seed=7, **case.said)
    )

    drawn = [event for event in events if isinstance(event, Drawn)]
    previews = [event for event in events if isinstance(event, Preview)]
    assert [(picture.layer, picture.seed) for picture in drawn] == [(0, 7), (1, 7)]
    assert [preview.image.size for preview in previews] == [(64, 64), (64, 64)]
    assert {picture.image.mode for picture in drawn} == {"RGBA"}


@pytest.mark.parametrize("name", ["words", "within", "edit of three", "2.1 edit of three"])
async def test_holds_in_half_precision_too(
    asks: Any, heard: Any, folders: dict[str, Path], load_from: Any, name: str
) -> None:
    case = CASES[name]
    model = await asyncio.to_thread(load_from, folders[case.folder], dtype=Precision.BFLOAT16)

    events = await heard(asks.draw(model, case.given(), prompt="a cat", seed=[7, 8], n=2, **case.said))

    for seed, picture in zip((7, 8), pictures(events), strict=True):
        (expected,) = await asyncio.to_thread(direct, folders[case.folder], case, seed, torch.bfloat16)
        assert same(picture, expected)


async def test_counts_the_tokens_of_what_came_along(asks: Any, heard: Any, models: Any) -> None:
    case = CASES["2.1 edit of three"]
    model = await asyncio.to_thread(models, case.folder)

    (*_, end) = await heard(asks.draw(model, case.given(), prompt="a cat", n=2, **case.said))

    assert isinstance(end, Finished)
    assert (end.text_tokens, end.image_tokens, end.picture_tokens) == (5, 3 * 16, 2 * 16)
