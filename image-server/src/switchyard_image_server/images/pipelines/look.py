"""Look at a loaded pipeline: what it says of itself, and in which ways a class that nobody knows can draw."""

import inspect
from typing import Any, Literal

import switchyard_image_server.torch_ready  # noqa: F401 - before diffusers

# isort: split
import diffusers
from diffusers.pipelines.auto_pipeline import (
    AUTO_IMAGE2IMAGE_PIPELINES_MAPPING,
    AUTO_INPAINT_PIPELINES_MAPPING,
    AUTO_TEXT2IMAGE_PIPELINES_MAPPING,
    _get_task_class,
)

from switchyard_image_server.images.classes import KNOWN, Seen
from switchyard_image_server.images.pipelines.light import parts_for
from switchyard_image_server.images.sizes import Size
from switchyard_image_server.images.ways import WORDS, Way

_ENDLESS = 100_000  # tokenizers without a limit name a huge one


def look_at(pipeline: Any) -> Seen:
    class_name = type(pipeline).__name__
    schedule = pipeline.config.get("sample_sigmas")
    usual = {name: one.default for name, one in inspect.signature(pipeline.__call__).parameters.items()}
    return Seen(
        class_name=class_name,
        sample_sigmas=len(schedule) if schedule else None,
        least_steps=2 if pipeline.scheduler.config.get("shift_terminal") else 1,
        control=_control(pipeline),
        steps=_number(usual.get("num_inference_steps"), int),
        guidance=_number(usual.get("guidance_scale"), float),
        native=_native(pipeline),
        multiple=max(16, getattr(pipeline, "vae_scale_factor", 16)),
        max_prompt_tokens=_longest_prompt(pipeline),
        ways=(WORDS,) if class_name in KNOWN else _ways(pipeline),
    )


def tokenizers_of(pipeline: Any) -> list[Any]:
    """Those that read the prompt, the one that reads most of it first."""
    own = [getattr(pipeline, name, None) for name in ("tokenizer", "tokenizer_2", "tokenizer_3")]
    own.append(getattr(getattr(pipeline, "processor", None), "tokenizer", None))
    found = [one for one in own if one is not None]
    return sorted(found, key=lambda one: -min(one.model_max_length, _ENDLESS))


def _control(pipeline: Any) -> Literal["picture", "mask"] | None:
    """What the ControlNet reads: those for masks have a channel more."""
    config = getattr(getattr(pipeline, "controlnet", None), "config", None)
    if config is None or not type(pipeline).__name__.startswith("QwenImage"):
        return None
    return "mask" if config.get("extra_condition_channels", 0) else "picture"


def _number(value: object, kind: type[Any]) -> Any:
    return kind(value) if isinstance(value, int | float) else None


def _native(pipeline: Any) -> Size | None:
    """The size that most Diffusers pipelines draw when they are told none."""
    denoiser = getattr(pipeline, "transformer", None) or getattr(pipeline, "unet", None)
    trained = getattr(getattr(denoiser, "config", None), "sample_size", None)
    tiles = getattr(pipeline, "default_sample_size", None) or trained
    scale = getattr(pipeline, "vae_scale_factor", None)
    return Size(tiles * scale, tiles * scale) if isinstance(tiles, int) and isinstance(scale, int) else None


def _longest_prompt(pipeline: Any) -> int | None:
    readers = tokenizers_of(pipeline)
    if not readers or readers[0].model_max_length >= _ENDLESS:
        return None
    return int(readers[0].model_max_length) - 2  # one that begins the text, one that ends it


def _ways(pipeline: Any) -> tuple[Way, ...]:
    """Its own, and those of its siblings that can be made of the same parts."""
    own = type(pipeline)
    if "controlnet" in vars(pipeline):
        plain = getattr(diffusers, own.__name__.replace("ControlNet", ""), own)
        return (_way(own, pipeline, control=True), *(() if plain is own else (_way(plain, pipeline),)))
    over = _sibling(AUTO_IMAGE2IMAGE_PIPELINES_MAPPING, pipeline)
    within = _sibling(AUTO_INPAINT_PIPELINES_MAPPING, pipeline)
    found = [_way(_sibling(AUTO_TEXT2IMAGE_PIPELINES_MAPPING, pipeline) or own, pipeline)]
    if over is not None:
        found.append(_way(over, pipeline, images=1))
    if within is not None:
        found.append(_way(within, pipeline, images=1, mask=True))
    return tuple(found)


def _sibling(mapping: Any, pipeline: Any) -> Any:
    kind = _get_task_class(mapping, type(pipeline).__name__, throw_error_if_not_exist=False)
    try:
        return None if kind is None or not parts_for(kind, pipeline) else kind
    except LookupError:
        return None


def _way(kind: Any, pipeline: Any, *, images: int = 0, mask: bool = False, control: bool = False) -> Way:
    """One picture a pass: of a class that nobody has looked into, nothing more is promised."""
    understood = inspect.signature(kind.__call__).parameters
    strength = understood.get("strength")
    takes_sigmas = inspect.signature(pipeline.scheduler.set_timesteps).parameters
    return Way(
        kind.__name__,
        images,
        images,
        mask=mask,
        control=control,
        conditioned=control,
        strength=None if strength is None else _number(strength.default, float),
        least_one=False,
        sigmas="sigmas" in understood and "sigmas" in takes_sigmas,
        negative="negative_prompt" in understood,
        together=False,
    )
