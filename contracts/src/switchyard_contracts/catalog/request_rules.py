"""What must hold for the changes to requests, and for what an entry says of its eyes."""

import re
from collections.abc import Iterator

from switchyard_contracts.catalog.entries import Entry
from switchyard_contracts.catalog.faults import Found, Place, quoted
from switchyard_contracts.catalog.fields import NAME_PATTERN, NAME_WORDS
from switchyard_contracts.catalog.serving_fields import RequestChanges, VisionOverride
from switchyard_contracts.catalog.shared_rules import repeat_faults

UNTOUCHABLE = {
    "model": "remove it: another name for a model is an alias, and another model a fallback",
    "stream": "remove it: whether the reply comes in pieces is the client's choice",
}
BOUNDS = (
    ("image_min_pixels", "image_max_pixels"),
    ("video_min_pixels", "video_max_pixels"),
    ("min_frames", "max_frames"),
)


def request_faults(entry: Entry) -> Iterator[Found]:
    own = entry.own
    yield from _change_faults(own.request, entry.at("request"))
    for name, variant in own.variants.items():
        place = entry.at("variants", name)
        if not re.fullmatch(NAME_PATTERN, name):
            yield place, f"cannot use {quoted(name)} as the name of a variant; write {NAME_WORDS}"
        yield from _change_faults(variant.request, (*place, "request"))
    if own.vision is not None:
        yield from _vision_faults(own.vision, entry.at("vision"))


def _change_faults(changes: RequestChanges, place: Place) -> Iterator[Found]:
    places = [
        *(((*place, "strip", index), field) for index, field in enumerate(changes.strip)),
        *(((*place, "default", field), field) for field in changes.default),
        *(((*place, "set", field), field) for field in changes.set),
    ]
    for inner, field in places:
        if advice := UNTOUCHABLE.get(field):
            yield inner, f"cannot change {quoted(field)} of a request; {advice}"
        elif field in changes.strip and inner[len(place)] == "set":
            yield inner, f"cannot set {quoted(field)}, which 'strip' takes out; remove it from one of the two"
    yield from repeat_faults(changes.strip, (*place, "strip"))


def _vision_faults(said: VisionOverride, place: Place) -> Iterator[Found]:
    """Against what is said itself; what is not said, the model's files may make anything of."""
    for low, high in BOUNDS:
        least, most = getattr(said, low), getattr(said, high)
        if least is not None and most is not None and least > most:
            yield (*place, low), f"cannot use {least}, which is above {high} = {most}; lower it, or raise that"
