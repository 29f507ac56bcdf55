"""How much a model may take, by what its files say."""

import json
from pathlib import Path
from typing import Any

import pytest

from switchyard_manager.engines.estimate import Estimate, estimate_folder, estimate_mib, weights_bytes

GIB = 2**30
EIGHT_B = {
    "num_hidden_layers": 36,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "hidden_size": 4096,
    "max_position_embeddings": 40_960,
}
MLA = {"num_hidden_layers": 61, "kv_lora_rank": 512, "qk_rope_head_dim": 64, "num_attention_heads": 128}


def write(file: Path, size: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(bytes(size))


def test_an_eight_billion_model_with_a_full_context() -> None:
    found = estimate_mib(EIGHT_B, int(15.3 * GIB), 32_768)

    assert found == Estimate(weights_mib=15_981, overhead_mib=3_139, cache_mib=4_608, context=32_768)
    assert found.total_mib / 1024 == pytest.approx(23.2, abs=0.05)


def test_only_heads_that_are_stored_are_counted() -> None:
    every_head = {name: value for name, value in EIGHT_B.items() if name != "num_key_value_heads"}

    shared, own = (estimate_mib(config, GIB, 1024).cache_mib for config in (EIGHT_B, every_head))

    assert (shared, own) == (144, 576)


def test_a_latent_is_stored_once_and_on_every_gpu() -> None:
    one, four = (estimate_mib(MLA, GIB, 32_768, gpus=gpus).cache_mib for gpus in (1, 4))

    assert one == four == 61 * (512 + 64) * 2 * 32_768 // 2**20


def test_several_gpus_share_weights_and_heads_but_never_less_than_one_head() -> None:
    one, two, sixteen = (estimate_mib(EIGHT_B, 16 * GIB, 32_768, gpus=gpus) for gpus in (1, 2, 16))

    assert two.weights_mib == pytest.approx(one.weights_mib / 2, abs=1)
    assert (one.cache_mib, two.cache_mib, sixteen.cache_mib) == (4608, 2304, 576)


def test_a_cache_of_single_bytes_is_half_as_large() -> None:
    assert estimate_mib(EIGHT_B, GIB, 1024, kv_bytes=1).cache_mib == 72


def test_layers_with_a_window_or_a_state_keep_less() -> None:
    kinds = ["full_attention"] * 6 + ["sliding_attention"] * 20 + ["linear_attention"] * 10
    mixed = EIGHT_B | {"layer_types": kinds, "sliding_window": 1024}

    assert estimate_mib(mixed, GIB, 32_768).cache_mib == (6 * 32 + 20) * 4  # 4 MiB for 1024 tokens of a layer


def test_a_model_that_sees_keeps_its_shape_a_level_down() -> None:
    seeing = {"model_type": "x", "text_config": EIGHT_B, "vision_config": {"num_hidden_layers": 5}}

    assert estimate_mib(seeing, GIB, 1024) == estimate_mib(EIGHT_B, GIB, 1024)


@pytest.mark.parametrize(
    ("config", "assumed"),
    [(EIGHT_B, 32_768), (EIGHT_B | {"max_position_embeddings": 2048}, 2048), ({}, 32_768)],
)
def test_a_context_that_nobody_wrote_is_a_usual_one(config: dict[str, Any], assumed: int) -> None:
    assert estimate_mib(config, GIB).context == assumed


@pytest.mark.parametrize("config", [{}, {"num_hidden_layers": 3}, {"num_hidden_layers": "three", "n_head": 2}])
def test_a_config_that_tells_nothing_leaves_the_cache_out(config: dict[str, Any]) -> None:
    found = estimate_mib(config, GIB, 1024)

    assert found.cache_mib is None
    assert found.total_mib == found.weights_mib + found.overhead_mib


def test_an_image_pipeline_takes_its_weights_and_room_to_draw() -> None:
    assert estimate_mib({"_class_name": "QwenImagePipeline"}, 20 * GIB) == Estimate(20_480, 2_048)


def test_only_files_that_an_engine_would_load_are_counted(tmp_path: Path) -> None:
    write(tmp_path / "model-00001-of-00002.safetensors", 100)
    write(tmp_path / "model-00002-of-00002.safetensors", 10)
    write(tmp_path / "model.fp16.safetensors", 7)
    write(tmp_path / "consolidated.safetensors", 110)
    write(tmp_path / "pytorch_model.bin", 110)
    write(tmp_path / "original" / "more.safetensors", 110)

    assert weights_bytes(tmp_path) == 110


def test_where_there_are_no_safetensors_others_count(tmp_path: Path) -> None:
    write(tmp_path / "pytorch_model.bin", 5)
    assert weights_bytes(tmp_path) == 5

    write(tmp_path / "model.gguf", 3)
    assert weights_bytes(tmp_path) == 3


def test_the_parts_of_a_pipeline_are_those_that_its_index_names(tmp_path: Path) -> None:
    index = {
        "_class_name": "QwenImagePipeline",
        "transformer": ["diffusers", "X"],
        "vae": ["diffusers", "Y"],
        "safety_checker": [None, None],
        "gone": ["diffusers", "Z"],
    }
    (tmp_path / "model_index.json").write_text(json.dumps(index))
    write(tmp_path / "transformer" / "diffusion_pytorch_model.safetensors", 50)
    write(tmp_path / "transformer" / "diffusion_pytorch_model.fp16.safetensors", 25)
    write(tmp_path / "vae" / "diffusion_pytorch_model.fp16.safetensors", 3)
    write(tmp_path / "safety_checker" / "model.safetensors", 1000)
    write(tmp_path / "unnamed" / "model.safetensors", 1000)

    assert weights_bytes(tmp_path) == 53
    assert estimate_folder(tmp_path) == Estimate(1, 2_048)


def test_a_folder_of_weights_is_estimated_by_its_own_config(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(EIGHT_B))
    write(tmp_path / "model.safetensors", 2**20)

    assert estimate_folder(tmp_path, 1024, gpus=2) == estimate_mib(EIGHT_B, 2**20, 1024, gpus=2)


@pytest.mark.parametrize("text", [None, "{", "[]"])
def test_a_folder_that_is_no_model_has_no_estimate(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "config.json").write_text(text)

    assert estimate_folder(tmp_path) is None
