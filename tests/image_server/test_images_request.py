"""Bodies of image requests: every field that OpenAI documents is understood, or refused by name."""

from typing import Any

import pytest
from pydantic import ValidationError

from switchyard_image_server.errors import InvalidValue, Refused, Unsupported
from switchyard_image_server.images.request import EditRequest, ImageRequest, Quality


def asked(**said: Any) -> ImageRequest:
    return ImageRequest.model_validate({"prompt": "a cat", **said})


def edit(**said: Any) -> EditRequest:
    return EditRequest.model_validate({"prompt": "a cat", **said})


def test_a_prompt_is_enough() -> None:
    request = asked().at_once_or_later()

    assert (request.n, request.size, request.response_format) == (1, "auto", "b64_json")
    assert (request.asked_steps, request.asked_guidance, request.seed, request.lora) == (None, None, None, ())
    assert (request.as_job, request.previews) == (False, 0)


def test_null_is_as_good_as_absent() -> None:
    nothing = dict.fromkeys(name for name in ImageRequest.model_fields if name not in {"prompt", "as_job"})

    assert asked(**nothing, **{"async": None}) == asked()
    assert edit(image=None, images=None, mask=None) == edit()


def test_ignores_what_it_does_not_know() -> None:
    assert asked(scheduler="x", extra={"y": [1]}) == asked()


@pytest.mark.parametrize("name", ["complexity", "frame_count", "frame_duration_ms", "svg", "markup"])
def test_refuses_by_name_what_other_models_can(name: str) -> None:
    with pytest.raises(Unsupported, match=f"cannot use {name}: .*; leave it out|send a mask") as refused:
        asked(**{name: "high"})

    assert refused.value.param == name


@pytest.mark.parametrize("name", ["image", "images", "mask"])
def test_words_alone_come_with_no_picture_that_would_be_forgotten(name: str) -> None:
    with pytest.raises(Unsupported, match=f"cannot use {name} here: .*/v1/images/edits; send it") as refused:
        asked(**{name: "data:1"})

    assert refused.value.param == name
    assert asked(**{name: None}) == asked()


@pytest.mark.parametrize(
    ("said", "param"),
    [
        ({"output_format": "gif"}, "output_format"),
        ({"output_format": "svg"}, "output_format"),
        ({"background": "transparent", "output_format": "jpeg"}, "background"),
        ({"output_compression": 50}, "output_compression"),
        ({"style": "natural"}, "style"),
        ({"stream": True, "async": True}, "stream"),
        ({"stream": True, "response_format": "url"}, "response_format"),
        ({"partial_images": 2}, "partial_images"),
        ({"webhook": "https://example.org"}, "webhook"),
        ({"seed": [1, 2], "n": 3}, "seed"),
        ({"lora": {"scale": 1}}, "lora"),
    ],
)
def test_refuses_what_it_cannot_honour(said: dict[str, Any], param: str) -> None:
    with pytest.raises(Refused, match=r"^cannot .*[;:]") as refused:
        asked(**said).at_once_or_later()

    assert refused.value.param == param


@pytest.mark.parametrize(
    "said",
    [
        {"style": "vivid"},
        {"moderation": "low"},
        {"input_fidelity": "high"},
        {"output_compression": 100},
        {"output_compression": 50, "output_format": "webp"},
        {"partial_images": 0},
        {"stream": False},
    ],
)
def test_takes_what_changes_nothing(said: dict[str, Any]) -> None:
    assert asked(**said).at_once_or_later().prompt == "a cat"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("n", 0),
        ("n", 11),
        ("steps", 0),
        ("num_inference_steps", 201),
        ("seed", -1),
        ("seed", 2**63),
        ("seed", []),
        ("seed", [1, -1]),
        ("prompt", ""),
        ("prompt", "x" * 32_001),
        ("quality", "best"),
        ("background", "white"),
        ("output_format", "bmp"),
        ("output_compression", 101),
        ("response_format", "file"),
        ("moderation", "none"),
        ("input_fidelity", "medium"),
        ("partial_images", 4),
        ("sigmas", []),
        ("sigmas", [2.0]),
        ("strength", 1.5),
        ("guidance_scale", float("nan")),
        ("layers", 1),
        ("lora", [3]),
        ("lora", ["a"] * 9),
        ("controlnet_conditioning_scale", float("inf")),
    ],
)
def test_refuses_values_out_of_range(field: str, value: object) -> None:
    with pytest.raises(ValidationError, match=field):
        asked(**{field: value})


