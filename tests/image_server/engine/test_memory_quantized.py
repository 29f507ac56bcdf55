"""Eight bit is near, zeros stay zeros, small sensitive layers stay whole, and four bit says what it lacks."""

import pytest
import torch

from switchyard_image_server.errors import StartCode, StartFailure
from switchyard_image_server.memory.quantized import four_bit_options, quantize
from switchyard_image_server.settings import Quantization

EIGHT_BIT = pytest.mark.parametrize("how", [Quantization.INT8, Quantization.FP8])


def network() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.ModuleDict({"block": torch.nn.Linear(64, 64), "proj_out": torch.nn.Linear(64, 64)})


@EIGHT_BIT
def test_is_near_what_it_was(how: Quantization) -> None:
    module, given = network(), torch.randn(5, 64)
    with torch.inference_mode():
        before = module["block"](given)

        quantize(module, how, "cpu")
        after = module["block"](given)

    assert 0 < (after - before).abs().mean() < 0.03 * before.abs().mean()


@EIGHT_BIT
def test_a_row_of_zeros_stays_zeros(how: Quantization) -> None:
    """torchao divides by a row's largest number: without mending, NaN would spread from there."""
    module = network()
    module["block"].weight.data[3] = 0

    quantize(module, how, "cpu")

    with torch.inference_mode():
        after = module["block"](torch.randn(5, 64))
    assert torch.isfinite(after).all()
    assert torch.equal(after[:, 3], module["block"].bias[3].expand(5))


@EIGHT_BIT
def test_the_ways_in_and_out_are_kept_whole(how: Quantization) -> None:
    module = network()

    quantize(module, how, "cpu")

    assert type(module["proj_out"].weight) is torch.nn.Parameter
    assert type(module["block"].weight) is not torch.nn.Parameter


def test_four_bit_without_its_library_says_what_to_install() -> None:
    with pytest.raises(StartFailure, match="cannot store transformer in nf4 without bitsandbytes") as failure:
        four_bit_options("transformer", "diffusers", torch.bfloat16)

    assert failure.value.code is StartCode.MISSING_DEPENDENCY
