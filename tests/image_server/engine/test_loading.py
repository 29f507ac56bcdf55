"""Loading tells how far it is, puts parts where they belong, keeps number formats, and fails with a reason."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch

from switchyard_image_server.device import Placement
from switchyard_image_server.errors import StartCode, StartFailure
from switchyard_image_server.memory.load_language import load_language_model
from switchyard_image_server.memory.load_pipeline import load_pipeline
from switchyard_image_server.progress import Progress
from switchyard_image_server.settings import Device, ModelSettings, Placing, Quantization
from tests.image_server.engine.tiny_loras import write_peft

CPU = Placement("cpu", torch.float32)
MIB = 2**20


def settings_of(folder: Path, **wishes: Any) -> ModelSettings:
    return ModelSettings(str(folder), device=Device.CPU, **wishes)


def pipeline_of(folder: Path, placement: Placement = CPU, **wishes: Any) -> tuple[Any, Any]:
    return load_pipeline(settings_of(folder, **wishes), placement, "QwenImagePipeline")


def draw(pipeline: Any) -> Any:
    with torch.inference_mode():
        call = {"height": 64, "width": 64, "num_inference_steps": 2, "true_cfg_scale": 1.0}
        return np.asarray(pipeline("a cat", generator=torch.Generator().manual_seed(1), **call).images[0])


def test_tells_component_files_and_bytes_while_it_loads(demo: Path) -> None:
    told: list[Progress] = []

    load_pipeline(settings_of(demo / "image"), CPU, "QwenImagePipeline", told.append)

    weights = sum(file.stat().st_size for file in (demo / "image").rglob("*.safetensors"))
    assert [one.component for one in told if one.component] == [one.component for one in told]
    assert {one.component for one in told} == {"text_encoder", "transformer", "vae"}
    assert [one.bytes_done for one in told] == sorted(one.bytes_done for one in told)
    assert told[0].bytes_done == 0
    assert told[-1].bytes_done == told[-1].bytes == weights
    assert told[-1].files_done == told[-1].files == 3


def test_a_language_model_tells_its_progress_too(demo: Path) -> None:
    told: list[Progress] = []

    model, reader, residence = load_language_model(
        settings_of(demo / "chat"), CPU, sees=False, tell=told.append
    )

    assert reader.chat_template
    assert not model.training
    assert told[-1].files_done == told[-1].files > 0
    assert [one.name for one in residence.report.components] == ["model"]


def test_reports_what_the_components_take_and_in_which_format(demo: Path) -> None:
    pipeline, residence = pipeline_of(demo / "image")

    by_name = {one.name: one for one in residence.report.components}

    assert set(by_name) == {"text_encoder", "transformer", "vae"}
    assert by_name["transformer"].bytes == sum(one.nbytes for one in pipeline.transformer.parameters())
    assert by_name["transformer"].dtype == "float32"
    assert residence.report.device == "cpu"
    assert "everything stays on the device" in residence.report.reason


def test_keeps_the_format_of_the_files_where_none_is_asked_for(demo: Path, tmp_path: Path) -> None:
    """Diffusers by itself would make it float32: twice the memory."""
    whole = diffusers.DiffusionPipeline.from_pretrained(demo / "image", dtype=torch.bfloat16)
    whole.save_pretrained(tmp_path / "narrow")

    pipeline, residence = pipeline_of(tmp_path / "narrow", Placement("cpu", "auto"))

    assert {pipeline.transformer.dtype, pipeline.vae.dtype, pipeline.text_encoder.dtype} == {torch.bfloat16}
    assert {one.dtype for one in residence.report.components} == {"bfloat16"}


@pytest.mark.parametrize("how", [Quantization.INT8, Quantization.FP8])
@pytest.mark.parametrize("placing", [Placing.RESIDENT, Placing.ENCODER_SWAP, Placing.GROUP_OFFLOAD])
def test_draws_nearly_the_same_in_eight_bit(demo: Path, how: Quantization, placing: Placing) -> None:
    whole, _ = pipeline_of(demo / "image")
    pipeline, residence = pipeline_of(demo / "image", quantization=how, placing=placing)

    expected, drawn = draw(whole).astype(int), draw(pipeline)
    residence.sleep()
    residence.wake()

    assert 0 < np.abs(expected - drawn).mean() < 3
    assert np.array_equal(draw(pipeline), drawn)
    assert residence.report.quantization is how
    assert {one.dtype for one in residence.report.components} == {str(how), "float32"}


@pytest.mark.filterwarnings("ignore:.* was instantiated without:UserWarning")  # as `quiet` does
@pytest.mark.parametrize(
    ("placing", "how"),
    [
        (Placing.ENCODER_SWAP, Quantization.NONE),
        (Placing.GROUP_OFFLOAD, Quantization.INT8),
        (Placing.RESIDENT, Quantization.FP8),
    ],
)
def test_an_adapter_goes_with_every_way_to_live_and_sleeps_along(
    demo: Path, tmp_path: Path, placing: Placing, how: Quantization
) -> None:
    pipeline, residence = pipeline_of(demo / "image", placing=placing, quantization=how)
    bare = draw(pipeline)
    write_peft(tmp_path / "adapter.safetensors", pipeline.transformer)
    pipeline.load_lora_weights(str(tmp_path / "adapter.safetensors"), adapter_name="one")

    worn = draw(pipeline)
    residence.sleep()
    residence.wake()

    assert not np.array_equal(worn, bare)
    assert np.array_equal(draw(pipeline), worn)
    pipeline.unload_lora_weights()
    assert np.array_equal(draw(pipeline), bare)


def test_a_quantised_language_model_still_speaks(demo: Path) -> None:
    model, reader, residence = load_language_model(
        settings_of(demo / "chat", quantization=Quantization.INT8), CPU, sees=False
    )
    tokens = reader("hello", return_tensors="pt")

    with torch.inference_mode():
        before = model(**tokens).logits
        residence.sleep()
        residence.wake()
        after = model(**tokens).logits

    assert torch.isfinite(before).all()
    assert torch.equal(before, after)


def test_a_controlnet_is_attached_and_counted(demo: Path, tiny_pipelines: Any, tmp_path: Path) -> None:
    tiny_pipelines.write_controlnet(tmp_path / "controlled", demo / "image")

    pipeline, residence = pipeline_of(demo / "image", controlnet=str(tmp_path / "controlled" / "controlnet"))

    assert type(pipeline) is diffusers.QwenImageControlNetPipeline
    assert type(pipeline.controlnet) is diffusers.QwenImageControlNetModel
    assert "controlnet" in {one.name for one in residence.report.components}


def test_a_controlnet_for_a_class_without_one_is_refused(demo: Path) -> None:
    with pytest.raises(StartFailure, match="cannot draw with a ControlNet") as failure:
        load_pipeline(settings_of(demo / "image", controlnet="/x"), CPU, "QwenImage21Pipeline")

    assert failure.value.code is StartCode.BAD_ENGINE_ARGUMENT


def test_a_controlnet_that_is_none_is_refused(demo: Path, tmp_path: Path) -> None:
    with pytest.raises(StartFailure, match="there is none in") as failure:
        pipeline_of(demo / "image", controlnet=str(tmp_path))

    assert failure.value.code is StartCode.BAD_ENGINE_ARGUMENT


def test_a_class_that_diffusers_does_not_have_is_refused(demo: Path) -> None:
    with pytest.raises(StartFailure, match="has no FuturePipeline; upgrade it") as failure:
        load_pipeline(settings_of(demo / "image"), CPU, "FuturePipeline")

    assert failure.value.code is StartCode.UNSUPPORTED_MODEL


def test_what_does_not_fit_fails_before_it_loads_with_numbers_for_a_supervisor(demo: Path) -> None:
    told: list[Progress] = []

    with pytest.raises(StartFailure) as failure:
        load_pipeline(settings_of(demo / "image", max_vram_mib=1), CPU, "QwenImagePipeline", told.append)

    assert failure.value.code is StartCode.OUT_OF_MEMORY
    details = json.loads(failure.value.marker().removeprefix("SWITCHYARD_FAILURE "))["details"]
    assert details["component"] in {"text_encoder", "transformer", "vae"}
    assert details["free_mib"] == 1
    assert told == []


@pytest.mark.parametrize(
    "file", ["transformer/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors"]
)
def test_a_damaged_file_is_named(demo: Path, tmp_path: Path, file: str) -> None:
    shutil.copytree(demo / "image", tmp_path / "image")
    (tmp_path / "image" / file).write_bytes(b"damaged in transit")

    with pytest.raises(StartFailure, match=f"{file} is no safetensors file, or is damaged; fetch it again"):
        pipeline_of(tmp_path / "image")


def test_a_model_without_weights_says_so(demo: Path, tmp_path: Path) -> None:
    shutil.copytree(demo / "chat", tmp_path / "chat")
    for file in (tmp_path / "chat").glob("*.safetensors*"):
        file.unlink()

    with pytest.raises(StartFailure, match="there are no weights in") as failure:
        load_language_model(settings_of(tmp_path / "chat"), CPU, sees=False)

    assert failure.value.code is StartCode.MODEL_NOT_FOUND


def test_compiles_the_denoisers_blocks_when_asked(demo: Path, monkeypatch: Any) -> None:
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(
        diffusers.QwenImageTransformer2DModel, "compile_repeated_blocks", lambda _, **how: asked.append(how)
    )

    pipeline_of(demo / "image", compile=True)
    pipeline_of(demo / "image")

    assert asked == [{"fullgraph": True}]


def test_other_pipelines_load_with_what_they_bring(tiny_pipelines: Any, tmp_path: Path) -> None:
    tiny_pipelines.write_stable_diffusion(tmp_path / "sd")

    pipeline, residence = load_pipeline(settings_of(tmp_path / "sd"), CPU, "StableDiffusionPipeline")

    assert {one.name for one in residence.report.components} == {"text_encoder", "unet", "vae"}
    assert next(pipeline.unet.parameters()).numel() > 0


LOADS = """
import sys
from switchyard_image_server.engine import load_model
from switchyard_image_server.settings import Device, ModelSettings

load_model(ModelSettings(sys.argv[1], device=Device.CPU))
assert not {"diffusers", "peft"} & set(sys.modules), "what only pipelines need costs each start a second"
"""


@pytest.mark.timeout(180)  # it starts a process of its own
def test_loading_a_language_model_says_nothing_and_imports_nothing_of_pipelines(demo: Path) -> None:
    """A supervisor reads every line of the log."""
    ran = subprocess.run(
        (sys.executable, "-c", LOADS, str(demo / "chat")),
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )

    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
