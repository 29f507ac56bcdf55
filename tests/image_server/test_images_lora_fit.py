"""Whether a LoRA was made for the model, by names and shapes."""

import pytest

from switchyard_image_server.images.lora_fit import Layer, misfit

LAYERS = {"blocks.0.to_q": Layer(8, 16), "proj": Layer(16, 8)}
GOOD = {
    "transformer.blocks.0.to_q.lora_A.weight": (4, 8),
    "transformer.blocks.0.to_q.lora_B.weight": (16, 4),
    "transformer.proj.lora_A.weight": (2, 16),
    "transformer.proj.lora_B.weight": (8, 2),
}


def test_one_that_was_made_for_the_model_fits() -> None:
    assert misfit(GOOD, LAYERS) is None


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"transformer.blocks.9.to_q.lora_A.weight": (4, 8)}, "1 of its 5 tensors are for layers"),
        ({"blocks.0.to_q.lora_A.weight": (4, 8)}, "1 of its 5 tensors are for layers"),
        ({"text_encoder.layers.0.lora_A.weight": (4, 8)}, "1 of its 5 tensors are for layers"),
        ({"transformer.proj.lora_A.weight": (2, 15)}, "shape 2x15, and the layer takes 16"),
        ({"transformer.proj.lora_B.weight": (9, 2)}, "shape 9x2, and the layer gives 8"),
        ({"transformer.proj.lora_B.weight": (8, 3)}, "no counterpart of its rank, 2"),
        ({"transformer.proj.lora_A.weight": (16,)}, "and the layer takes 16"),
    ],
)
def test_what_does_not_fit_is_told(more: dict[str, tuple[int, ...]], why: str) -> None:
    told = misfit(GOOD | more, LAYERS)

    assert told is not None
    assert why in told


@pytest.mark.parametrize("ending", ["lora_A.weight", "lora_B.weight"])
def test_half_a_pair_is_told(ending: str) -> None:
    half = {key: shape for key, shape in GOOD.items() if key != f"transformer.proj.{ending}"}

    assert "no counterpart" in str(misfit(half, LAYERS))


def test_an_empty_one_is_told() -> None:
    assert misfit({}, LAYERS) == "it is empty"
