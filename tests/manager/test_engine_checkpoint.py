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


# What the tokenizer knows


def vocabulary(folder: Path, name: str, *words: str) -> None:
    filler = {f"word{index}": index for index in range(200_000)}  # some megabytes, as in truth
    (folder / name).write_text(json.dumps({"model": {"vocab": {**filler, **dict.fromkeys(words, 1)}}}))


def test_a_word_that_the_tokenizer_lacks_is_told(folder: Path) -> None:
    vocabulary(folder, "tokenizer.json", "<think>", "</think>", "[TOOL_CALLS]")

    lacks = read_files(folder).lacks

    assert "<|python_tag|>" in lacks
    assert not lacks & {"<think>", "</think>", "[TOOL_CALLS]"}
    assert read_files(folder, own_words=False).lacks == frozenset()


def test_a_word_that_only_the_template_has_is_none_of_the_tokenizers(folder: Path) -> None:
    vocabulary(folder, "tokenizer.json")
    told = {"chat_template": "{{ \"<think>\" }} '<think>' [TOOL_CALLS]"}
    (folder / "tokenizer_config.json").write_text(json.dumps(told))

    assert {"<think>", "[TOOL_CALLS]"} <= read_files(folder).lacks


def test_a_word_that_was_added_later_is_one_of_the_tokenizers(folder: Path) -> None:
    vocabulary(folder, "vocab.json")
    (folder / "added_tokens.json").write_text(
        json.dumps({"<think>": 7, "<\uff5ctool\u2581calls\u2581begin\uff5c>": 8})
    )

    lacks = read_files(folder).lacks

    assert not lacks & {"<think>", "<\uff5ctool\u2581calls\u2581begin\uff5c>"}


def test_a_word_is_found_in_mistrals_own_vocabularies(folder: Path) -> None:
    (folder / "tokenizer.model.v3").write_bytes(b"\x0a\x0e" + b"[TOOL_CALLS]\x15")

    assert "[TOOL_CALLS]" not in read_files(folder).lacks


def test_of_a_vocabulary_that_cannot_be_searched_nothing_is_said_to_lack(folder: Path) -> None:
    (folder / "qwen.tiktoken").write_text("IQ== 0")

    assert read_files(folder).lacks == frozenset()


def test_a_word_over_the_edge_of_what_is_read_at_once_is_found(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "PIECE", 3)
    (folder / "vocab.json").write_text('{"a": 1, "<think>": 2, "b": 3}')

    assert "<think>" not in read_files(folder).lacks


def test_another_vocabulary_in_the_same_place_is_searched_anew(folder: Path) -> None:
    (folder / "vocab.json").write_text("{}")
    assert "<think>" in read_files(folder).lacks

    (folder / "vocab.json").write_text('{"<think>": 2}')

    assert "<think>" not in read_files(folder).lacks


def test_a_model_whose_tokenizer_cannot_call_tools_starts_without(places: Places, tmp_path: Path) -> None:
    """The first Mistrals, and what was made of them, have no word for it: with the parser vLLM would end."""
    folder = tmp_path / "Mistral-7B-v0.1"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "mistral"}')
    (folder / "tokenizer.json").write_text('{"<s>": 1}')
    model = model_of(path=str(folder))

    settled = settle_by_files(model, places)
    with_another = settle_by_files(model_of(path=str(folder), engine_args={"tokenizer": "org/v3"}), places)

    assert isinstance(settled.engine_args, VllmArgs)
    assert settled.engine_args.tool_call_parser is None
    assert Capability.TOOLS not in settled.capabilities
    assert isinstance(with_another.engine_args, VllmArgs)
    assert with_another.engine_args.tool_call_parser == "mistral"
