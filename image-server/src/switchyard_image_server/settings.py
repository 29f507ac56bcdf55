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


class Placing(StrEnum):
    """Where weights are while a request runs, from most memory on the device to least."""

    AUTO = "auto"
    RESIDENT = "resident"
    TILED = "tiled"  # resident, and the VAE works tile by tile
    ENCODER_SWAP = "encoder-swap"  # tiled, and the text encoder is on the device only while it encodes
    GROUP_OFFLOAD = "group-offload"  # a block at a time


class Quantization(StrEnum):
    AUTO = "auto"
    NONE = "none"
    FP8 = "fp8"
    INT8 = "int8"
    NF4 = "nf4"


@dataclass(frozen=True, slots=True)
class NamedLora:
    """A LoRA that the operator gave a name: requests ask for it by that."""

    name: str
    source: str
    scale: float = 1.0


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
    placing: Placing = Placing.AUTO
    quantization: Quantization = Quantization.AUTO
    max_vram_mib: int | None = None
    park: bool = True  # keep a copy of the weights in host memory, so that sleep is quick
    compile: bool = False
    concurrency: int = 8
    loras: tuple[NamedLora, ...] = ()
    lora_root: Path | None = None
    controlnet: str | None = None
    max_image_tokens: int | None = None
    max_video_frames: int = 64
    video_fps: float = 2.0

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
class MediaSettings:
    """What may be brought along: nothing from the network or this machine's disk, unless that is allowed."""

    fetch: bool = False
    root: Path | None = None
    max_fetch_mib: int = 64
    fetch_s: float = 20.0


@dataclass(frozen=True, slots=True)
class BudgetSettings:
    """From how many prompt tokens on a prompt is called large, and very large."""

    warning: int = 20_000
    critical: int = 50_000


@dataclass(frozen=True, slots=True)
class ResultSettings:
    """How long, and how much of, finished jobs and pictures behind addresses is kept. In memory."""

    keep_s: float = 3600.0
    max_mib: int = 256
    public_url: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    model: ModelSettings
    served_name: str
    host: str = "127.0.0.1"
    port: int = 8000
    max_queue: int = 32
    log_level: str = "info"
    labels: bool = True
    media: MediaSettings = MediaSettings()
    budget: BudgetSettings = BudgetSettings()
    results: ResultSettings = ResultSettings()
    api_key: str | None = field(default=None, repr=False)


def default_name(model: str) -> str:
    """A folder is called by its own name, a repository by its whole name."""
    folder = ModelSettings(model).folder
    return model if folder is None else folder.resolve().name
