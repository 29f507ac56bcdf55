"""Read a model's weights, component by component, each straight to where the plan has it live.

Runs on the worker thread. What it decides with is pure (`sizes`, `plan`); how it is done is `apply`'s.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import switchyard_image_server.torch_ready  # noqa: F401 - before transformers and diffusers

# isort: split
import diffusers
import torch
from transformers import AutoModelForCausalLM, AutoModelForImageTextToText, AutoProcessor, AutoTokenizer

from switchyard_image_server.device import Placement
from switchyard_image_server.errors import StartCode, StartFailure
from switchyard_image_server.memory.activations import Need, need_of, need_of_language
from switchyard_image_server.memory.apply import Residence
from switchyard_image_server.memory.gauge import Gauge, host_room
from switchyard_image_server.memory.parts import Machine, Part, Role, Wishes, part_of, role_of
from switchyard_image_server.memory.plan import Impossible, Misfit, Plan, plan
from switchyard_image_server.memory.quantized import four_bit_options, quantize
from switchyard_image_server.memory.readahead import Reading
from switchyard_image_server.memory.sizes import DamagedFile, Weights, read_folder, read_pipeline
from switchyard_image_server.progress import Progress
from switchyard_image_server.repository import fetch_language_model
from switchyard_image_server.settings import ModelSettings, Quantization

MIB = 2**20
CONTROLNET = "controlnet"

Tell = Callable[[Progress], None]


def load_pipeline(
    settings: ModelSettings, placement: Placement, class_name: str, tell: Tell = lambda _: None
) -> tuple[Any, Residence]:
    """The pipeline, ready to be called, and where its weights live.

    With a ControlNet it is of the class that draws with one, and has it as its component `controlnet`.
    """
    kind = _pipeline_class(settings, class_name)
    folder = settings.folder or _fetched(settings)
    weights = [*_read(settings, lambda: read_pipeline(folder)), *_controlnet(settings)]
    loader = _Loader(settings, placement, weights, need_of(class_name), tell)
    modules = {part.name: loader.component(part) for part in weights if _loads_alone(part)}
    pipeline = kind.from_pretrained(folder, **modules, **_dtype_option(loader.dtype_of(None)))
    pipeline.set_progress_bar_config(disable=True)
    for name, module in pipeline.components.items():
        if isinstance(module, torch.nn.Module) and name not in modules:
            loader.residence.house(_unforeseen(name, module), module)
    loader.residence.open()
    if settings.compile:
        _compile(settings, pipeline)
    return pipeline, loader.residence


def load_language_model(
    settings: ModelSettings, placement: Placement, *, sees: bool, tell: Tell = lambda _: None
) -> tuple[Any, Any, Residence]:
    """The model, its processor or tokenizer, and where its weights live."""
    folder = settings.folder or fetch_language_model(settings.model, settings.revision)
    reader = (AutoProcessor if sees else AutoTokenizer).from_pretrained(folder)
    kind = AutoModelForImageTextToText if sees else AutoModelForCausalLM
    weights = _read(settings, lambda: read_folder(folder, "model"))
    if weights is None:
        raise StartFailure(
            StartCode.MODEL_NOT_FOUND,
            f"cannot load {settings.model}: there are no weights in {folder}; fetch them again",
        )
    loader = _Loader(settings, placement, [weights], need_of_language(), tell)
    model = loader.whole(kind, weights)
    loader.residence.open()
    return model, reader, loader.residence


class _Loader:
    """One load: its plan, its progress, and the residence that it fills."""

    def __init__(
        self,
        settings: ModelSettings,
        placement: Placement,
        weights: Sequence[Weights],
        need: Need,
        tell: Tell,
    ) -> None:
        self._settings = settings
        self._placement = placement
        self._gauge = Gauge(placement.device)
        machine = self._gauge.machine()
        self._parts = {one.name: self._part(one) for one in weights}
        self._plan = _planned(settings, list(self._parts.values()), need, machine)
        self._reading = Reading(weights, tell)
        self.residence = Residence(self._plan, machine, self._gauge)

    def component(self, weights: Weights) -> Any:
        """One part of a pipeline."""
        folder = weights.files[0].parent
        kind = getattr(importlib.import_module(weights.library), weights.class_name)
        dtype = self.dtype_of(weights)
        return self._housed(weights, lambda more: kind.from_pretrained(folder, **_dtype_option(dtype), **more))

    def whole(self, kind: Any, weights: Weights) -> Any:
        """A language model."""
        folder, dtype = weights.files[0].parent, self._placement.dtype
        return self._housed(weights, lambda more: kind.from_pretrained(folder, dtype=dtype, **more))

    def dtype_of(self, weights: Weights | None) -> Any:
        """As asked, else as stored: Diffusers would make everything float32, twice what bfloat16 takes."""
        if self._placement.dtype != "auto":
            return self._placement.dtype
        if weights is None or weights.dtype is None or weights.prequantized:
            return None
        return getattr(torch, weights.dtype)

    def _housed(self, weights: Weights, load: Callable[[Mapping[str, Any]], Any]) -> Any:
        part = self._parts[weights.name]
        how = self._plan.quantization.get(part.name, Quantization.NONE)
        self._reading.begin(part.name)
        for file in weights.files:
            self._reading.read(file, room=host_room()[0] // 2)
        if how is Quantization.NF4:
            more = four_bit_options(part.name, weights.library, self.dtype_of(weights))
            module = load({**more, "device_map": self._placement.device})
        else:
            module = load({})
        if how in {Quantization.FP8, Quantization.INT8}:
            quantize(module, how, self._placement.device)
        self.residence.house(part, module.eval())
        return module

    def _part(self, weights: Weights) -> Part:
        dtype = self.dtype_of(weights)
        role = Role.LANGUAGE if weights.name == "model" else role_of(weights.name)
        if dtype is None:
            return part_of(weights, role, None, None)
        return part_of(weights, role, str(dtype).removeprefix("torch."), float(dtype.itemsize))


def _planned(settings: ModelSettings, parts: Sequence[Part], need: Need, machine: Machine) -> Plan:
    wishes = Wishes(
        placing=settings.placing,
        quantization=settings.quantization,
        max_vram=None if settings.max_vram_mib is None else settings.max_vram_mib * MIB,
        park=settings.park,
    )
    try:
        return plan(parts, need, machine, wishes)
    except Impossible as impossible:
        raise StartFailure(
            StartCode.BAD_ENGINE_ARGUMENT, f"cannot load {settings.model}: {impossible}"
        ) from None
    except Misfit as misfit:
        raise StartFailure(
            StartCode.OUT_OF_MEMORY if misfit.on_host else StartCode.CUDA_OUT_OF_MEMORY,
            f"cannot load {settings.model}: {misfit}; use a smaller or quantised model, or free some (to try "
            f"all the same, choose --memory {misfit.least})",
            details={
                "component": misfit.part,
                "needed_mib": misfit.needed // MIB,
                "free_mib": misfit.free // MIB,
            },
        ) from None


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
    weights = _read(source, lambda: read_folder(folder, CONTROLNET, library="diffusers"))
    if weights is None or not hasattr(diffusers, weights.class_name):
        raise StartFailure(
            StartCode.BAD_ENGINE_ARGUMENT,
            f"cannot draw with the ControlNet {settings.controlnet}: there is none in {folder}",
        )
    return [weights]


def _read(settings: ModelSettings, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except DamagedFile as damage:
        raise StartFailure(
            StartCode.LOAD_FAILED, f"cannot load {settings.model}: {damage}; fetch it again"
        ) from damage


def _loads_alone(weights: Weights) -> bool:
    """Others (a class that lives in the pipeline's own module) are loaded by the pipeline, all at once."""
    if weights.library not in {"diffusers", "transformers"}:
        return False
    return hasattr(importlib.import_module(weights.library), weights.class_name)


def _unforeseen(name: str, module: Any) -> Part:
    size = sum(one.nbytes for one in module.parameters())
    dtype = next((str(one.dtype) for one in module.parameters()), "torch.float32").removeprefix("torch.")
    return Part(name, type(module).__name__, role_of(name), size, dtype)


def _dtype_option(dtype: Any) -> dict[str, Any]:
    return {} if dtype is None else {"dtype": dtype}


def _compile(settings: ModelSettings, pipeline: Any) -> None:
    denoiser = getattr(pipeline, "transformer", None) or getattr(pipeline, "unet", None)
    if denoiser is None or not getattr(denoiser, "_repeated_blocks", None):
        raise StartFailure(
            StartCode.BAD_ENGINE_ARGUMENT,
            f"cannot compile {settings.model}: its class names no repeated blocks; leave --compile out",
        )
    denoiser.compile_repeated_blocks(fullgraph=True)
