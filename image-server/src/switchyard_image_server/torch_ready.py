"""Make `torch` and `torchvision` importable together. Import this before transformers, diffusers or peft.

PyPI's torchvision is built for CUDA. Beside a CPU build of torch its compiled library cannot load, and then
`import torchvision` stops at "operator torchvision::nms does not exist", and with it the import of every
Qwen processor: two fake kernels are registered without asking whether their operators exist. Declaring the
two schemas first is enough, since transformers uses only the part of torchvision that is written in Python.

Where the compiled library does load (a CUDA or ROCm build, or a matching CPU build) nothing is declared: the
library declares its own operators, and a second declaration would clash.
"""

import importlib.util
import sys
from pathlib import Path

from switchyard_image_server.errors import StartCode, StartFailure

# nms and qnms are those of torchvision 0.28; a later release may need another, so both are pinned together.
_OPERATORS = ("nms", "qnms")
_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


def _missing(package: str) -> StartFailure:
    return StartFailure(
        StartCode.MISSING_DEPENDENCY,
        f"cannot run models without {package}: install it beside this package "
        "(pip install torch==2.13.0 torchvision==0.28.0)",
    )


def _folder_of_torchvision() -> Path:
    spec = importlib.util.find_spec("torchvision")
    if spec is None or not spec.submodule_search_locations:
        raise _missing("torchvision")
    return Path(spec.submodule_search_locations[0])


def _compiled_library_loads(folder: Path) -> bool:
    libraries = [path for path in folder.glob("_C*") if path.suffix in {".so", ".pyd", ".dylib"}]
    try:
        for library in libraries:
            torch.ops.load_library(str(library))
    except OSError:
        return False
    return bool(libraries)


def _declare_operators() -> object:
    library = torch.library.Library("torchvision", "DEF")
    for operator in _OPERATORS:
        library.define(f"{operator}{_SCHEMA}")
    return library


if importlib.util.find_spec("torch") is None:
    raise _missing("torch")
_folder = _folder_of_torchvision()

import torch  # noqa: E402 - after the checks, whose message says more than an ImportError

# The schemas live as long as this object does.
_DECLARED: object | None = None
if (
    "torchvision" not in sys.modules
    and torch.version.cuda is None
    and torch.version.hip is None
    and not _compiled_library_loads(_folder)
):
    _DECLARED = _declare_operators()
