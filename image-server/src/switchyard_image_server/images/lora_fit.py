"""Whether a LoRA was made for this model, told from names and shapes before anything is touched. Pure.

The libraries skip what they cannot place with a line in the log: a LoRA for another model would do nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

PREFIX = "transformer."
DOWN, UP, UP_BIAS = ".lora_A.weight", ".lora_B.weight", ".lora_B.bias"


@dataclass(frozen=True, slots=True)
class Layer:
    """A linear layer of the model."""

    inputs: int
    outputs: int


def misfit(shapes: Mapping[str, Sequence[int]], layers: Mapping[str, Layer]) -> str | None:
    """Why it does not fit; `None` if it does. `shapes` is of the LoRA's tensors, by PEFT's names."""
    if not shapes:
        return "it is empty"
    strange = [key for key in shapes if _layer_of(key) not in layers]
    if strange:
        return f"{len(strange)} of its {len(shapes)} tensors are for layers this model has not ({strange[0]})"
    for key, shape in shapes.items():
        layer = layers[_layer_of(key)]
        if key.endswith(DOWN) and tuple(shape[1:]) != (layer.inputs,):
            return f"{key} has the shape {_told(shape)}, and the layer takes {layer.inputs}"
        if key.endswith(UP) and tuple(shape[:1]) != (layer.outputs,):
            return f"{key} has the shape {_told(shape)}, and the layer gives {layer.outputs}"
    return _unpaired(shapes)


def _layer_of(key: str) -> str:
    """`transformer.blocks.0.to_q` of `transformer.blocks.0.to_q.lora_A.weight`, if it is one of the model's."""
    name = key.removeprefix(PREFIX) if key.startswith(PREFIX) else f"?{key}"
    for ending in (".lora_", ".lokr_"):
        name = name.partition(ending)[0]
    return name


def _unpaired(shapes: Mapping[str, Sequence[int]]) -> str | None:
    for key, shape in shapes.items():
        if key.endswith(DOWN):
            other = shapes.get(key.removesuffix(DOWN) + UP)
            if other is None or len(other) != 2 or other[1] != shape[0]:
                return f"{key} has no counterpart of its rank, {shape[0]}"
        elif key.endswith(UP) and key.removesuffix(UP) + DOWN not in shapes:
            return f"{key} has no counterpart"
    return None


def _told(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))
