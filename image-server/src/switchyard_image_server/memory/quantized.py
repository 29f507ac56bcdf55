"""Store a component's matrices in fewer bits. What comes in must be in its full format, on any device."""

from collections.abc import Mapping
from typing import Any

import switchyard_image_server.torch_ready  # noqa: F401 - before torch

# isort: split
import torch

from switchyard_image_server.errors import StartCode, StartFailure
from switchyard_image_server.settings import Quantization

# Small, and errors in them are seen: what makes time into numbers, the ways in and out, and norms' scales.
_KEPT = ("time_text_embed", "time_embed", "timestep", "img_in", "txt_in", "proj_out", "norm_out", "lm_head")


def quantize(module: Any, how: Quantization, device: str) -> None:
    """Layer by layer on the device, so that it never holds more than one in both formats."""
    from torchao.quantization import Float8WeightOnlyConfig, Int8WeightOnlyConfig, quantize_

    config = Float8WeightOnlyConfig() if how is Quantization.FP8 else Int8WeightOnlyConfig(version=2)
    quantize_(module, config, filter_fn=_worth_it, device=torch.device(device))
    for parameter in module.parameters():
        if type(parameter).__name__ == "Float8Tensor":
            _mend_empty_rows(parameter)


def _mend_empty_rows(weight: Any) -> None:
    """torchao scales a row by its largest number; a row of zeros, divided by zero, would be NaN."""
    empty = weight.scale == 0
    weight.scale.masked_fill_(empty, 1.0)
    weight.qdata.view(torch.uint8).masked_fill_(empty, 0)


def _worth_it(module: Any, name: str) -> bool:
    return isinstance(module, torch.nn.Linear) and not any(word in name for word in _KEPT)


def four_bit_options(component: str, library: str, dtype: Any) -> Mapping[str, Any]:
    """What `from_pretrained` is given to load in NF4. Raises where bitsandbytes is not installed."""
    try:
        import bitsandbytes  # noqa: F401
    except ImportError:
        raise StartFailure(
            StartCode.MISSING_DEPENDENCY,
            f"cannot store {component} in nf4 without bitsandbytes; install it (pip install bitsandbytes), or "
            "use --quantization int8",
        ) from None
    if library == "diffusers":
        from diffusers import BitsAndBytesConfig
    else:
        from transformers import BitsAndBytesConfig
    config = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype or torch.bfloat16
    )
    return {"quantization_config": config}
