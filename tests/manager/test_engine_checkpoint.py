"""What a model's files say, and that no file is believed blindly."""

import json
from pathlib import Path
from typing import Any

import pytest

from switchyard_contracts.catalog import Capability, Files, Model, VllmArgs, read_catalog
from switchyard_manager.engines import checkpoint
from switchyard_manager.engines.checkpoint import lora_rank, read_files, settle_by_files, snapshot
from switchyard_manager.places import Places

THINKS = "{% if tools %}<tool_call>{% endif %}{% if add_generation_prompt %}<think>\n{% endif %}"


def model_of(**said: Any) -> Model:
    return read_catalog(json.dumps({"models": {"m": {"type": "text", **said}}})).models["m"]


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "models.json", tmp_path, "-", "-", hf_cache=tmp_path / "hf")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "weights"
    made.mkdir()
    (made / "config.json").write_text('{"model_type": "qwen3", "architectures": ["Qwen3ForCausalLM"]}')
    return made


def test_a_models_files_say_what_it_is(folder: Path) -> None:
    (folder / "chat_template.jinja").write_text(THINKS)

    assert read_files(folder) == Files("qwen3", ("Qwen3ForCausalLM",), THINKS)
    assert read_files(folder, own_template=False).template is None


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("tokenizer_config.json", {"chat_template": THINKS}),
        ("chat_template.json", {"chat_template": THINKS}),
        (
            "tokenizer_config.json",
            {"chat_template": [{"name": "default", "template": THINKS}, {"name": "odd"}]},
        ),
    ],
)
def test_a_template_is_found_wherever_a_model_has_it(name: str, said: Any, folder: Path) -> None:
    (folder / name).write_text(json.dumps(said))

    assert read_files(folder).template == THINKS


@pytest.mark.parametrize("name", ["modules.json", "1_Pooling"])
def test_a_model_that_says_how_to_make_a_vector_embeds(name: str, folder: Path) -> None:
    (folder / name).mkdir() if name == "1_Pooling" else (folder / name).write_text("[]")

    assert read_files(folder).embeds


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"model_type": 7, "architectures": "x"}', "[" * 100_000]
)
def test_a_file_that_makes_no_sense_says_nothing(text: str, folder: Path) -> None:
    (folder / "config.json").write_text(text)
    (folder / "tokenizer_config.json").write_text(text)
    (folder / "adapter_config.json").write_text(text)

    assert read_files(folder) == Files()
    assert lora_rank(folder) is None


def test_a_file_of_no_end_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "LARGEST_FILE", 10)

    assert read_files(folder) == Files()


def test_a_repository_that_is_not_in_the_cache_is_nowhere(places: Places) -> None:
    assert snapshot("org/m", None, places) is None
    (places.hub / "models--org--m" / "refs").mkdir(parents=True)
    (places.hub / "models--org--m" / "refs" / "main").write_text("gone")
    assert snapshot("org/m", None, places) is None


def test_a_model_is_settled_by_what_is_here(folder: Path, places: Places) -> None:
    (folder / "chat_template.jinja").write_text(THINKS)

    settled = settle_by_files(model_of(path="weights"), places)

    assert isinstance(settled.engine_args, VllmArgs)
    assert (settled.engine_args.tool_call_parser, settled.engine_args.reasoning_parser) == ("hermes", "qwen3")
    assert {Capability.TOOLS, Capability.REASONING} <= set(settled.capabilities)


def test_where_nothing_is_here_its_name_must_do(places: Places) -> None:
    settled = settle_by_files(model_of(repo="BAAI/bge-m3"), places)

    assert settled.capabilities == (Capability.EMBEDDINGS, Capability.RERANK)


def test_a_template_of_the_operators_says_nothing_of_the_models_own(folder: Path, places: Places) -> None:
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    model = model_of(path="weights", engine_args={"chat_template": "/mine.jinja"})

    settled = settle_by_files(model, places)

    assert isinstance(settled.engine_args, VllmArgs)
    assert settled.engine_args.tool_call_parser == "hermes"


def test_other_engines_are_left_alone(folder: Path, places: Places) -> None:
    model = model_of(path="weights", engine="image-server")

    assert settle_by_files(model, places) is model
