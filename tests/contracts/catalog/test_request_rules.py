# ruff: noqa: E501  (a sentence stays on one line, so that it is found by searching for it)
"""What may not be changed in a request, and what cannot be said of a model's eyes, word for word."""

import json
from typing import Any

import pytest

from switchyard_contracts.catalog import read_catalog
from tests.contracts.catalog.samples import container, model, told


def seeing(**fields: Any) -> dict[str, Any]:
    return model(type="vision", vision=fields)


REQUESTS = {
    "the model and the stream of a request": (
        model(
            request={"strip": ["model"], "default": {"stream": True}, "set": {"model": "x", "stream": False}}
        ),
        'models.a.request.strip[0]: cannot change "model" of a request; remove it: another name for a model is an alias, and another model a fallback',
        'models.a.request.default.stream: cannot change "stream" of a request; remove it: whether the reply comes in pieces is the client\'s choice',
        'models.a.request.set.model: cannot change "model" of a request; remove it: another name for a model is an alias, and another model a fallback',
        'models.a.request.set.stream: cannot change "stream" of a request; remove it: whether the reply comes in pieces is the client\'s choice',
    ),
    "a field that is taken out and set": (
        model(request={"set": {"top_p": 1, "top_k": 5}, "strip": ["min_p", "top_p"]}),
        "models.a.request.set.top_p: cannot set \"top_p\", which 'strip' takes out; remove it from one of the two",
    ),
    "a field taken out twice": (
        model(request={"strip": ["top_p", "top_p"]}),
        'models.a.request.strip[1]: cannot name "top_p" twice; remove one of the two',
    ),
    "the same in a variant": (
        model(variants={"x": {"request": {"set": {"stream": True, "n": 1}, "strip": ["n"]}}}),
        'models.a.variants.x.request.set.stream: cannot change "stream" of a request; remove it: whether the reply comes in pieces is the client\'s choice',
        "models.a.variants.x.request.set.n: cannot set \"n\", which 'strip' takes out; remove it from one of the two",
    ),
    "a variant's name with a blank": (
        model(variants={"no thinking": {}}),
        'models.a.variants["no thinking"]: cannot use "no thinking" as the name of a variant; write a name of letters, digits and . _ - : / @ + not beginning with a sign',
    ),
    "a misspelt key of changes": (
        model(request={"defaults": {}}),
        "models.a.request.defaults: cannot use the unknown key 'defaults'; did you mean 'default'?",
    ),
    "a misspelt key of a variant": (
        model(variants={"x": {"reqest": {}}}),
        "models.a.variants.x.reqest: cannot use the unknown key 'reqest'; did you mean 'request'?",
    ),
    "changes that are a list": (
        model(request=["temperature"]),
        "models.a.request: cannot use a list; write an object {...}",
    ),
    "a field to take out that is no name": (
        model(request={"strip": [1], "set": []}),
        "models.a.request.strip[0]: cannot use the number 1; write text in double quotes, not empty",
        "models.a.request.set: cannot use a list; write an object {...}",
    ),
    "what cannot be read inside a change is told once": (
        '{"models": {"a": {"type": "text", "repo": "a/b", "request": {"set": {"x": {"dict": [NaN]}}}}}}',
        "models.a.request.set.x.dict[0]: cannot use NaN as a number; write a finite one of 18 digits at most",
    ),
    "limits that are none": (
        model(max_queue=0, commit_after_s=-1, heartbeat_s=0),
        "models.a.max_queue: cannot use the number 0; write a whole number of at least 1",
        "models.a.commit_after_s: cannot use the number -1; write a number from 0 to 31536000 or null",
        "models.a.heartbeat_s: cannot use the number 0; write a number above 0 and at most 31536000 or null",
    ),
    "the eyes of a model that has none": (
        model(vision={"patch": 14}),
        "models.a.vision: cannot tell how a model sees that does not; remove 'vision', or add it to its capabilities",
    ),
    "bounds the wrong way round": (
        seeing(image_min_pixels=9, image_max_pixels=8, min_frames=5, max_frames=4),
        "models.a.vision.image_min_pixels: cannot use 9, which is above image_max_pixels = 8; lower it, or raise that",
        "models.a.vision.min_frames: cannot use 5, which is above max_frames = 4; lower it, or raise that",
    ),
    "a patch of nothing, and a misspelt field": (
        seeing(patch=0, fps=0, patch_size=16),
        "models.a.vision.patch: cannot use the number 0; write a whole number of at least 1 or null",
        "models.a.vision.fps: cannot use the number 0; write a number above 0 and at most 1000 or null",
        "models.a.vision.patch_size: cannot use the unknown key 'patch_size'; did you mean 'patch'?",
    ),
}


@pytest.mark.parametrize(
    ("file", "faults"), [(file, faults) for file, *faults in REQUESTS.values()], ids=REQUESTS
)
def test_a_change_that_cannot_be_made_is_told_why(file: Any, faults: list[str]) -> None:
    assert told(file if isinstance(file, str) else json.dumps(file)) == faults


@pytest.mark.parametrize(
    "file",
    [
        model(type="vision", vision={"patch": 14}),
        container(capabilities=["chat", "vision"], vision={"patch": 14}),
        container(type="vision", vision={}),
        model(vision=None),
    ],
)
def test_whatever_sees_may_say_how(file: dict[str, Any]) -> None:
    assert read_catalog(json.dumps(file)).models["a"].name == "a"


def test_a_field_may_be_taken_out_and_then_have_a_default() -> None:
    file = model(request={"strip": ["top_p"], "default": {"top_p": 0.9}})

    assert read_catalog(json.dumps(file)).models["a"].request.default == {"top_p": 0.9}
