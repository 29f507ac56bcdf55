"""Read a model's weights, component by component, each straight to where the plan has it live.

Runs on the worker thread. What it decides with is pure (`sizes`, `plan`); how it is done is `apply`'s. What a
whole pipeline is made of knows `load_pipeline`, and what a language model is, `load_language`.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import switchyard_image_server.torch_ready  # noqa: F401 - before torch

# isort: split
import torch

from switchyard_image_server.device import Placement
from switchyard_image_server.errors import StartCode, StartFailure
from switchyard_image_server.memory.activations import Need
from switchyard_image_server.memory.apply import Residence
from switchyard_image_server.memory.gauge import Gauge, host_room
from switchyard_image_server.memory.parts import Machine, Part, Role, Wishes, part_of, role_of
from switchyard_image_server.memory.plan import Impossible, Misfit, Plan, plan
from switchyard_image_server.memory.quantized import four_bit_options, quantize
from switchyard_image_server.memory.readahead import Reading
from switchyard_image_server.memory.sizes import DamagedFile, Weights
from switchyard_image_server.progress import Progress
from switchyard_image_server.settings import ModelSettings, Quantization

MIB = 2**20

Tell = Callable[[Progress], None]


class Loader:
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
        return self._housed(weights, lambda more: kind.from_pretrained(folder, **dtype_option(dtype), **more))

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


def read_weights(settings: ModelSettings, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except DamagedFile as damage:
        raise StartFailure(
            StartCode.LOAD_FAILED, f"cannot load {settings.model}: {damage}; fetch it again"
        ) from damage


def dtype_option(dtype: Any) -> dict[str, Any]:
    return {} if dtype is None else {"dtype": dtype}
