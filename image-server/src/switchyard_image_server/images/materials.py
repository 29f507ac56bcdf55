"""The pictures that come along, decoded as the way of drawing wants them. On the worker thread."""

from dataclasses import dataclass

from PIL import Image, ImageChops

from switchyard_image_server.errors import InvalidValue
from switchyard_image_server.images.order import Order
from switchyard_image_server.media.pictures import Picture

_HALF = 128  # where pipelines cut a mask in two


@dataclass(frozen=True, slots=True)
class Materials:
    """`mask` is white where the picture is to change."""

    images: tuple[Image.Image, ...] = ()
    mask: Image.Image | None = None
    control: Image.Image | None = None


def materials_of(order: Order) -> Materials:
    given = order.given
    images = tuple(one.decode_with_alpha() if order.way.alpha else one.decode() for one in given.images)
    return Materials(
        images=images,
        mask=None if given.mask is None else _mask(given.mask, images[0].size),
        control=None if given.control is None else given.control.decode(),
    )


def _mask(picture: Picture, size: tuple[int, int]) -> Image.Image:
    """OpenAI's masks are transparent where the picture is to change; those without any transparency, white."""
    read = picture.decode_with_alpha()
    if read.size != size:
        raise InvalidValue(
            f"cannot use a mask of {read.width}x{read.height} for an image of {size[0]}x{size[1]}: send "
            "one of the image's size",
            param=picture.param,
        )
    alpha = read.getchannel("A")
    opaque = alpha.getextrema()[0] == 255
    mask = read.convert("L") if opaque else ImageChops.invert(alpha)
    if int(mask.getextrema()[1]) < _HALF:
        raise InvalidValue(
            "cannot change what the mask marks: it marks nothing; make it transparent there, or white in a "
            "mask without transparency",
            param=picture.param,
        )
    return mask
