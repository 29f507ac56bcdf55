"""Choose the way to draw by the pictures that came along. Pure; a refusal names the field."""

from collections.abc import Sequence

from switchyard_image_server.errors import InvalidValue, MissingParameter, Unsupported
from switchyard_image_server.images.ways import Way
from switchyard_image_server.media.pictures import Picture


def way_for(
    ways: Sequence[Way], images: Sequence[Picture], mask: Picture | None, control: Picture | None
) -> Way:
    """The one way that takes them all."""
    ways = _with_control(ways, images, mask, control)
    ways = _with_mask(ways, images, mask)
    for way in ways:
        if way.least_images <= len(images) <= way.most_images:
            return way
    raise _wrong_number(ways, images)


def _with_control(
    ways: Sequence[Way], images: Sequence[Picture], mask: Picture | None, control: Picture | None
) -> list[Way]:
    able = [way for way in ways if way.control is (control is not None)]
    if control is not None and not able:
        raise Unsupported(
            "cannot follow a control image: no ControlNet is loaded that reads one; start the server with one "
            "(--controlnet), or leave it out",
            param=control.param,
        )
    other = images[0] if images else mask
    if control is not None and other is not None:
        raise Unsupported(
            "cannot follow a control image and change an image at once; send one of the two", param=other.param
        )
    return able


def _with_mask(ways: Sequence[Way], images: Sequence[Picture], mask: Picture | None) -> list[Way]:
    able = [way for way in ways if way.mask is (mask is not None)]
    if mask is None:
        return able
    if not able:
        raise Unsupported(
            "cannot change only what a mask marks with this model; leave the mask out, and say in the prompt "
            "what is to be changed where",
            param=mask.param,
        )
    if not images:
        raise MissingParameter("cannot use a mask without the image that it is for; send it", param="image")
    return able


def _wrong_number(ways: Sequence[Way], images: Sequence[Picture]) -> Exception:
    most = max((way.most_images for way in ways), default=0)
    if not images:
        return MissingParameter(
            "cannot draw from words alone: this model changes images; send one to /v1/images/edits",
            param="image",
        )
    if most == 0:
        return Unsupported(
            "cannot change an image: this model draws from words alone; use /v1/images/generations",
            param=images[0].param,
        )
    return InvalidValue(
        f"cannot use {len(images)} images: this model takes {most} at the most; leave some out",
        param=images[most].param,
    )
