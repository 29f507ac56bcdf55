"""What the operator chose on the command line. Values only; `cli` reads them."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Device(StrEnum):
    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    XPU = "xpu"
    MPS = "mps"


class Precision(StrEnum):
    AUTO = "auto"
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Which model, and how it is loaded. `None` leaves a choice to the model's own files."""

    model: str
    device: Device = Device.AUTO
    dtype: Precision = Precision.AUTO
    max_model_len: int | None = None
    max_new_tokens: int | None = None
    steps: int | None = None
    guidance: float | None = None
    revision: str | None = None

    @property
    def source(self) -> dict[str, str]:
        """What the libraries' `from_pretrained` is given: where to load from."""
        name = self.model if self.folder is None else str(self.folder)
        pinned = {} if self.revision is None or self.folder else {"revision": self.revision}
        return {"pretrained_model_name_or_path": name, **pinned}

    @property
    def folder(self) -> Path | None:
        """The model's folder, if it is one on this machine rather than a repository's name."""
        path = Path(self.model).expanduser()
        looks_like_a_path = self.model.startswith((".", "/", "~")) or self.model.count("/") != 1
        return path if path.exists() or looks_like_a_path else None


@dataclass(frozen=True, slots=True)
class Settings:
    model: ModelSettings
    served_name: str
    host: str = "127.0.0.1"
    port: int = 8000
    max_queue: int = 32
    log_level: str = "info"
    api_key: str | None = field(default=None, repr=False)


def default_name(model: str) -> str:
    """A folder is called by its own name, a repository by its whole name."""
    folder = ModelSettings(model).folder
    return model if folder is None else folder.resolve().name
