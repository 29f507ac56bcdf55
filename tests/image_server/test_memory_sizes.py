"""Sizes are those of the files' headers; the numbers themselves are never read."""

import json
from pathlib import Path
from typing import Any

import pytest

from switchyard_image_server.memory.sizes import DamagedFile, read_folder, read_pipeline

WIDTH = {"F32": 4, "BF16": 2, "I64": 8, "U8": 1, "F8_E4M3": 1}


def write(file: Path, **tensors: tuple[str, list[int]]) -> None:
    """A header that promises those tensors, and no numbers behind it."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    for name, (dtype, shape) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [0, 0]}
    text = json.dumps(header).encode()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(len(text).to_bytes(8, "little") + text)


def test_counts_what_the_headers_promise(tmp_path: Path) -> None:
    write(
        tmp_path / "model.safetensors",
        norm=("BF16", [64]),
        layer=("BF16", [32, 64]),
        embed_tokens=("BF16", [100, 64]),
        steps=("I64", [3]),
    )

    weights = read_folder(tmp_path, "model")

    assert weights is not None
    assert weights.bytes == 2 * (64 + 32 * 64 + 100 * 64) + 24
    assert weights.matrices == 32 * 64
    assert weights.dtype == "bfloat16"
    assert weights.bytes_as(4) == 4 * (64 + 32 * 64 + 100 * 64) + 24
    assert weights.bytes_as(None) == weights.bytes


def test_shards_are_those_of_the_index(tmp_path: Path) -> None:
    for number in (1, 2):
        write(tmp_path / f"model-{number:05}-of-00002.safetensors", layer=("F32", [4, 4]))
    write(tmp_path / "model.safetensors", stale=("F32", [400, 400]))
    index = {"weight_map": {f"layer.{i}": f"model-{i:05}-of-00002.safetensors" for i in (1, 2)}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))

    weights = read_folder(tmp_path, "model")

    assert weights is not None
    assert weights.bytes == 2 * 64
    assert len(weights.files) == 2


def test_variants_and_strangers_are_not_counted(tmp_path: Path) -> None:
    write(tmp_path / "diffusion_pytorch_model.safetensors", layer=("F32", [4, 4]))
    write(tmp_path / "diffusion_pytorch_model.fp16.safetensors", layer=("F32", [400, 400]))
    write(tmp_path / "some-lora.safetensors", layer=("F32", [400, 400]))

    weights = read_folder(tmp_path, "vae")

    assert weights is not None
    assert weights.bytes == 64


def test_old_pickles_are_told_by_their_size_alone(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"x" * 1000)

    weights = read_folder(tmp_path, "model")

    assert weights is not None
    assert (weights.bytes, weights.dtype, weights.floats) == (1000, None, 0)
    assert weights.bytes_as(4) == 1000


def test_a_pipelines_parts_are_those_with_weights(tmp_path: Path) -> None:
    index = {
        "_class_name": "QwenImagePipeline",
        "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
        "text_encoder": ["transformers", "Qwen2_5_VLForConditionalGeneration"],
        "safety_checker": [None, None],
        "vae": ["diffusers", "AutoencoderKLQwenImage"],
        "sample_sigmas": [1.0, 0.5],
    }
    (tmp_path / "model_index.json").write_text(json.dumps(index))
    write(tmp_path / "text_encoder" / "model.safetensors", layer=("BF16", [8, 8]))
    write(tmp_path / "vae" / "diffusion_pytorch_model.safetensors", layer=("F32", [8]))
    (tmp_path / "scheduler").mkdir()

    parts = read_pipeline(tmp_path)

    assert [(one.name, one.class_name, one.library) for one in parts] == [
        ("text_encoder", "Qwen2_5_VLForConditionalGeneration", "transformers"),
        ("vae", "AutoencoderKLQwenImage", "diffusers"),
    ]


def test_what_is_quantised_on_disk_is_known_as_such(tmp_path: Path) -> None:
    write(tmp_path / "model.safetensors", layer=("F8_E4M3", [8, 8]), scale=("F32", [8]))
    (tmp_path / "config.json").write_text(
        json.dumps({"architectures": ["QwenFor"], "quantization_config": {"quant_method": "fp8"}})
    )

    weights = read_folder(tmp_path, "model")

    assert weights is not None
    assert weights.prequantized
    assert weights.class_name == "QwenFor"
    assert weights.bytes == 64 + 32


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"short",
        b"\xff" * 64,
        (10).to_bytes(8, "little") + b"not json..",
        (2).to_bytes(8, "little") + b"[]",
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.safetensors").write_bytes(content)

    with pytest.raises(DamagedFile, match=r"model\.safetensors is no safetensors file, or is damaged"):
        read_folder(tmp_path, "model")


def test_a_folder_without_weights_is_no_component(tmp_path: Path) -> None:
    assert read_folder(tmp_path, "tokenizer") is None
