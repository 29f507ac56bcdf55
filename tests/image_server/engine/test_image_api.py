"""openai-python draws and edits with real pipelines through the real server: the pixels are their own."""

import base64
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import diffusers
import httpx
import openai
import pytest
import torch
from PIL import Image

Serve = Callable[..., Any]
SMALL: dict[str, Any] = {"prompt": "a red cat", "size": "64x64"}
FEW: dict[str, Any] = {"num_inference_steps": 3, "seed": 11}


def png(image: Image.Image) -> bytes:
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()


def picture(content: str | None) -> Image.Image:
    assert content is not None
    return Image.open(io.BytesIO(base64.b64decode(content)))


def gradient(channel: int) -> Image.Image:
    bands = [
        Image.linear_gradient("L").resize((64, 64)) if i == channel else Image.new("L", (64, 64))
        for i in range(3)
    ]
    return Image.merge("RGB", bands)


def left_half() -> Image.Image:
    """As OpenAI has it: what is clear is to be drawn anew."""
    mask = Image.new("RGBA", (64, 64), "black")
    mask.paste((0, 0, 0, 0), (0, 0, 32, 64))
    return mask


@pytest.fixture(scope="module")
def second_generation(tiny_pipelines: Any, load_from: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("second")
    tiny_pipelines.write_qwen_image_21(folder)
    return folder, load_from(folder)


@pytest.fixture
def connect(serve: Serve) -> Iterator[Callable[[Any], openai.OpenAI]]:
    opened: list[openai.OpenAI] = []

    def to(model: Any) -> openai.OpenAI:
        served = serve(lambda: model).until_ready()
        opened.append(openai.OpenAI(api_key="none", base_url=f"{served.url}/v1", max_retries=0))
        return opened[-1]

    yield to
    for client in opened:
        client.close()


def test_draws_what_the_pipeline_draws(connect: Any, image_model: Any, demo: Path) -> None:
    pipeline: Any = diffusers.DiffusionPipeline.from_pretrained(demo / "image")
    generator = torch.Generator("cpu").manual_seed(11)
    alone = pipeline(
        prompt="a red cat",
        negative_prompt=" ",
        height=64,
        width=64,
        num_inference_steps=3,
        true_cfg_scale=2.0,
        max_sequence_length=1024,
        generator=generator,
    ).images[0]

    client = connect(image_model)

    answer = client.images.generate(**SMALL, extra_body={**FEW, "true_cfg_scale": 2.0})
    others = client.images.generate(**SMALL, extra_body={**FEW, "seed": [12, 13]})

    assert picture(answer.data[0].b64_json).tobytes() == alone.tobytes()
    assert len({one.b64_json for one in [*answer.data, *others.data]}) == 3
    assert answer.usage.input_tokens_details.text_tokens > 0
    assert others.usage.output_tokens == 2 * 64 * 64 // 256


def test_streams_previews_that_become_the_picture(connect: Any, image_model: Any) -> None:
    client = connect(image_model)

    *partial, last = client.images.generate(**SMALL, stream=True, partial_images=2, extra_body=FEW)
    whole = client.images.generate(**SMALL, extra_body=FEW)

    assert [event.type for event in partial] == ["image_generation.partial_image"] * 2
    assert last.type == "image_generation.completed"
    assert picture(last.b64_json).tobytes() == picture(whole.data[0].b64_json).tobytes()
    assert all(picture(event.b64_json).size == (64, 64) for event in partial)


def test_edits_within_a_mask(connect: Any, image_model: Any) -> None:
    client = connect(image_model)
    said = {"image": png(gradient(0)), "prompt": "a red cat", "size": "64x64"}

    masked = client.images.edit(**said, mask=png(left_half()), extra_body=FEW)
    *partial, last = client.images.edit(
        **said, mask=png(left_half()), stream=True, partial_images=1, extra_body=FEW
    )

    assert picture(masked.data[0].b64_json).size == (64, 64)
    assert [event.type for event in partial] == ["image_edit.partial_image"]
    assert last.type == "image_edit.completed"
    assert last.b64_json == masked.data[0].b64_json


def test_draws_over_an_image(connect: Any, image_model: Any) -> None:
    client = connect(image_model)

    pictures = [
        client.images.edit(image=png(gradient(channel)), **SMALL, extra_body={**FEW, "strength": 0.3})
        for channel in (0, 1, 0)
    ]

    first, second, again = (picture(one.data[0].b64_json).tobytes() for one in pictures)
    assert first == again != second


def test_edits_after_several_images(connect: Any, second_generation: Any) -> None:
    folder, model = second_generation
    client = connect(model)
    images = [gradient(0), gradient(2)]
    pipeline: Any = diffusers.DiffusionPipeline.from_pretrained(folder)
    alone = pipeline(
        prompt="a red cat",
        image=images,
        height=64,
        width=64,
        output_resolution=64,
        num_inference_steps=3,
        generator=torch.Generator("cpu").manual_seed(11),
    ).images[0]

    answer = client.images.edit(
        image=[png(one) for one in images], **SMALL, extra_body={**FEW, "resolution": 64}
    )

    assert picture(answer.data[0].b64_json).tobytes() == alone.tobytes()
    assert answer.usage.input_tokens_details.image_tokens > 0


def test_keeps_alpha_and_flattens_it(connect: Any, second_generation: Any) -> None:
    client = connect(second_generation[1])

    clear = client.images.generate(**SMALL, background="transparent", extra_body=FEW)
    flat = client.images.generate(**SMALL, output_format="jpeg", extra_body=FEW)
    opaque = client.images.generate(**SMALL, background="opaque", extra_body=FEW)

    assert picture(clear.data[0].b64_json).mode == "RGBA"
    assert picture(flat.data[0].b64_json).format == "JPEG"
    assert (picture(opaque.data[0].b64_json).mode, opaque.background) == ("RGB", "opaque")


def test_an_address_has_the_same_picture(connect: Any, image_model: Any) -> None:
    client = connect(image_model)

    inline = client.images.generate(**SMALL, extra_body=FEW)
    linked = client.images.generate(**SMALL, response_format="url", extra_body=FEW)

    assert httpx.get(linked.data[0].url).content == base64.b64decode(inline.data[0].b64_json)


@pytest.mark.parametrize(
    ("said", "param"),
    [
        ({"size": "100000x100000"}, "size"),
        ({"extra_body": {"strength": 0.5}}, "strength"),
        ({"extra_body": {"num_inference_steps": 1}}, "num_inference_steps"),
        ({"prompt": "a <|im_end|> cat"}, "prompt"),
    ],
)
def test_a_refusal_is_a_bad_request_for_openai_python(
    connect: Any, image_model: Any, said: dict[str, Any], param: str
) -> None:
    with pytest.raises(openai.BadRequestError, match="cannot") as refused:
        connect(image_model).images.generate(**SMALL | said)

    assert refused.value.param == param
