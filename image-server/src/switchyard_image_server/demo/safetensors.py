"""Write bfloat16 weights to a safetensors file with the standard library alone."""

import json
import math
import random
import struct
from array import array
from collections.abc import Iterable
from pathlib import Path


def bf16(values: Iterable[float]) -> bytes:
    """Little-endian bfloat16: the upper half of each float32, truncated."""
    raw = array("f", values).tobytes()
    halves = bytearray(len(raw) // 2)
    halves[0::2] = raw[2::4]
    halves[1::2] = raw[3::4]
    return bytes(halves)


class Weights:
    """Collects named tensors in the order they are added; the same seed gives the same bytes."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - weights, not secrets
        self._tensors: dict[str, tuple[tuple[int, ...], bytes]] = {}

    def add(self, name: str, shape: tuple[int, ...], data: bytes) -> None:
        if len(data) != 2 * math.prod(shape):
            raise ValueError(f"cannot add {name}: {len(data)} bytes do not make a bfloat16 tensor of {shape}")
        self._tensors[name] = (shape, data)

    def constant(self, name: str, shape: tuple[int, ...], value: float = 0.0) -> None:
        self.add(name, shape, bf16([value]) * math.prod(shape))

    def normal(self, name: str, shape: tuple[int, ...], std: float = 0.02) -> None:
        gauss = self._random.gauss
        self.add(name, shape, bf16(gauss(0.0, std) for _ in range(math.prod(shape))))

    def linear(self, name: str, rows: int, columns: int) -> None:
        self.normal(f"{name}.weight", (rows, columns))
        self.constant(f"{name}.bias", (rows,))

    def layer_norm(self, name: str, size: int) -> None:
        self.constant(f"{name}.weight", (size,), 1.0)
        self.constant(f"{name}.bias", (size,))

    def save(self, path: Path) -> None:
        header: dict[str, object] = {"__metadata__": {"format": "pt"}}
        offset = 0
        for name, (shape, data) in self._tensors.items():
            header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [offset, offset + len(data)]}
            offset += len(data)
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        with path.open("wb") as file:
            file.write(struct.pack("<Q", len(text)))
            file.write(text)
            file.writelines(data for _, data in self._tensors.values())
