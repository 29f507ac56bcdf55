"""Which files of a repository an engine needs, by the names that real repositories have."""

from typing import Any

import pytest

from switchyard_manager.model_files.choice import Unclear, choose, is_whole, other_repositories
from switchyard_manager.model_files.needs import Need, Part

LLAMA = (
    ".gitattributes",
    "LICENSE",
    "README.md",
    "config.json",
    "generation_config.json",
    "model-00001-of-00002.safetensors",
    "model-00002-of-00002.safetensors",
    "model.safetensors.index.json",
    "original/consolidated.00.pth",
    "original/params.json",
    "pytorch_model-00001-of-00001.bin",
    "tokenizer.json",
)
MISTRAL = (
    "config.json",
    "consolidated.safetensors",
    "model-00001-of-00001.safetensors",
    "params.json",
    "tekken.json",
)
PIPELINE = (
    "README.md",
    "flux1-dev.safetensors",
    "model_index.json",
    "scheduler/scheduler_config.json",
    "text_encoder/config.json",
    "text_encoder/model.fp16.safetensors",
    "text_encoder/model.safetensors",
    "text_encoder/pytorch_model.bin",
    "tokenizer/merges.txt",
    "tokenizer/vocab.json",
    "transformer/diffusion_pytorch_model-00001-of-00002.safetensors",
    "transformer/diffusion_pytorch_model-00002-of-00002.safetensors",
    "transformer/diffusion_pytorch_model.safetensors.index.json",
    "safety_checker/model.safetensors",
    "vae/flax_model.msgpack",
)
INDEX = {
    "model_index.json": {
        "_class_name": "FluxPipeline",
        "safety_checker": [None, None],
        "scheduler": ["diffusers", "Euler"],
        "text_encoder": ["transformers", "T5"],
        "tokenizer": ["transformers", "T5Tokenizer"],
        "transformer": ["diffusers", "Flux"],
    }
}
SENTENCES = ("1_Pooling/config.json", "2_Dense/model.safetensors", "config.json", "modules.json")


def chosen(names: tuple[str, ...], told: dict[str, Any] | None = None, **said: Any) -> set[str]:
    return set(choose(Need("org/model", **said), names, told or {}))


def test_safetensors_are_taken_before_the_same_weights_in_other_forms() -> None:
    assert chosen(LLAMA) == {
        "config.json",
        "generation_config.json",
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
        "model.safetensors.index.json",
        "tokenizer.json",
    }


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "model.pth", "model.gguf"])
def test_where_there_is_but_one_form_it_is_taken(name: str) -> None:
    assert chosen(("config.json", name)) == {"config.json", name}


def test_of_mistrals_two_forms_the_one_is_taken_that_will_be_loaded() -> None:
    usual = chosen(MISTRAL)

    assert "consolidated.safetensors" not in usual
    assert "model-00001-of-00001.safetensors" in usual
    assert chosen(MISTRAL, part=Part.MISTRAL) == {
        "config.json",
        "consolidated.safetensors",
        "params.json",
        "tekken.json",
    }


def test_of_a_pipeline_the_parts_are_taken_that_its_index_names() -> None:
    assert set(PIPELINE) - chosen(PIPELINE, INDEX) == {
        "README.md",
        "flux1-dev.safetensors",
        "text_encoder/model.fp16.safetensors",
        "text_encoder/pytorch_model.bin",
        "safety_checker/model.safetensors",
        "vae/flax_model.msgpack",
    }


def test_a_model_of_several_parts_keeps_them_all() -> None:
    assert chosen((*SENTENCES, "model.safetensors", "onnx/model.safetensors")) == {
        *SENTENCES,
        "model.safetensors",
    }


def test_only_numbers_in_another_format_are_better_than_none() -> None:
    assert "model.fp16.safetensors" in chosen(("config.json", "model.fp16.safetensors"))


def test_of_several_gguf_files_there_is_no_telling_which_is_meant() -> None:
    with pytest.raises(Unclear, match="2 times, as GGUF files") as unclear:
        chosen(("model-Q4_K_M.gguf", "model-Q8_0-00001-of-00002.gguf", "model-Q8_0-00002-of-00002.gguf"))

    assert "model-Q4_K_M.gguf, model-Q8_0.gguf" in str(unclear.value)


def test_one_gguf_model_in_several_files_is_one() -> None:
    split = ("m-Q8_0-00001-of-00002.gguf", "m-Q8_0-00002-of-00002.gguf")

    assert chosen(split) == set(split)


def test_a_repository_without_weights_is_said_to_have_none() -> None:
    with pytest.raises(Unclear, match=r"holds no weights .* README.md"):
        chosen(("README.md", "config.json"))


def test_of_a_tokenizers_repository_the_weights_stay_where_they_are() -> None:
    assert not any(name.endswith((".safetensors", ".bin")) for name in chosen(LLAMA, part=Part.SMALL))


def test_of_a_lora_one_file_may_be_meant() -> None:
    names = ("a.safetensors", "b.safetensors", "README.md")

    assert chosen(names, part=Part.ADAPTER, file="b.safetensors") == {"b.safetensors"}
    assert chosen(names, part=Part.ADAPTER) == {"a.safetensors", "b.safetensors"}


def test_what_lacks_a_file_that_its_own_list_names_is_not_whole() -> None:
    index = {
        "model.safetensors.index.json": {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    }

    assert is_whole(("model-1.safetensors", "model-2.safetensors"), index)
    assert not is_whole(("model-1.safetensors",), index)
    assert not is_whole(("config.json",), {})
    assert not is_whole(("text_encoder/model.safetensors",), INDEX)


def test_code_of_other_repositories_is_found_by_the_configuration() -> None:
    said = {"config.json": {"auto_map": {"AutoConfig": "org/code--configuration.C", "AutoModel": "modeling.M"}}}

    assert other_repositories(said) == ("org/code",)
    assert other_repositories({"config.json": ["odd"]}) == ()


def test_what_shows_pictures_to_a_gguf_model_is_no_second_model() -> None:
    assert chosen(("config.json", "m-Q8_0.gguf", "mmproj-m-f16.gguf")) == {"config.json", "m-Q8_0.gguf"}


def test_what_belongs_to_a_part_that_the_pipeline_does_not_have_is_left_there() -> None:
    names = (*PIPELINE, "safety_checker/config.json")

    assert "safety_checker/config.json" not in choose(Need("org/m"), names, INDEX)


def test_the_tokenizers_of_mistrals_own_tools_come_too() -> None:
    names = ("consolidated.safetensors", "params.json", "tokenizer.model.v3", "tokenizer.model.v7m1")

    assert choose(Need("org/m", part=Part.MISTRAL), names, {}) == names


def test_a_file_that_is_named_and_not_there_is_missed() -> None:
    need = Need("org/loras", part=Part.ADAPTER, file="other.safetensors")

    assert choose(need, ("other.safetensors", "style.safetensors"), {}) == ("other.safetensors",)
    with pytest.raises(Unclear, match=r"no file other\.safetensors"):
        choose(need, ("style.safetensors",), {})


def test_an_adapter_without_weights_is_none() -> None:
    with pytest.raises(Unclear, match="no weights"):
        choose(Need("org/lora", part=Part.ADAPTER), ("adapter_config.json",), {})
