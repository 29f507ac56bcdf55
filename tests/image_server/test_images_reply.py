"""Replies in OpenAI's shape, as its own types read them."""

import json
from typing import Any

import pytest
from openai.types import (
    ImageEditCompletedEvent,
    ImageEditPartialImageEvent,
    ImageGenCompletedEvent,
    ImageGenPartialImageEvent,
    ImagesResponse,
)

from switchyard_image_server.images.encode import Encoded
from switchyard_image_server.images.events import Finished, Step, Timings
from switchyard_image_server.images.reply import Reply, Shown, as_json
from switchyard_image_server.images.request import EditRequest, ImageRequest

END = Finished(5, 7, 16, Timings(0.1, 0.25, 0.05, 0.4, 2))
OPAQUE = Encoded(b"x", "image/png", "64x48", transparent=False)
CLEAR = Encoded(b"x", "image/png", "64x48", transparent=True)


def reply(kind: type[ImageRequest] = ImageRequest, *, quality_counts: bool = True, **said: Any) -> Reply:
    return Reply(kind.model_validate({"prompt": "a cat", **said}), 1_000, quality_counts)


def test_openais_types_read_the_whole() -> None:
    body = reply().whole([Shown(OPAQUE, "AAAA", 7), Shown(OPAQUE, "BBBB", 8)], END)

    read = ImagesResponse.model_validate(body, strict=True)

    assert [datum.b64_json for datum in read.data or []] == ["AAAA", "BBBB"]
    assert [datum["seed"] for datum in body["data"]] == [7, 8]
    assert (read.created, read.size, read.output_format) == (1_000, "64x48", "png")
    assert (read.quality, read.background) == ("medium", "opaque")
    assert read.usage is not None
    assert (read.usage.input_tokens, read.usage.output_tokens, read.usage.total_tokens) == (12, 16, 28)
    assert (read.usage.input_tokens_details.text_tokens, read.usage.input_tokens_details.image_tokens) == (5, 7)
    assert body["timings"] == {
        "prepare_s": 0.1,
        "denoise_s": 0.25,
        "decode_s": 0.05,
        "total_s": 0.4,
        "passes": 2,
    }


def test_addresses_stand_in_the_field_of_addresses() -> None:
    body = reply(response_format="url").whole([Shown(OPAQUE, "http://x/1.png", 7)], END)

    assert body["data"] == [{"url": "http://x/1.png", "seed": 7}]


def test_layers_say_which_they_are() -> None:
    body = reply().whole([Shown(OPAQUE, "A", 7, 0), Shown(CLEAR, "B", 7, 1)], END)

    assert [datum["layer"] for datum in body["data"]] == [0, 1]
    assert body["background"] == "transparent"


@pytest.mark.parametrize(
    ("asked", "counts", "told"),
    [
        ("auto", True, "medium"),
        ("standard", True, "medium"),
        ("hd", True, "high"),
        ("low", True, "low"),
        ("low", False, "medium"),
    ],
)
def test_tells_the_quality_that_was_drawn(asked: str, counts: bool, told: str) -> None:
    body = reply(quality=asked, quality_counts=counts).whole([Shown(OPAQUE, "A", 7)], END)

    assert ImagesResponse.model_validate(body, strict=True).quality == told


@pytest.mark.parametrize(
    ("kind", "name"), [(ImageRequest, "image_generation.progress"), (EditRequest, "image_edit.progress")]
)
def test_progress_is_called_after_what_is_drawn(kind: type[ImageRequest], name: str) -> None:
    assert reply(kind).progress(Step(2, 8)) == {"type": name, "step": 2, "total": 8}


def test_says_what_memory_has_led_to_and_whom_it_was_for() -> None:
    end = Finished(5, 0, 16, note="VAE tiling")

    body = reply(user="me").whole([Shown(OPAQUE, "A", 7)], end)

    assert (body["memory"], body["safety_identifier"]) == ("VAE tiling", "me")
    assert "memory" not in reply().whole([Shown(OPAQUE, "A", 7)], END)


@pytest.mark.parametrize(
    ("kind", "partial", "completed"),
    [
        (ImageRequest, ImageGenPartialImageEvent, ImageGenCompletedEvent),
        (EditRequest, ImageEditPartialImageEvent, ImageEditCompletedEvent),
    ],
)
def test_openais_types_read_the_events(kind: type[ImageRequest], partial: Any, completed: Any) -> None:
    drawing = reply(kind)

    first = partial.model_validate(drawing.partial(CLEAR, "AAAA", 1, 2), strict=True)
    last = completed.model_validate(drawing.completed(Shown(OPAQUE, "BBBB", 7), 1, END), strict=True)

    assert (first.partial_image_index, first.background, first.created_at) == (2, "transparent", 1_000)
    assert (last.b64_json, last.size, last.usage.total_tokens) == ("BBBB", "64x48", 28)


def test_events_say_which_picture_they_mean() -> None:
    assert reply().partial(OPAQUE, "A", 1, 0)["index"] == 1
    completed = reply().completed(Shown(OPAQUE, "B", 7, 3), 2, END)
    assert (completed["index"], completed["seed"], completed["layer"]) == (2, 7, 3)


def test_it_is_json_as_any_other() -> None:
    body = reply(user="Ärmel \N{CAT FACE}\n").whole([Shown(OPAQUE, "AAAA", 7, 1), Shown(OPAQUE, "BB=", 8)], END)

    assert json.loads(as_json(body)) == body
    assert b": " not in as_json(body)
