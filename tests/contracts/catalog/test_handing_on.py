"""What the proxy is told of a catalog."""

import json
from typing import Any

from switchyard_contracts.catalog import Catalog, VisionOverride, read_catalog, routing_of, serving_of
from switchyard_contracts.serving import Prefer, Rewrite, Routing, Serving, Variant, Virtual, Vision
from tests.contracts.catalog.samples import model

EYES = Vision(patch=14, image_max_pixels=1000)


def read(**said: Any) -> Catalog:
    return read_catalog(json.dumps(said))


def test_a_model_of_which_nothing_is_said_is_served_as_it_is() -> None:
    catalog = read(**model())

    assert serving_of(catalog.models["a"], EYES) == Serving()
    assert routing_of(catalog) == Routing()


def test_everything_that_is_said_is_handed_on() -> None:
    changes = {"strip": ["logit_bias"], "default": {"top_p": 0.9}, "set": {"chat_template_kwargs": {"a": [1]}}}
    more = {"set": {"temperature": 0}}
    said = model(
        max_concurrency=4,
        max_queue=5,
        request=changes,
        variants={"cold": {"request": more, "description": "Always the same."}},
        fallbacks=["b"],
        commit_after_s=0,
        heartbeat_s=2.5,
    )
    said["models"]["b"] = model()["models"]["a"]

    serving = serving_of(read(**said).models["a"], EYES)

    assert serving == Serving(
        max_concurrency=4,
        max_queue=5,
        rewrite=Rewrite.model_validate(changes),
        variants={"cold": Variant(rewrite=Rewrite.model_validate(more), description="Always the same.")},
        fallbacks=("b",),
        commit_after_s=0,
        heartbeat_s=2.5,
    )
    assert Serving.model_validate_json(serving.model_dump_json()) == serving


def test_limits_may_be_said_once_for_all_models() -> None:
    catalog = read(defaults={"max_queue": 7, "commit_after_s": 1, "heartbeat_s": 3}, **model(max_queue=8))

    serving = serving_of(catalog.models["a"], EYES)

    assert (serving.max_queue, serving.commit_after_s, serving.heartbeat_s) == (8, 1, 3)


def test_what_the_catalog_says_of_a_models_eyes_goes_before_what_its_files_say() -> None:
    catalog = read(**model(type="vision", vision={"image_max_pixels": 70_000, "patch": None, "fps": 1}))

    assert serving_of(catalog.models["a"], EYES).vision == Vision(patch=14, image_max_pixels=70_000, fps=1)


def test_a_model_that_sees_nothing_has_no_eyes() -> None:
    catalog = read(**model(capabilities=["chat"]))

    assert serving_of(catalog.models["a"], EYES).vision is None


def test_a_text_model_with_eyes_has_them() -> None:
    catalog = read(**model(capabilities=["chat", "vision"]))

    assert serving_of(catalog.models["a"], EYES).vision == EYES


def test_virtual_models_keep_the_order_of_the_file() -> None:
    virtual = {"z": {"candidates": ["a"], "prefer": "order", "description": "One."}, "b": {"candidates": ["a"]}}

    routing = routing_of(read(default_model="z", virtual=virtual, **model()))

    assert routing == Routing(
        default_model="z",
        virtual=(
            Virtual(name="z", candidates=("a",), prefer=Prefer.ORDER, description="One."),
            Virtual(name="b", candidates=("a",)),
        ),
    )


def test_every_field_of_the_eyes_may_be_overridden() -> None:
    assert VisionOverride.model_fields.keys() == Vision.model_fields.keys()
