"""What a model must be able to do for each kind of request."""

from typing import Any

import pytest

from switchyard_contracts.catalog import Capability, Engine, ModelType
from switchyard_contracts.status import ModelStatus
from switchyard_proxy.routing import needs
from switchyard_proxy.routing.needs import Need
from tests.proxy.managers import status

TEXT, VISION, IMAGE = ModelType.TEXT, ModelType.VISION, ModelType.IMAGE
NEEDS = {name: need for name, need in vars(needs).items() if isinstance(need, Need)}
CHATTING = {"CHAT", "COMPLETIONS", "TOKENIZE", "ANY"}
OF_WORDS = CHATTING | {"EMBEDDINGS", "RERANK", "SPEECH", "TRANSCRIPTIONS"}


def able(kind: ModelType, *capabilities: str, engine: Engine = Engine.VLLM) -> ModelStatus:
    return status("m", kind, engine=engine, capabilities=capabilities)


def of_container(kind: ModelType, *capabilities: str) -> ModelStatus:
    return able(kind, *capabilities, engine=Engine.CONTAINER)


SERVED: dict[str, tuple[ModelStatus, set[str]]] = {
    "a text model as the catalog has it": (able(TEXT, "chat", "completions"), CHATTING),
    "a text model of the image server": (
        able(TEXT, "chat", engine=Engine.IMAGE_SERVER),
        {"CHAT", "TOKENIZE", "ANY"},
    ),
    "a text model of which nothing is known": (able(TEXT), OF_WORDS),
    "a vision model of which nothing is known": (able(VISION), OF_WORDS),
    "a vision model of vLLM": (able(VISION, "chat", "completions", "vision"), CHATTING),
    "a model that only embeds and ranks": (
        able(TEXT, "embeddings", "rerank"),
        {"EMBEDDINGS", "RERANK", "TOKENIZE", "ANY"},
    ),
    "an image model as the catalog has it": (
        able(IMAGE, "images", engine=Engine.IMAGE_SERVER),
        {"IMAGES", "IMAGE_EDITS", "ANY"},
    ),
    "an image model that only edits": (able(IMAGE, "image_edits"), {"IMAGE_EDITS", "ANY"}),
    "an image model of which nothing is known": (able(IMAGE), {"IMAGES", "IMAGE_EDITS", "ANY"}),
    "a container that declares nothing": (of_container(TEXT, "chat", "completions"), OF_WORDS),
    "a container with eyes that declares nothing": (
        of_container(VISION, "chat", "completions", "vision"),
        OF_WORDS,
    ),
    "a container that only transcribes": (
        of_container(TEXT, "transcriptions"),
        {"TRANSCRIPTIONS", "TOKENIZE", "ANY"},
    ),
    "a container of images that declares nothing": (
        of_container(IMAGE, "images"),
        {"IMAGES", "IMAGE_EDITS", "ANY"},
    ),
    "a text model that also speaks and draws": (
        able(TEXT, "chat", "speech", "images"),
        {"CHAT", "SPEECH", "IMAGES", "TOKENIZE", "ANY"},
    ),
}


@pytest.mark.parametrize(("model", "served"), SERVED.values(), ids=SERVED)
def test_a_model_is_asked_for_what_it_can_do(model: ModelStatus, served: set[str]) -> None:
    assert {name for name, need in NEEDS.items() if need(model)} == served


@pytest.mark.parametrize("capability", Capability)
def test_every_capability_that_is_a_kind_of_request_is_one_here(capability: Capability) -> None:
    ways_of_chatting: set[Any] = {Capability.VISION, Capability.TOOLS, Capability.REASONING}

    needed = any(capability in need.capabilities for need in NEEDS.values())

    assert needed is (capability not in ways_of_chatting)
