"""What an entry of the catalog needs of the Hub."""

import json
from typing import Any

import pytest

from switchyard_contracts.catalog import Model, read_catalog
from switchyard_manager.model_files.needs import Need, Part, has_files, needs_of


def model_of(**said: Any) -> Model:
    return read_catalog(json.dumps({"models": {"m": {"type": "text", **said}}})).models["m"]


def test_its_own_repository_at_its_revision() -> None:
    assert needs_of(model_of(repo="org/m", revision="v1")) == (Need("org/m", "v1"),)


def test_a_folder_needs_nothing_of_the_hub_and_is_looked_for_all_the_same() -> None:
    model = model_of(path="weights")

    assert has_files(model)
    assert needs_of(model) == ()


def test_a_foreign_images_files_are_its_own_business() -> None:
    model = model_of(engine="container", image="some:image", port=80)

    assert not has_files(model)
    assert needs_of(model) == ()


@pytest.mark.parametrize(
    ("args", "needs"),
    [
        ({"tokenizer": "org/words"}, (Need("org/words", part=Part.SMALL, must=False),)),
        ({"tokenizer": "/mounted/words"}, ()),
    ],
)
def test_what_vllms_flags_name(args: dict[str, Any], needs: tuple[Need, ...]) -> None:
    assert needs_of(model_of(repo="org/m", engine_args=args))[1:] == needs


def test_the_form_of_the_weights_follows_from_how_they_are_loaded() -> None:
    (mistral,) = needs_of(model_of(repo="org/m", engine_args={"load_format": "mistral"}))
    (coded,) = needs_of(model_of(repo="org/m", engine_args={"trust_remote_code": True}))

    assert mistral.part is Part.MISTRAL
    assert coded.code


def test_what_the_image_servers_flags_name() -> None:
    args = {
        "controlnet": "org/control",
        "lora": {"a": "org/style:0.8", "b": "org/pack/one.safetensors", "c": "/srv/mine.safetensors"},
    }

    needs = needs_of(model_of(type="image", repo="org/m", engine_args=args))

    assert needs[1:] == (
        Need("org/control", must=False),
        Need("org/style", part=Part.ADAPTER, must=False),
        Need("org/pack", part=Part.ADAPTER, file="one.safetensors", must=False),
    )


def test_the_adapters_of_its_variants() -> None:
    variants = {"sql": {"lora": {"repo": "org/sql", "revision": "v2"}}}

    assert needs_of(model_of(repo="org/m", variants=variants))[1:] == (Need("org/sql", "v2", Part.ADAPTER),)
