"""The pictures that a request brings: found, read, and judged by their headers, each under its field's name."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image, ImageFile

from switchyard_image_server.api import pictures
from switchyard_image_server.api.forms import Form, FormReader, Kinds
from switchyard_image_server.api.pictures import UPLOADS, Source, Sources, bring, sources_in, sources_of
from switchyard_image_server.errors import InvalidValue, MediaNotAllowed, MissingParameter, TooLarge
from switchyard_image_server.images.request import EditRequest, ImageRequest
from switchyard_image_server.media.addresses import MediaReader
from switchyard_image_server.settings import MediaSettings

MEDIA = MediaReader(MediaSettings())
Url = Callable[[bytes], str]
Png = Callable[..., bytes]


def form(*parts: tuple[str, bytes]) -> Form:
    reader = FormReader("multipart/form-data; boundary=cut", Kinds(UPLOADS, frozenset()))
    for name, content in parts:
        head = f'--cut\r\nContent-Disposition: form-data; name="{name}"; filename="a"\r\n\r\n'
        reader.feed(head.encode() + content + b"\r\n")
    reader.feed(b"--cut--\r\n")
    return reader.form()


def test_a_drawing_needs_no_picture() -> None:
    assert sources_of(ImageRequest(prompt="a cat")) == Sources()


def test_names_each_address_by_its_field() -> None:
    body: dict[str, Any] = {"prompt": "x", "images": ["a", "b"], "mask": "c", "control_image": "d"}

    found = sources_of(EditRequest.model_validate(body))

    assert found == Sources(
        (Source("images[0]", "a"), Source("images[1]", "b")), Source("mask", "c"), Source("control_image", "d")
    )


def test_an_edit_needs_a_picture() -> None:
    with pytest.raises(MissingParameter, match="cannot edit without an image"):
        sources_of(EditRequest(prompt="x"))
    with form(("mask", b"x")) as sent, pytest.raises(MissingParameter, match="cannot edit without an image"):
        sources_in(sent)


def test_names_each_file_by_its_place() -> None:
    with form(("image", b"a"), ("image[]", b"b"), ("mask", b"c")) as sent, form(("image", b"a")) as single:
        found, alone = sources_in(sent), sources_in(single)

    assert [one.param for one in found.images] == ["image[0]", "image[1]"]
    assert found.mask is not None
    assert found.mask.param == "mask"
    assert [one.param for one in alone.images] == ["image"]


def test_takes_sixteen_images_and_no_more() -> None:
    with form(*[("image", b"x")] * 16) as most, form(*[("image", b"x")] * 17) as more:
        assert len(sources_in(most).images) == 16
        with pytest.raises(InvalidValue, match="cannot use 17 images: the limit is 16"):
            sources_in(more)


async def test_opens_and_does_not_decode(
    make_png: Png, as_data_url: Url, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent, inline = make_png((64, 48)), as_data_url(make_png((32, 16)))
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("decoded before its turn"))

    with form(("image", sent)) as files:
        from_form = await bring(sources_in(files), MEDIA)
    from_json = await bring(Sources(mask=Source("mask", inline)), MEDIA)

    assert [one.image.size for one in from_form.images] == [(64, 48)]
    assert from_json.mask is not None
    assert (from_json.mask.image.size, from_json.mask.param) == ((32, 16), "mask")


async def test_refuses_what_is_too_large_together(make_png: Png) -> None:
    """Each compresses to next to nothing, and is within the limit alone."""
    content = io.BytesIO()
    Image.new("1", (8000, 6000)).save(content, "PNG")
    assert len(content.getvalue()) < 100_000

    with form(*[("image", content.getvalue())] * 3) as sent, pytest.raises(TooLarge) as refused:
        await bring(sources_in(sent), MEDIA)

    assert refused.value.param == "image[2]"


async def test_refuses_many_bytes_from_an_address(
    make_png: Png, as_data_url: Url, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "MAX_FILE", 50)

    with pytest.raises(TooLarge) as refused:
        await bring(Sources((Source("images[0]", as_data_url(make_png())),)), MEDIA)

    assert refused.value.param == "images[0]"


@pytest.mark.parametrize("address", ["http://127.0.0.1/a.png", "ftp://x/a.png"])
async def test_addresses_are_the_operators_to_allow(address: str) -> None:
    with pytest.raises(MediaNotAllowed) as refused:
        await bring(Sources((Source("images[0]", address),)), MEDIA)

    assert refused.value.param == "images[0]"
