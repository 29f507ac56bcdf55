"""Choose where a model runs and in which number format, and give memory back after a failure."""

import gc
from dataclasses import dataclass
from typing import Any

import switchyard_image_server.torch_ready  # noqa: F401 - before anything else of torch's

# isort: split
import torch

from switchyard_image_server.errors import StartCode, StartFailure
from switchyard_image_server.settings import Device, ModelSettings, Precision


@dataclass(frozen=True, slots=True)
class Placement:
    """`device` as torch names it; `dtype` is a torch dtype, or "auto" for that of the checkpoint."""

    device: str
    dtype: Any


def place(settings: ModelSettings) -> Placement:
    device = _device(settings.device)
    return Placement(str(device), _dtype(settings.dtype, device))


def _available(device: Device) -> bool:
    match device:
        case Device.CUDA:
            return bool(torch.cuda.is_available())
        case Device.XPU:
            return bool(torch.xpu.is_available())
        case Device.MPS:
            return bool(torch.backends.mps.is_available())
        case Device.CPU | Device.AUTO:
            return True


def _device(asked: Device) -> Device:
    if asked is Device.AUTO:
        return next(
            (device for device in (Device.CUDA, Device.XPU, Device.MPS) if _available(device)), Device.CPU
        )
    if not _available(asked):
        built_for = torch.version.cuda or torch.version.hip or "the CPU only"
        raise StartFailure(
            StartCode.NO_GPU_DRIVER,
            f"cannot run on {asked}: torch {torch.__version__} (built for {built_for}) finds no such device; "
            "install a matching torch and driver, or use --device auto",
        )
    return asked


def _dtype(asked: Precision, device: Device) -> Any:
    """A GPU keeps the checkpoint's format; most CPUs are slow in anything but float32."""
    if asked is Precision.AUTO:
        return torch.float32 if device is Device.CPU else "auto"
    return getattr(torch, asked)


def free_memory() -> None:
    """After an out-of-memory error: the failed request's tensors are garbage now, so hand them back.

    What the load put aside for good is looked through as well: a cheaper plan drops a part of it.
    """
    aside = gc.get_freeze_count()
    gc.unfreeze()
    gc.collect()
    if aside:
        gc.freeze()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
