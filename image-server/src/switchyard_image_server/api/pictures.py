"""The pictures that an image request brings: from its form, or from the addresses in its body.

Their headers are read and judged here, off the loop; no pixel is decoded before the request's turn has come.
"""

import asyncio
from dataclasses import dataclass

from switchyard_image_server.api.forms import MAX_FILE, MIB, Form, Upload
from switchyard_image_server.errors import InvalidValue, MissingParameter, TooLarge
from switchyard_image_server.images.order import Given
from switchyard_image_server.images.request import MAX_IMAGES, EditRequest, ImageRequest
from switchyard_image_server.media.addresses import MediaReader
from switchyard_image_server.media.pictures import Picture, check_together, open_picture

UPLOADS = frozenset({"image", "images", "mask", "control_image"})


@dataclass(frozen=True, slots=True)
class Source:
    """Where one picture comes from. `param` is the field to name when it is refused."""

    param: str
    origin: str | Upload


@dataclass(frozen=True, slots=True)
class Sources:
    images: tuple[Source, ...] = ()
    mask: Source | None = None
    control: Source | None = None


def sources_of(request: ImageRequest) -> Sources:
    """The addresses in a JSON body."""
    control = request.control_image
    found = Sources(control=None if control is None else Source("control_image", control))
    if not isinstance(request, EditRequest):
        return found
    if not request.images:
        raise MissingParameter(
            "cannot edit without an image; add images, each with an image_url", param="images"
        )
    images = tuple(Source(f"images[{place}]", url) for place, url in enumerate(request.images))
    return Sources(images, None if request.mask is None else Source("mask", request.mask), found.control)


def sources_in(form: Form) -> Sources:
    images = form.named("image", "images")
    if not images:
        raise MissingParameter("cannot edit without an image; add a file named image", param="image")
    if len(images) > MAX_IMAGES:
        raise InvalidValue(
            f"cannot use {len(images)} images: the limit is {MAX_IMAGES}; send fewer", param="image"
        )
    alone = len(images) == 1
    return Sources(
        tuple(Source("image" if alone else f"image[{place}]", one) for place, one in enumerate(images)),
        _only(form, "mask"),
        _only(form, "control_image"),
    )


def _only(form: Form, name: str) -> Source | None:
    found = form.named(name)
    if len(found) > 1:
        raise InvalidValue(f"cannot use {len(found)} files named {name}; send one", param=name)
    return Source(name, found[0]) if found else None


async def bring(sources: Sources, media: MediaReader) -> Given:
    images = [await _picture(one, media) for one in sources.images]
    mask = None if sources.mask is None else await _picture(sources.mask, media)
    control = None if sources.control is None else await _picture(sources.control, media)
    brought = [*images, *(one for one in (mask, control) if one is not None)]
    if brought:
        check_together(brought)
    return Given(tuple(images), mask, control)


async def _picture(source: Source, media: MediaReader) -> Picture:
    content = await _content(source, media)
    if len(content) > MAX_FILE:
        raise TooLarge(
            f"cannot take an image of over {MAX_FILE // MIB} MiB; send a smaller one", param=source.param
        )
    return await asyncio.to_thread(open_picture, content, source.param)


async def _content(source: Source, media: MediaReader) -> bytes:
    if isinstance(source.origin, str):
        return await media.read(source.origin, source.param)
    content = await asyncio.to_thread(source.origin.read)
    if source.origin.is_file:
        return content
    return await media.read(content.decode("utf-8", "replace").strip(), source.param)