def test_takes_either_name_of_a_setting() -> None:
    assert asked(steps=8).asked_steps == 8
    assert asked(num_inference_steps=9, steps=8).asked_steps == 9
    assert asked(guidance_scale=3).asked_guidance == 3
    assert asked(true_cfg_scale=2, guidance_scale=3).asked_guidance == 2
    assert asked(control_scale=0.5).asked_control_scale == 0.5
    assert asked(control_scale=0.5, controlnet_conditioning_scale=0).asked_control_scale == 0
    assert asked(user="a").client == "a"
    assert asked(user="a", safety_identifier="b").client == "b"


def test_there_are_as_many_pictures_as_seeds() -> None:
    assert asked(seed=[5, 6]).n == 2
    assert asked(seed=[5, 6], n=2).seed == (5, 6)


@pytest.mark.parametrize(
    ("said", "understood"),
    [
        ("fast", [("fast", None, None)]),
        (["fast", "soft"], [("fast", None, None), ("soft", None, None)]),
        ({"name": "fast", "scale": 0.5}, [("fast", None, 0.5)]),
        ([{"local_path": "a/b", "scale": 2}], [(None, "a/b", 2.0)]),
        ({"lora_path": "a/b", "lora_scale": 2}, [(None, "a/b", 2.0)]),
        ({"path": "a/b", "name": "x", "int_id": 7}, [("x", "a/b", None)]),
    ],
)
def test_a_lora_may_be_a_name_or_more(said: object, understood: list[Any]) -> None:
    assert [(one.name, one.path, one.scale) for one in asked(lora=said).lora] == understood


def test_quality_says_how_much_work_goes_in() -> None:
    names = ("low", "auto", "standard", "medium", "high", "hd", "xhigh", "max")

    assert [Quality(name).effort for name in names] == [0.5, 1, 1, 1, 1.5, 1.5, 2, 2]


def test_the_address_may_say_that_it_is_a_job() -> None:
    assert asked().at_once_or_later(as_job=True).as_job
    assert not asked(**{"async": True}).at_once_or_later(as_job=False).as_job
    assert asked(**{"async": True, "webhook": "https://x.org"}).at_once_or_later().webhook == "https://x.org"


def test_a_job_has_previews_unless_it_wants_none() -> None:
    assert asked(**{"async": True}).at_once_or_later().previews == 3
    assert asked(**{"async": True, "partial_images": 0}).at_once_or_later().previews == 0
    assert asked(stream=True, partial_images=2).at_once_or_later().previews == 2
    assert asked(stream=True).at_once_or_later().previews == 0


@pytest.mark.parametrize(
    "said",
    [
        {"images": [{"image_url": "data:1"}, {"image_url": {"url": "data:2"}}]},
        {"images": ["data:1", {"url": "data:2"}]},
        {"image": ["data:1", "data:2"]},
    ],
)
def test_reads_addresses_however_clients_wrap_them(said: dict[str, Any]) -> None:
    assert edit(**said).images == ("data:1", "data:2")


def test_a_single_image_and_a_mask_are_addresses_too() -> None:
    request = edit(image="data:1", mask={"image_url": "data:2"})

    assert (request.images, request.mask) == (("data:1",), "data:2")


def test_images_stand_in_one_field_only() -> None:
    with pytest.raises(InvalidValue, match="cannot use image beside images") as refused:
        edit(image="data:1", images=["data:2"])

    assert refused.value.param == "image"


@pytest.mark.parametrize("field", ["images", "mask"])
def test_keeps_no_files(field: str) -> None:
    said = {"file_id": "file-1"}

    with pytest.raises(Unsupported, match="no files are kept here") as refused:
        edit(**{field: [said] if field == "images" else said})

    assert refused.value.param in {"images[0]", "mask"}


@pytest.mark.parametrize("images", [[3], [{}], ["x"] * 17, [{"image_url": {"url": 1}}]])
def test_refuses_images_that_are_none(images: object) -> None:
    with pytest.raises(ValidationError, match="images"):
        edit(images=images)


def test_forgets_the_images_when_they_were_read() -> None:
    request = edit(images=["data:1"], mask="data:2", control_image="data:3").without_images()

    assert (request.images, request.mask, request.control_image) == ((), None, None)
    assert asked(control_image="data:3").without_images().control_image is None


def test_says_which_seeds_are_too_many() -> None:
    with pytest.raises(InvalidValue, match="cannot use 2 seeds for 1 pictures"):
        asked(seed=[1, 2], n=1)
