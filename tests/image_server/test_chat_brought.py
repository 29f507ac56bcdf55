"""Where in a part a picture or a video stands."""

from typing import Any

import pytest

from switchyard_image_server.chat.brought import MediaKind, brought
from switchyard_image_server.chat.request import Part
from switchyard_image_server.errors import InvalidValue


@pytest.mark.parametrize(
    ("type_", "kind"),
    [
        *((name, MediaKind.IMAGE) for name in ("image", "image_url", "input_image")),
        *((name, MediaKind.VIDEO) for name in ("video", "video_url", "input_video")),
        *((name, None) for name in ("text", "file", "", "IMAGE")),
    ],
)
def test_a_parts_type_says_what_it_brings(type_: str, kind: MediaKind | None) -> None:
    assert MediaKind.of(type_) is kind


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"video_url": {"url": "here"}}, "at.video_url"),
        ({"video_url": "here"}, "at.video_url"),
        ({"input_video": {"url": "here"}}, "at.input_video"),
        ({"input_video": {"video_url": "here"}}, "at.input_video"),
        ({"video": "here"}, "at.video"),
        ({"data": "here"}, "at.data"),
        ({"b64_json": "here"}, "at.b64_json"),
    ],
)
def test_names_the_field_that_the_address_came_in(fields: dict[str, Any], param: str) -> None:
    found = brought(Part.model_validate({"type": "video", **fields}), MediaKind.VIDEO, "at")

    assert (found.address, found.param) == ("here", param)


def test_two_addresses_in_one_part_are_one_too_many() -> None:
    part = Part(type="image", image_url="a", b64_json="b")

    with pytest.raises(InvalidValue, match="both image_url and b64_json"):
        brought(part, MediaKind.IMAGE, "at")
