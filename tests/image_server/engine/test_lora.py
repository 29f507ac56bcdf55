"""LoRAs on real pipelines with random weights. What counts is that the base comes back bit for bit."""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import switchyard_image_server.torch_ready  # noqa: F401 - before diffusers

# isort: split
import torch
from diffusers import DiffusionPipeline
from diffusers.hooks import apply_group_offloading
from safetensors.torch import load_file, save_file

from switchyard_image_server.errors import InvalidValue, StartFailure, Unsupported
from switchyard_image_server.images import lora_kept
from switchyard_image_server.images.lora import Wardrobe
from switchyard_image_server.images.lora_names import LoraUse
from switchyard_image_server.settings import NamedLora
from tests.image_server.engine.tiny_loras import write_lightning, write_peft

Draw = Callable[..., bytes]


def draw(pipeline: Any, **more: Any) -> bytes:
    options = {"height": 64, "width": 64, "num_inference_steps": 2, "true_cfg_scale": 1.0} | more
    with torch.inference_mode():
        drawn = pipeline("a cat", generator=torch.Generator("cpu").manual_seed(7), **options)
    content: bytes = drawn.images[0].tobytes()
    return content


def loaded(folder: Path) -> Any:
    pipeline = DiffusionPipeline.from_pretrained(folder, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@pytest.fixture(scope="module")
def shared(demo: Path) -> Any:
    return loaded(demo / "image")


@pytest.fixture
def pipeline(shared: Any) -> Iterator[Any]:
    """One pipeline for all tests, which proves that each leaves it as it was."""
    before = draw(shared)
    yield shared
    assert draw(shared) == before


@pytest.fixture
def wardrobe(tmp_path: Path, shared: Any) -> Iterator[Wardrobe]:
    write_peft(tmp_path / "ink.safetensors", shared.transformer, seed=1)
    write_lightning(tmp_path / "oil.safetensors", shared.transformer, seed=2)
    kept = Wardrobe(
        (
            NamedLora("ink", str(tmp_path / "ink.safetensors")),
            NamedLora("oil", str(tmp_path / "oil.safetensors")),
        )
    )
    yield kept
    kept.undress(shared)


def use(wardrobe: Wardrobe, name: str, scale: float = 1.0) -> LoraUse:
    source = next((lora.source for lora in wardrobe.shelf.named if lora.name == name), name)
    return LoraUse(name, source, scale)


def worn(wardrobe: Wardrobe, pipeline: Any, *uses: LoraUse) -> bytes:
    with wardrobe.worn(pipeline, uses):
        return draw(pipeline)


def test_a_lora_changes_the_picture_and_leaves_the_base_bit_for_bit(wardrobe: Wardrobe, pipeline: Any) -> None:
    base = draw(pipeline)

    dressed = worn(wardrobe, pipeline, use(wardrobe, "ink"))

    assert dressed != base
    assert draw(pipeline) == base
    assert worn(wardrobe, pipeline) == base


@pytest.mark.filterwarnings("ignore:Already found a `peft_config`:UserWarning")
def test_it_is_as_diffusers_itself_would_wear_it(wardrobe: Wardrobe, pipeline: Any, demo: Path) -> None:
    plain = loaded(demo / "image")
    plain.load_lora_weights(use(wardrobe, "ink").source, adapter_name="a")
    plain.load_lora_weights(use(wardrobe, "oil").source, adapter_name="b")
    plain.set_adapters(["a", "b"], [0.5, 0.25])

    dressed = worn(wardrobe, pipeline, use(wardrobe, "ink", 0.5), use(wardrobe, "oil", 0.25))

    assert dressed == draw(plain)


def test_both_layouts_of_the_same_weights_give_the_same_picture(
    tmp_path: Path, wardrobe: Wardrobe, pipeline: Any
) -> None:
    twin = write_lightning(tmp_path / "twin.safetensors", pipeline.transformer, seed=1)

    as_peft = worn(wardrobe, pipeline, use(wardrobe, "ink"))

    assert worn(wardrobe, pipeline, use(wardrobe, str(twin))) == as_peft


def test_scales_belong_to_the_call(wardrobe: Wardrobe, pipeline: Any) -> None:
    whole = worn(wardrobe, pipeline, use(wardrobe, "ink"))

    half = worn(wardrobe, pipeline, use(wardrobe, "ink", 0.5))

    assert half != whole
    assert worn(wardrobe, pipeline, use(wardrobe, "ink")) == whole
    assert worn(wardrobe, pipeline, use(wardrobe, "ink", 0.0)) == draw(pipeline)


def test_those_that_were_worn_before_do_not_show(wardrobe: Wardrobe, pipeline: Any) -> None:
    alone = worn(wardrobe, pipeline, use(wardrobe, "oil"))
    worn(wardrobe, pipeline, use(wardrobe, "ink"), use(wardrobe, "oil"))

    assert worn(wardrobe, pipeline, use(wardrobe, "oil")) == alone


def test_a_file_is_read_once_for_many_calls(
    wardrobe: Wardrobe, pipeline: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = worn(wardrobe, pipeline, use(wardrobe, "ink"))
    monkeypatch.setattr(type(pipeline), "load_lora_weights", lambda *_, **__: pytest.fail("read again"))

    assert worn(wardrobe, pipeline, use(wardrobe, "ink")) == first


def test_a_file_that_was_trained_anew_is_read_anew(wardrobe: Wardrobe, pipeline: Any) -> None:
    old = worn(wardrobe, pipeline, use(wardrobe, "ink"))
    write_peft(Path(use(wardrobe, "ink").source), pipeline.transformer, seed=3)

    assert worn(wardrobe, pipeline, use(wardrobe, "ink")) != old


def test_a_light_copy_shares_what_is_worn_and_the_base(wardrobe: Wardrobe, pipeline: Any) -> None:
    base = draw(pipeline)
    light = copy.copy(pipeline)

    dressed = worn(wardrobe, light, use(wardrobe, "ink"))

    assert dressed == worn(wardrobe, pipeline, use(wardrobe, "ink"))
    assert draw(light) == base


def test_a_call_that_fails_takes_off_what_it_wore(wardrobe: Wardrobe, pipeline: Any) -> None:
    base = draw(pipeline)

    with pytest.raises(RuntimeError), wardrobe.worn(pipeline, [use(wardrobe, "ink")]):
        raise RuntimeError("cancelled")

    assert draw(pipeline) == base


def test_undressing_gives_back_the_very_modules(wardrobe: Wardrobe, pipeline: Any) -> None:
    """What keeps a copy of the weights knows them by identity."""
    before = {name: id(module) for name, module in pipeline.transformer.named_modules()}
    weights = {name: id(weight) for name, weight in pipeline.transformer.named_parameters()}
    worn(wardrobe, pipeline, use(wardrobe, "ink"))

    wardrobe.undress(pipeline)

    assert {name: id(module) for name, module in pipeline.transformer.named_modules()} == before
    assert {name: id(weight) for name, weight in pipeline.transformer.named_parameters()} == weights
    assert worn(wardrobe, pipeline, use(wardrobe, "ink")) != draw(pipeline)


def test_the_longest_unworn_makes_room(
    wardrobe: Wardrobe, pipeline: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lora_kept, "MAX_KEPT", 1)
    ink = worn(wardrobe, pipeline, use(wardrobe, "ink"))

    worn(wardrobe, pipeline, use(wardrobe, "oil"))

    assert len(pipeline.transformer.peft_config) == 1
    assert worn(wardrobe, pipeline, use(wardrobe, "ink")) == ink


BREAKS: dict[str, Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]] = {
    "it is empty": lambda _: {},
    "layers this model has not": lambda tensors: {
        key.replace("transformer_blocks", "double_blocks"): tensor for key, tensor in tensors.items()
    },
    "the layer takes": lambda tensors: {
        key: torch.zeros(4, 999) if "lora_A" in key else tensor for key, tensor in tensors.items()
    },
    "the layer gives": lambda tensors: {
        key: torch.zeros(999, 4) if "lora_B" in key else tensor for key, tensor in tensors.items()
    },
    "no counterpart": lambda tensors: {key: tensor for key, tensor in tensors.items() if "lora_A" in key},
    "of its rank": lambda tensors: {
        key: tensor[:, :2].contiguous() if "lora_B" in key else tensor for key, tensor in tensors.items()
    },
}


@pytest.mark.parametrize("reason", BREAKS)
def test_what_does_not_fit_is_refused_and_leaves_the_base_alone(
    reason: str, tmp_path: Path, wardrobe: Wardrobe, pipeline: Any
) -> None:
    base = draw(pipeline)
    broken = tmp_path / "broken.safetensors"
    save_file(BREAKS[reason](load_file(use(wardrobe, "ink").source)), broken)

    with pytest.raises(InvalidValue, match=reason) as refused:
        worn(wardrobe, pipeline, use(wardrobe, "ink"), use(wardrobe, str(broken)))

    assert refused.value.param == "lora"
    assert draw(pipeline) == base


def test_a_damaged_file_is_refused_without_its_path(tmp_path: Path, wardrobe: Wardrobe, pipeline: Any) -> None:
    base = draw(pipeline)
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(b"\x80\x04 no safetensors, but what unpickles")

    with pytest.raises(InvalidValue, match="its file is damaged") as refused:
        worn(wardrobe, pipeline, LoraUse("damaged", str(damaged)))

    assert str(tmp_path) not in refused.value.message
    assert draw(pipeline) == base


def test_running_out_of_memory_while_dressing_is_no_fault_of_the_file(
    wardrobe: Wardrobe, pipeline: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = draw(pipeline)

    def starved(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(type(pipeline), "load_lora_weights", starved)
    with pytest.raises(torch.OutOfMemoryError):
        worn(wardrobe, pipeline, use(wardrobe, "ink"))

    assert draw(pipeline) == base


def test_a_pipeline_without_loras_refuses_them() -> None:
    with pytest.raises(Unsupported) as refused, Wardrobe(()).worn(object(), [LoraUse("ink", "ink")]):
        pass

    assert refused.value.param == "lora"


def test_two_of_one_name_in_the_catalog_stop_the_start(tmp_path: Path) -> None:
    with pytest.raises(StartFailure, match="two LoRAs by the name ink"):
        Wardrobe((NamedLora("ink", str(tmp_path)), NamedLora("ink", str(tmp_path))))


def test_a_lightning_file_under_another_name_is_known_by_its_title(tmp_path: Path, pipeline: Any) -> None:
    file = write_lightning(
        tmp_path / "fast.safetensors", pipeline.transformer, title="Qwen-Image-Lightning-4steps-V2.0"
    )

    titles = Wardrobe((NamedLora("quick", str(file)),)).shelf.titles

    assert titles == {"quick": "Qwen-Image-Lightning-4steps-V2.0"}


def test_it_goes_with_weights_that_are_moved_block_by_block(wardrobe: Wardrobe, demo: Path) -> None:
    offloaded = loaded(demo / "image")
    cpu = torch.device("cpu")
    apply_group_offloading(
        offloaded.transformer, onload_device=cpu, offload_type="block_level", num_blocks_per_group=1
    )
    plain = loaded(demo / "image")
    dressed = worn(wardrobe, plain, use(wardrobe, "ink"))
    wardrobe.undress(plain)
    base = draw(offloaded)

    assert worn(wardrobe, offloaded, use(wardrobe, "ink")) == dressed
    assert draw(offloaded) == base
    wardrobe.undress(offloaded)
    assert draw(offloaded) == base


def test_it_goes_with_weights_that_are_stored_in_eight_bits(wardrobe: Wardrobe, demo: Path) -> None:
    stored = loaded(demo / "image")
    stored.transformer.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=torch.float32)
    base = draw(stored)

    dressed = worn(wardrobe, stored, use(wardrobe, "ink"))

    assert dressed != base
    assert draw(stored) == base
    wardrobe.undress(stored)
    assert draw(stored) == base


def test_the_second_generation_wears_them_too(tmp_path: Path, tiny_pipelines: Any) -> None:
    tiny_pipelines.write_qwen_image_21(tmp_path / "model")
    pipeline = loaded(tmp_path / "model")
    file = write_peft(tmp_path / "ink.safetensors", pipeline.transformer)
    wardrobe = Wardrobe((NamedLora("ink", str(file)),))
    base = draw(pipeline)

    dressed = worn(wardrobe, pipeline, use(wardrobe, "ink"))

    assert dressed != base
    assert draw(pipeline) == base
