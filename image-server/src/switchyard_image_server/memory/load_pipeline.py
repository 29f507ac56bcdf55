"""Load an image pipeline's weights: which parts it has, and what of it is made only when all are there."""

import importlib
from pathlib import Path
from typing import Any

import switchyard_image_server.torch_ready  # noqa: F401 - before diffusers

# isort: split
import diffusers
import torch

from switchyard_image_server.device import Placement
from switchyard_image_server.errors import StartCode, StartFailure
from switchyard_image_server.memory.activations import need_of
from switchyard_image_server.memory.apply import Residence
from switchyard_image_server.memory.loader import Loader, Tell, dtype_option, read_weights
from switchyard_image_server.memory.parts import Part, role_of
from switchyard_image_server.memory.sizes import Weights, read_folder, read_pipeline
from switchyard_image_server.repository import fetch_language_model
from switchyard_image_server.settings import ModelSettings

CONTROLNET = "controlnet"


def load_pipeline(
    settings: ModelSettings, placement: Placement, class_name: str, tell: Tell = lambda _: None
) -> tuple[Any, Residence]:
    """The pipeline, ready to be called, and where its weights live.

    With a ControlNet it is of the class that draws with one, and has it as its component `controlnet`.
    """
    kind = _pipeline_class(settings, class_name)
    folder = settings.folder or _fetched(settings)
    weights = [*read_weights(settings, lambda: read_pipeline(folder)), *_controlnet(settings)]
    loader = Loader(settings, placement, weights, need_of(class_name), tell)
    modules = {part.name: loader.component(part) for part in weights if _loads_alone(part)}
    pipeline = kind.from_pretrained(folder, **modules, **dtype_option(loader.dtype_of(None)))
    pipeline.set_progress_bar_config(disable=True)
    for name, module in pipeline.components.items():
        if isinstance(module, torch.nn.Module) and name not in modules:
            loader.residence.house(_unforeseen(name, module), module)
    loader.residence.open()
    if settings.compile:
        _compile(settings, pipeline)
    return pipeline, loader.residence


def _fetched(settings: ModelSettings) -> Path:
    """A pipeline's folder in the local cache, with all that its own index names."""
    return Path(diffusers.DiffusionPipeline.download(settings.model, revision=settings.revision))


def _pipeline_class(settings: ModelSettings, class_name: str) -> Any:
    controlled = class_name.removesuffix("Pipeline") + "ControlNetPipeline"
    if settings.controlnet is None or "ControlNet" in class_name:
        wanted = class_name
    elif hasattr(diffusers, controlled):
        wanted = controlled
    else:
        raise StartFailure(
            StartCode.BAD_ENGINE_ARGUMENT,
            f"cannot draw with a ControlNet: Diffusers {diffusers.__version__} has none for {class_name}; "
            "leave --controlnet out",
        )
    kind = getattr(diffusers, wanted, None)
    if kind is None:
        raise StartFailure(
            StartCode.UNSUPPORTED_MODEL,
            f"cannot load {settings.model}: Diffusers {diffusers.__version__} has no {wanted}; upgrade it",
        )
    return kind


def _controlnet(settings: ModelSettings) -> list[Weights]:
    if settings.controlnet is None:
        return []
    source = ModelSettings(settings.controlnet)
    folder = source.folder or fetch_language_model(source.model, None)
    weights = read_weights(source, lambda: read_folder(folder, CONTROLNET, library="diffusers"))
    if weights is None or not hasattr(diffusers, weights.class_name):
        raise StartFailure(
            StartCode.BAD_ENGINE_ARGUMENT,
            f"cannot draw with the ControlNet {settings.controlnet}: there is none in {folder}",
        )
    return [weights]


def _loads_alone(weights: Weights) -> bool:
    """Others (a class that lives in the pipeline's own module) are loaded by the pipeline, all at once."""
    if weights.library not in {"diffusers", "transformers"}:
        return False
    return hasattr(importlib.import_module(weights.library), weights.class_name)


def _unforeseen(name: str, module: Any) -> Part:
    size = sum(one.nbytes for one in module.parameters())
    dtype = next((str(one.dtype) for one in module.parameters()), "torch.float32").removeprefix("torch.")
    return Part(name, type(module).__name__, role_of(name), size, dtype)


def _compile(settings: ModelSettings, pipeline: Any) -> None:
    denoiser = getattr(pipeline, "transformer", None) or getattr(pipeline, "unet", None)
    if denoiser is None or not getattr(denoiser, "_repeated_blocks", None):
        raise StartFailure(
            StartCode.BAD_ENGINE_ARGUMENT,
            f"cannot compile {settings.model}: its class names no repeated blocks; leave --compile out",
        )
    denoiser.compile_repeated_blocks(fullgraph=True)
