"""The pictures that come along, as the pipelines want them: colours, transparency, and what a mask means."""

import io
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from switchyard_image_server.errors import InvalidValue
from switchyard_image_server.images.materials import materials_of
from switchyard_image_server.images.order import Given, Order
from switchyard_image_server.images.sizes import Size
from switchyard_image_server.images.ways import OVER, SECOND_GENERATION, WITHIN
from switchyard_image_server.media.pictures import Picture, open_picture

GREY = Image.new("RGB", (4, 2), "grey")


def sent(image: Image.Image, param: str = "image", **saved: Any) -> Picture:
    content = io.BytesIO()
    image.save(content, "PNG", **saved)
    return open_picture(content.getvalue(), param)


def order(given: Given, **more: Any) -> Order:
    return replace(Order("a cat", None, Size(64, 64), 2, 1.0, (1,), given=given), **{"way": WITHIN} | more)


def left_half(mode: str, on: Any, off: Any) -> Image.Image:
    mask = Image.new(mode, (4, 2), off)
    mask.paste(on, (0, 0, 2, 2))
    return mask


def marked(mask: Image.Image) -> list[list[bool]]:
    (materials,) = [materials_of(order(Given((sent(GREY),), sent(mask, "mask"))))]
    assert materials.mask is not None
    assert materials.mask.mode == "L"
    return [[bool(materials.mask.getpixel((x, y)) > 127) for x in range(4)] for y in range(2)]


LEFT = [[True, True, False, False]] * 2


def test_a_mask_is_transparent_where_the_picture_is_to_change() -> None:
    assert marked(left_half("RGBA", (255, 255, 255, 0), (0, 0, 0, 255))) == LEFT
    assert marked(left_half("RGBA", (0, 0, 0, 0), (255, 255, 255, 255))) == LEFT
    assert marked(left_half("LA", (0, 0), (255, 255))) == LEFT


def test_a_mask_without_any_transparency_is_white_there() -> None:
    assert marked(left_half("L", 255, 0)) == LEFT
    assert marked(left_half("1", 1, 0)) == LEFT
    assert marked(left_half("RGB", "white", "black")) == LEFT
    assert marked(left_half("RGBA", (255, 255, 255, 255), (0, 0, 0, 255))) == LEFT


@pytest.mark.parametrize("mask", [Image.new("L", (4, 2), 0), Image.new("RGBA", (4, 2), (0, 0, 0, 200))])
def test_refuses_a_mask_that_marks_nothing(mask: Image.Image) -> None:
    with pytest.raises(InvalidValue, match="it marks nothing; make it transparent there") as refused:
        marked(mask)

    assert refused.value.param == "mask"


def test_keeps_transparency_for_models_that_read_it() -> None:
    glass = Image.new("RGBA", (4, 2), (10, 20, 30, 40))

    (kept,) = materials_of(order(Given((sent(glass),)), way=SECOND_GENERATION)).images
    (flat,) = materials_of(order(Given((sent(glass),)), way=OVER)).images

    assert (kept.mode, kept.getpixel((0, 0))) == ("RGBA", (10, 20, 30, 40))
    assert flat.mode == "RGB"


def test_turns_pictures_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6

    for way in (OVER, SECOND_GENERATION):
        (image,) = materials_of(order(Given((sent(GREY, exif=exif),)), way=way)).images
        assert image.size == (2, 4)


def test_names_the_field_of_a_picture_that_is_damaged() -> None:
    content = io.BytesIO()
    Image.effect_noise((64, 64), 50).save(content, "PNG")
    damaged = open_picture(content.getvalue()[:600], "images[0]")

    for way in (OVER, SECOND_GENERATION):
        with pytest.raises(InvalidValue, match="cannot decode the image") as refused:
            materials_of(order(Given((damaged,)), way=way))
        assert refused.value.param == "images[0]"
