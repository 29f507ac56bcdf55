"""What the planner decides with: components as they are loaded, the machine, the wishes. Values only."""

from dataclasses import dataclass
from enum import StrEnum

from switchyard_image_server.memory.sizes import Weights
from switchyard_image_server.settings import Placing, Quantization

# Bytes a number, with its share of the scales.
_SHRUNK = {Quantization.FP8: 1.02, Quantization.INT8: 1.02, Quantization.NF4: 0.56}


class Role(StrEnum):
    ENCODER = "encoder"
    DENOISER = "denoiser"
    VAE = "vae"
    OTHER = "other"
    LANGUAGE = "language"


@dataclass(frozen=True, slots=True)
class Part:
    """A component as it is loaded. `shrinks` says what of its bytes quantisation works on."""

    name: str
    class_name: str
    role: Role
    bytes: int
    dtype: str = "bfloat16"
    width: float = 2.0
    shrinks: int = 0

    def quantized(self, how: Quantization) -> int:
        if how not in _SHRUNK:
            return self.bytes
        return self.bytes - self.shrinks + int(self.shrinks / self.width * _SHRUNK[how])


@dataclass(frozen=True, slots=True)
class Machine:
    """`shares` is set where device and host have one memory: then moving weights between them frees nothing."""

    device: str
    total: int
    free: int
    host_total: int
    host_free: int
    capability: tuple[int, int] | None = None
    nf4: bool = False
    shares: bool = False


@dataclass(frozen=True, slots=True)
class Wishes:
    """The operator's."""

    placing: Placing = Placing.AUTO
    quantization: Quantization = Quantization.AUTO
    max_vram: int | None = None
    park: bool = True


def part_of(weights: Weights, role: Role, dtype: str | None, width: float | None) -> Part:
    """`dtype` and `width` of the format it will be loaded in; `None` where it is kept as stored."""
    stored = weights.float_bytes / weights.floats if weights.floats else 2.0
    return Part(
        name=weights.name,
        class_name=weights.class_name,
        role=role,
        bytes=weights.bytes_as(width),
        dtype=dtype or weights.dtype or "unknown",
        width=width or stored,
        shrinks=weights.matrix_bytes_as(width),
    )


def role_of(name: str) -> Role:
    """By the names that Diffusers' pipelines give their components."""
    if name.startswith(("text_encoder", "image_encoder")):
        return Role.ENCODER
    if name.startswith(("transformer", "unet", "prior")):
        return Role.DENOISER
    return Role.VAE if name.startswith("vae") else Role.OTHER
