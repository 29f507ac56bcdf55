"""Every entry that the page shows works as it stands, and says of itself what is true."""

import json
import re

import pytest
from docs import generate
from jsonschema import Draft202012Validator

from switchyard_contracts.catalog import Engine, Model, catalog_schema, read_catalog
from switchyard_manager.engines import ADAPTERS, Run
from switchyard_manager.places import Places
from switchyard_manager.runtimes import ContainerSpec, Kind, Listen

PAGE = (generate.ROOT / "docs/adding-a-model.md").read_text("utf-8")
EXAMPLES = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
MODELS = [model for example in EXAMPLES for model in read_catalog(example).models.values()]
FOREIGN = [model for model in MODELS if model.engine is Engine.CONTAINER]
INSIDE = Listen("0.0.0.0", 8000)


def section(heading: str) -> str:
    return re.split(rf"^##+ {heading}$", PAGE, flags=re.MULTILINE)[1].split("\n## ")[0].split("\n### ")[0]


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_accepted_by_the_reader_and_by_the_schema(example: str) -> None:
    Draft202012Validator(catalog_schema()).validate(json.loads(example))

    assert read_catalog(example).models


@pytest.mark.parametrize("model", FOREIGN, ids=lambda model: model.name)
def test_a_foreign_container_is_run_with_the_words_of_its_entry(model: Model) -> None:
    places = Places(generate.ROOT / "models.json", generate.ROOT, "-", "-")
    run = Run("x-1", "hash", Kind.DOCKER, INSIDE, gpus=("GPU-0",))

    spec = ADAPTERS[model.engine].spec(model, run, places)

    assert isinstance(spec, ContainerSpec)
    assert spec.command == model.extra_args
    assert spec.port == model.port
    assert spec.image == model.image


@pytest.mark.parametrize("model", FOREIGN, ids=lambda model: model.name)
def test_what_a_foreign_server_is_proved_by_is_what_it_can_do(model: Model) -> None:
    can = {str(capability) for capability in model.capabilities}

    canary = ADAPTERS[model.engine].canary(model)

    if can & {"chat", "embeddings"}:
        assert canary is not None
        assert canary.path == ("/v1/chat/completions" if "chat" in can else "/v1/embeddings")
    else:
        assert canary is None  # sound and pictures


@pytest.mark.parametrize("model", FOREIGN, ids=lambda model: model.name)
def test_a_server_whose_address_is_set_here_listens_beyond_its_own_loopback_and_on_its_port(
    model: Model,
) -> None:
    words = " ".join(model.extra_args).split()

    if "--host" in words:
        assert words[words.index("--host") + 1] == "0.0.0.0"
    if "--port" in words:
        assert int(words[words.index("--port") + 1]) == model.port


def test_an_editor_declares_nothing_but_edits_so_that_no_drawing_is_asked_of_it() -> None:
    editor = next(model for model in MODELS if model.name == "editor")

    assert ADAPTERS[editor.engine].canary(editor) is None


@pytest.mark.parametrize(
    "heading",
    [
        "A language model",
        "A model that looks at pictures",
        "A model that draws or edits",
        "Embeddings and ranking",
        "Any container that speaks OpenAI's API",
    ],
)
def test_each_kind_says_what_of_it_was_run(heading: str) -> None:
    assert "*Run here*:" in section(heading)


@pytest.mark.parametrize(
    "heading",
    ["llama.cpp", "text-embeddings-inference", "Whisper: speaches", "Whisper: whisper.cpp", "vLLM-Omni"],
)
def test_each_server_has_an_entry_of_its_own(heading: str) -> None:
    assert section(heading).count("```json") == 1
