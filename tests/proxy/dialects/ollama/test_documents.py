"""What an Ollama client is told of the models without any engine being asked."""

import json
from typing import Any

import pytest

from switchyard_contracts.catalog import Capability, Engine, ModelType
from switchyard_contracts.status import ModelStatus, Phase
from switchyard_proxy.dialects.ollama.documents import capabilities, find, ps, pulled, show, tags, version
from tests.proxy.dialects.ollama.kept import NOON


def model(name: str, kind: ModelType = ModelType.TEXT, **more: Any) -> ModelStatus:
    return ModelStatus(name=name, type=kind, engine=Engine.VLLM, **more)


CHAT = model("chat", aliases=("gpt",), phase=Phase.READY, claim_mib=10, gpus=("a", "b"), context_length=4096)
IDLE = model("idle")
PAINT = model("paint", ModelType.IMAGE, phase=Phase.READY)
ALL = (CHAT, IDLE, PAINT)


def test_lists_what_this_api_can_ask_loaded_or_not() -> None:
    told = json.loads(tags(ALL, NOON))["models"]

    assert [one["model"] for one in told] == ["chat", "idle"]
    assert len(told[0]["digest"]) == 64
    assert told[0]["size"] == 20 * 1024 * 1024


def test_lists_as_running_what_is_loaded() -> None:
    told = json.loads(ps(ALL))["models"]

    assert [one["model"] for one in told] == ["chat"]
    assert told[0]["context_length"] == 4096


def test_shows_the_context_and_what_a_model_can_do() -> None:
    told = json.loads(show(CHAT, NOON))

    assert told["model_info"]["vllm.context_length"] == 4096
    assert told["capabilities"] == ["completion"]


def test_what_the_catalog_says_of_a_model_goes_before_its_type() -> None:
    able = (Capability.CHAT, Capability.COMPLETIONS, Capability.TOOLS, Capability.REASONING, Capability.RERANK)

    assert capabilities(model("a", capabilities=able)) == ["completion", "tools", "thinking"]
    assert capabilities(model("b", ModelType.VISION)) == ["completion", "vision"]
    assert capabilities(model("c", capabilities=(Capability.EMBEDDINGS,))) == ["embedding"]


@pytest.mark.parametrize(
    ("name", "found"), [("chat", CHAT), ("chat:latest", CHAT), ("gpt:latest", CHAT), ("no", None)]
)
def test_finds_a_model_by_name_or_alias_with_or_without_a_tag(name: str, found: ModelStatus | None) -> None:
    assert find(ALL, name) is found


def test_a_configured_model_is_pulled_at_once() -> None:
    assert [json.loads(line)["status"] for line in pulled(streams=True).splitlines()][-1] == "success"
    assert json.loads(pulled(streams=False)) == {"status": "success"}


def test_says_which_version_of_the_api_it_speaks() -> None:
    assert json.loads(version())["version"]
