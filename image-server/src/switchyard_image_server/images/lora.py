"""Put LoRAs on a pipeline for one call, and take them off again. On the worker thread only.

The base must come back bit for bit: adapters stand beside the weights, and are never merged into them. Between
calls they are switched off, and stay on the device for the next one that wants them, within limits.
"""

import itertools
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import switchyard_image_server.torch_ready  # noqa: F401 - before diffusers

# isort: split
import torch
from diffusers.utils import logging as diffusers_logging
from safetensors import SafetensorError, safe_open

from switchyard_image_server.errors import (
    InvalidValue,
    StartCode,
    StartFailure,
    Unsupported,
    brief,
    is_out_of_memory,
)
from switchyard_image_server.images.lora_fit import PREFIX, Layer, misfit
from switchyard_image_server.images.lora_hub import fetch
from switchyard_image_server.images.lora_kept import Kept, to_drop
from switchyard_image_server.images.lora_names import PARAM, LoraShelf, LoraUse
from switchyard_image_server.images.lora_sources import file_of, title_of
from switchyard_image_server.settings import NamedLora

logger = logging.getLogger(__name__)


class _Unwearable(Exception):
    """Why a LoRA cannot be worn."""


class Wardrobe:
    """The adapters of one model. All its pipelines share the modules that wear them.

    Making one finds the files of the operator's LoRAs; it raises `StartFailure` if they are not there.
    """

    def __init__(self, loras: Sequence[NamedLora], root: Path | None = None) -> None:
        names = [lora.name for lora in loras]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise StartFailure(
                StartCode.BAD_ENGINE_ARGUMENT, f"cannot load two LoRAs by the name {twice}; rename one"
            )
        self._files = {lora.source: file_of(lora, fetch) for lora in loras}
        titles = {lora.name: title_of(self._files[lora.source]) for lora in loras}
        self.shelf = LoraShelf(tuple(loras), root, titles)
        self._kept: dict[str, Kept] = {}  # the longest unworn first
        self._numbers = itertools.count(1)

    @contextmanager
    def worn(self, pipeline: Any, uses: Sequence[LoraUse]) -> Iterator[None]:
        """The pipeline wears exactly these within the block, and none after it."""
        if not uses:
            yield
            return
        if not hasattr(pipeline, "load_lora_weights"):
            raise Unsupported("cannot wear a LoRA: this model takes none; leave lora out", param=PARAM)
        try:
            adapters = [self._ready(pipeline, use, uses) for use in uses]
            pipeline.set_adapters(adapters, [use.scale for use in uses])
            pipeline.enable_lora()
        except BaseException:
            self.undress(pipeline)  # whatever was half done
            raise
        try:
            yield
        finally:
            pipeline.disable_lora()

    def undress(self, pipeline: Any) -> None:
        """Forget all adapters: the modules are as they were loaded."""
        self._kept.clear()
        if hasattr(pipeline, "unload_lora_weights"):
            pipeline.unload_lora_weights()

    def _ready(self, pipeline: Any, use: LoraUse, uses: Sequence[LoraUse]) -> str:
        """The name of its adapter, which is on the model then."""
        file = self._files.get(use.source, Path(use.source))
        content = _content_of(file, use)
        known = self._kept.pop(use.source, None)
        if known is not None and known.content == content:
            self._kept[use.source] = known
            return known.adapter
        if known is not None:
            pipeline.delete_adapters([known.adapter])
        self._make_room(pipeline, content[1], uses)
        adapter = f"worn{next(self._numbers)}"  # the libraries take no dots in it
        _load(pipeline, file, adapter, use)
        self._kept[use.source] = Kept(adapter, content, content[1])
        return adapter

    def _make_room(self, pipeline: Any, coming: int, uses: Sequence[LoraUse]) -> None:
        gone = to_drop(self._kept, {use.source for use in uses}, coming)
        if gone:
            pipeline.delete_adapters([self._kept.pop(source).adapter for source in gone])


def _content_of(file: Path, use: LoraUse) -> tuple[int, int]:
    """When it was written, and its size: a file that was trained anew must not go by its old weights."""
    try:
        found = file.stat()
    except OSError as error:
        raise InvalidValue(
            f"cannot wear the LoRA {use.name}: {error.strerror or 'it cannot be read'}", param=PARAM
        ) from None
    return found.st_mtime_ns, found.st_size


def _load(pipeline: Any, file: Path, adapter: str, use: LoraUse) -> None:
    said = diffusers_logging.get_verbosity()
    diffusers_logging.set_verbosity(diffusers_logging.CRITICAL)  # what fails here is told by us, once
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Already found a `peft_config`", UserWarning)
            _put_on(pipeline, file, adapter)
    except Exception as error:
        if is_out_of_memory(error):
            raise
        why = str(error) if isinstance(error, _Unwearable) else brief(error)
        logger.warning("cannot wear the LoRA %s from %s: %s", use.name, file, why)
        raise InvalidValue(
            f"cannot wear the LoRA {use.name}: {why}; use one that was made for this model", param=PARAM
        ) from None
    finally:
        diffusers_logging.set_verbosity(said)


def _put_on(pipeline: Any, file: Path, adapter: str) -> None:
    try:
        with safe_open(file, framework="pt") as opened:
            opened.keys()
    except SafetensorError as error:
        raise _Unwearable(f"its file is damaged ({error})") from None
    source = {
        "pretrained_model_name_or_path_or_dict": str(file.parent),
        "weight_name": file.name,
        "use_safetensors": True,
        "local_files_only": True,
    }
    if list(getattr(pipeline, "_lora_loadable_modules", ())) == ["transformer"]:
        tensors = pipeline.lora_state_dict(**source)
        _refuse_misfit(pipeline.transformer, tensors)
        pipeline.load_lora_weights(**source, adapter_name=adapter)
        _widen(pipeline.transformer, adapter, tensors)
    else:
        pipeline.load_lora_weights(**source, adapter_name=adapter)
    if not any(adapter in names for names in pipeline.get_list_adapters().values()):
        raise _Unwearable("nothing in it is for this model")


def _refuse_misfit(transformer: Any, tensors: dict[str, torch.Tensor]) -> None:
    """Where a LoRA is for the transformer alone, all of it must be."""
    layers = {
        name.replace(".base_layer", ""): Layer(module.in_features, module.out_features)
        for name, module in transformer.named_modules()
        if isinstance(module, torch.nn.Linear) and ".lora_" not in name
    }
    why = misfit({key: tuple(tensor.shape) for key, tensor in tensors.items()}, layers)
    if why is not None:
        raise _Unwearable(why)


def _widen(transformer: Any, adapter: str, tensors: dict[str, torch.Tensor]) -> None:
    """PEFT gives an adapter the number format of the weights beside it. Eight bits would ruin it: those weights
    are only stored so, and computed with in another format.
    """
    endings = {f".lora_{side}.{adapter}.weight": f".lora_{side}.weight" for side in "AB"}
    for name, weight in transformer.named_parameters():
        ending = next((one for one in endings if name.endswith(one)), None)
        if ending is not None and weight.dtype.itemsize == 1:
            key = PREFIX + name.removesuffix(ending) + endings[ending]
            weight.data = tensors[key].to(weight.device, transformer.dtype)
