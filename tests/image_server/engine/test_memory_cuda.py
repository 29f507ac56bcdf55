"""On a real card: pinned copies, memory that is really given back, and the same picture whatever the way."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from switchyard_image_server.device import Placement
from switchyard_image_server.memory.load_language import load_language_model
from switchyard_image_server.memory.load_pipeline import load_pipeline
from switchyard_image_server.settings import Device, ModelSettings, Placing, Quantization

CUDA = Placement("cuda", torch.float32)
WAYS = [Placing.RESIDENT, Placing.TILED, Placing.ENCODER_SWAP, Placing.GROUP_OFFLOAD]


def loaded(folder: Path, **wishes: Any) -> tuple[Any, Any]:
    settings = ModelSettings(str(folder), device=Device.CUDA, **wishes)
    return load_pipeline(settings, CUDA, "QwenImagePipeline")


def draw(pipeline: Any) -> Any:
    call = {"height": 64, "width": 64, "num_inference_steps": 2, "true_cfg_scale": 1.0}
    with torch.inference_mode():
        return np.asarray(pipeline("a cat", generator=torch.Generator().manual_seed(1), **call).images[0])


@pytest.mark.parametrize("placing", WAYS)
@pytest.mark.parametrize("how", [Quantization.NONE, Quantization.INT8, Quantization.FP8])
def test_draws_the_same_before_and_after_sleep_whatever_the_way(
    demo: Path, placing: Placing, how: Quantization
) -> None:
    resident, _ = loaded(demo / "image", quantization=how)
    pipeline, residence = loaded(demo / "image", placing=placing, quantization=how)
    expected = draw(resident)

    for _ in range(2):
        assert np.array_equal(draw(pipeline), expected)
        residence.sleep()
        residence.wake()


def test_asleep_it_holds_nothing_of_the_card_and_its_copy_is_pinned(demo: Path) -> None:
    torch.cuda.empty_cache()
    before = torch.cuda.memory_allocated()
    _, residence = loaded(demo / "image")
    awake = torch.cuda.memory_allocated()

    residence.sleep()
    asleep = torch.cuda.memory_allocated()
    residence.wake()

    assert awake - before >= residence.report.parked_bytes
    assert asleep <= before
    assert residence.report.pinned


def test_every_rung_of_the_ladder_draws_the_same(demo: Path) -> None:
    pipeline, residence = loaded(demo / "image", quantization=Quantization.NONE)
    expected = draw(pipeline)
    rungs = []

    while residence.step_down("a failure") is not None:
        rungs.append(residence.report.placing)
        assert np.array_equal(draw(pipeline), expected)

    assert rungs == [Placing.TILED, Placing.ENCODER_SWAP, Placing.ENCODER_SWAP, Placing.GROUP_OFFLOAD]


def test_the_measured_peak_is_the_allocators(demo: Path) -> None:
    pipeline, residence = loaded(demo / "image")

    draw(pipeline)
    residence.run_ended()

    assert residence.report.measured_peak == torch.cuda.max_memory_reserved()
    assert residence.report.device_free is not None


def test_a_language_model_sleeps_and_wakes_on_the_card(demo: Path) -> None:
    settings = ModelSettings(str(demo / "chat"), device=Device.CUDA)
    model, reader, residence = load_language_model(settings, Placement("cuda", "auto"), sees=False)
    tokens = reader("hello", return_tensors="pt").to("cuda")

    with torch.inference_mode():
        before = model(**tokens).logits
        residence.sleep()
        residence.wake()
        after = model(**tokens).logits

    assert torch.equal(before, after)
