"""What a model's weights take, read from the headers of their files before anything is loaded. No torch."""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from switchyard_image_server.identity import CONFIG_FILE, PIPELINE_FILE

LONGEST_HEADER = 200 * 2**20

_WIDTH = {
    **dict.fromkeys(("F64", "I64", "U64", "C64"), 8),
    **dict.fromkeys(("F32", "I32", "U32"), 4),
    **dict.fromkeys(("BF16", "F16", "I16", "U16"), 2),
}
_TORCH_NAMES = {"F64": "float64", "F32": "float32", "BF16": "bfloat16", "F16": "float16"}
_EMBEDDING = re.compile(r"embed|wte|position|shared\.weight|lm_head")


class DamagedFile(Exception):
    """A weight file that cannot be read."""


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights of one component. `matrices` counts the numbers that quantisation makes smaller."""

    name: str
    class_name: str
    library: str
    files: tuple[Path, ...]
    bytes: int
    floats: int = 0
    float_bytes: int = 0
    matrices: int = 0
    dtype: str | None = None  # as torch names it; None where it is not told, or is no plain number format
    prequantized: bool = False

    def bytes_as(self, width: float | None) -> int:
        """What they take once loaded with so many bytes a number; `None` keeps them as they are stored."""
        if width is None:
            return self.bytes
        return self.bytes - self.float_bytes + int(self.floats * width)

    def matrix_bytes_as(self, width: float | None) -> int:
        if self.prequantized:
            return 0
        stored = self.float_bytes / self.floats if self.floats else 0.0
        return int(self.matrices * (stored if width is None else width))


def read_pipeline(folder: Path) -> tuple[Weights, ...]:
    """The components that have weights, in the order of the index."""
    index = _json(folder / PIPELINE_FILE)
    parts = (
        read_folder(folder / name, name, kind[1], kind[0])
        for name, kind in index.items()
        if isinstance(kind, list) and len(kind) == 2 and all(isinstance(word, str) for word in kind)
    )
    return tuple(part for part in parts if part is not None)


def read_folder(folder: Path, name: str, class_name: str = "", library: str = "") -> Weights | None:
    """`None` where there are no weights: a tokenizer, a scheduler."""
    files = _weight_files(folder)
    if not files:
        return None
    config = _json(folder / CONFIG_FILE)
    named = class_name or str(config.get("_class_name") or (config.get("architectures") or [""])[0])
    size = sum(file.stat().st_size for file in files)
    plain = Weights(name, named, library, files, size, prequantized="quantization_config" in config)
    return plain if files[0].suffix != ".safetensors" else _counted(plain)


def _counted(plain: Weights) -> Weights:
    taken = floats = float_bytes = matrices = 0
    formats: Counter[str] = Counter()
    for tensor, dtype, shape in _tensors(plain.files):
        count = math.prod(shape)
        width = _WIDTH.get(dtype, 1)
        taken += count * width
        if dtype in _TORCH_NAMES:
            floats += count
            float_bytes += count * width
            formats[dtype] += count
            if len(shape) == 2 and not _EMBEDDING.search(tensor):
                matrices += count
    most = formats.most_common(1)
    return replace(
        plain,
        bytes=taken,
        floats=floats,
        float_bytes=float_bytes,
        matrices=matrices,
        dtype=_TORCH_NAMES[most[0][0]] if most else None,
    )


def _weight_files(folder: Path) -> tuple[Path, ...]:
    """Those that the libraries would load: what the index names, else the one file, else old pickles."""
    for index in sorted(folder.glob("*.safetensors.index.json")):
        if _is_plain(index.name.removesuffix(".safetensors.index.json")):
            named = set((_json(index).get("weight_map") or {}).values())
            return tuple(path for path in (folder / name for name in sorted(named)) if path.is_file())
    for pattern in ("*.safetensors", "*.bin"):
        files = tuple(path for path in sorted(folder.glob(pattern)) if _is_plain(path.stem))
        if files:
            return files
    return ()


def _is_plain(stem: str) -> bool:
    """Not a variant (`….fp16`), nor something that only lies beside the weights."""
    return re.fullmatch(r"(diffusion_pytorch_model|pytorch_model|model)(-\d+-of-\d+)?", stem) is not None


def _tensors(files: Sequence[Path]) -> Iterator[tuple[str, str, list[int]]]:
    for file in files:
        for name, about in _header(file).items():
            if name != "__metadata__":
                yield name, str(about["dtype"]), list(about["shape"])


def _header(file: Path) -> dict[str, Any]:
    with file.open("rb") as content:
        length = int.from_bytes(content.read(8), "little")
        text = content.read(min(length, LONGEST_HEADER))
    try:
        header = json.loads(text)
    except ValueError:
        header = None
    if isinstance(header, dict):
        return header
    raise DamagedFile(f"{file.parent.name}/{file.name} is no safetensors file, or is damaged")


def _json(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return content if isinstance(content, dict) else {}
