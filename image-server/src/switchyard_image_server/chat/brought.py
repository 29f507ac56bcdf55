"""Where in a part of a message a picture or video stands: every client has a field of its own for it. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from switchyard_image_server.chat.request import Address, Part
from switchyard_image_server.errors import InvalidValue, MissingParameter, Unsupported


class MediaKind(StrEnum):
    IMAGE = "image"
    VIDEO = "video"

    @classmethod
    def of(cls, part_type: str) -> "MediaKind | None":
        return _KINDS.get(part_type)


_KINDS = {
    "image_url": MediaKind.IMAGE,
    "input_image": MediaKind.IMAGE,
    "image": MediaKind.IMAGE,
    "video_url": MediaKind.VIDEO,
    "input_video": MediaKind.VIDEO,
    "video": MediaKind.VIDEO,
}
_FIELDS = {
    MediaKind.IMAGE: ("image_url", "input_image", "image", "data", "b64_json"),
    MediaKind.VIDEO: ("video_url", "input_video", "video", "data", "b64_json"),
}
_IN_OBJECTS = ("url", "data", "b64_json", "image_url", "video_url")


@dataclass(frozen=True, slots=True)
class Brought:
    """`address` may be base64 itself. `param` names the field it came in."""

    kind: MediaKind
    address: str
    param: str
    label: str | None


def brought(part: Part, kind: MediaKind, at: str) -> Brought:
    given = [name for name in _FIELDS[kind] if getattr(part, name) is not None]
    if not given:
        usual = f"{kind}_url"
        raise MissingParameter(f"cannot use an {kind} part without {usual}; add it", param=f"{at}.{usual}")
    if len(given) > 1:
        raise InvalidValue(
            f"cannot use {at}: it has both {given[0]} and {given[1]}; send one", param=f"{at}.{given[1]}"
        )
    param = f"{at}.{given[0]}"
    return Brought(kind, _address(getattr(part, given[0]), param), param, part.label)


def _address(value: object, param: str) -> str:
    match value:
        case str():
            return value
        case Address():
            return value.url
        case dict():
            if "file_id" in value:
                raise Unsupported(
                    "cannot use file_id: no files are kept here; send the content", param=f"{param}.file_id"
                )
            for name in _IN_OBJECTS:
                if isinstance(value.get(name), str):
                    return str(value[name])
        case _:
            pass
    raise MissingParameter(f"cannot use {param}: it has no url; add it", param=f"{param}.url")
