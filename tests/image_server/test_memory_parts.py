"""Components in numbers: what they take in which format."""

import pytest

from switchyard_image_server.memory.parts import Part, Role, part_of, role_of
from switchyard_image_server.memory.sizes import Weights
from switchyard_image_server.settings import Quantization


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("text_encoder", Role.ENCODER),
        ("text_encoder_2", Role.ENCODER),
        ("image_encoder", Role.ENCODER),
        ("transformer", Role.DENOISER),
        ("transformer_2", Role.DENOISER),
        ("unet", Role.DENOISER),
        ("vae", Role.VAE),
        ("controlnet", Role.OTHER),
        ("safety_checker", Role.OTHER),
    ],
)
def test_a_components_role_is_in_its_name(name: str, role: Role) -> None:
    assert role_of(name) is role


def test_only_matrices_shrink() -> None:
    part = Part("transformer", "", Role.DENOISER, 1000, "bfloat16", 2.0, shrinks=800)

    assert part.quantized(Quantization.NONE) == 1000
    assert part.quantized(Quantization.INT8) == 200 + int(400 * 1.02)
    assert part.quantized(Quantization.NF4) == 200 + int(400 * 0.56)


def test_a_part_is_counted_in_the_format_it_is_loaded_in() -> None:
    stored = Weights("vae", "", "", (), 200, floats=100, float_bytes=200, matrices=60, dtype="bfloat16")

    kept, widened = part_of(stored, Role.VAE, None, None), part_of(stored, Role.VAE, "float32", 4.0)

    assert (kept.bytes, kept.dtype, kept.shrinks) == (200, "bfloat16", 120)
    assert (widened.bytes, widened.dtype, widened.shrinks) == (400, "float32", 240)


def test_what_is_quantised_already_shrinks_no_more() -> None:
    stored = Weights("x", "", "", (), 100, floats=10, float_bytes=20, matrices=10, prequantized=True)

    part = part_of(stored, Role.DENOISER, None, None)

    assert part.quantized(Quantization.FP8) == part.bytes
