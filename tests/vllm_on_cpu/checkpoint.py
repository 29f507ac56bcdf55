"""A checkpoint in the safetensors format, written by hand: tests make models where no torch is installed."""

import json
import math
import random
import struct
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ALIGNED = 8


@dataclass(frozen=True, slots=True)
class Tensor:
    shape: tuple[int, ...]
    data: bytes  # of bfloat16


def filled(*shape: int, value: float = 0.0) -> Tensor:
    return Tensor(shape, _bfloat16(value) * math.prod(shape))


def noise(chance: random.Random, *shape: int, spread: float = 0.05) -> Tensor:
    drawn = array("f", (chance.gauss(0.0, spread) for _ in range(math.prod(shape)))).tobytes()
    data = bytearray(len(drawn) // 2)
    data[0::2], data[1::2] = drawn[2::4], drawn[3::4]  # the upper half of each float32
    return Tensor(shape, bytes(data))


def sparse(rows: int, columns: int, cells: Mapping[tuple[int, int], float]) -> Tensor:
    """Zero but for those cells."""
    data = bytearray(2 * rows * columns)
    for (row, column), value in cells.items():
        at = 2 * (row * columns + column)
        data[at : at + 2] = _bfloat16(value)
    return Tensor((rows, columns), bytes(data))


def write(file: Path, tensors: Mapping[str, Tensor]) -> None:
    head: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, tensor in tensors.items():
        begin, end = end, end + len(tensor.data)
        head[name] = {"dtype": "BF16", "shape": tensor.shape, "data_offsets": [begin, end]}
    told = json.dumps(head).encode()
    told += b" " * (-len(told) % ALIGNED)
    bodies = (tensor.data for tensor in tensors.values())
    file.write_bytes(b"".join((struct.pack("<Q", len(told)), told, *bodies)))


def _bfloat16(value: float) -> bytes:
    return struct.pack("<f", value)[2:]
