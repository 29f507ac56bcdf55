"""Run an image pipeline with Diffusers. Everything here happens on the worker thread."""

import copy
import inspect
from pathlib import Path
from typing import Any, Literal

import switchyard_image_server.torch_ready  # noqa: F401 - before diffusers

# isort: split
import diffusers
import torch

from switchyard_image_server.device import Placement
from switchyard_image_server.errors import InvalidValue, StartCode, StartFailure
from switchyard_image_server.images.classes import DEFAULTS_FILE, PipelineFacts, facts_of
from switchyard_image_server.images.events import Drawn, Finished, ImageEvent, Step
from switchyard_image_server.images.order import Order
from switchyard_image_server.settings import ModelSettings
from switchyard_image_server.worker import Ticket


class ImageModel:
    """A loaded pipeline. Its modules are shared by all requests; whatever changes during a call is not."""

    kind: Literal["image"] = "image"

    def __init__(self, pipeline: Any, facts: PipelineFacts) -> None:
        self._pipeline = pipeline
        self.facts = facts
        self._tokenizer = getattr(pipeline, "tokenizer", None) or pipeline.processor.tokenizer
        added = self._tokenizer.added_tokens_decoder.values()
        self._control = tuple(token.content for token in added if token.special)
        self._understood = frozenset(inspect.signature(pipeline.__call__).parameters)

    @classmethod
    def load(cls, settings: ModelSettings, placement: Placement, class_name: str) -> "ImageModel":
        kind = getattr(diffusers, class_name, None)
        if kind is None:
            raise StartFailure(
                StartCode.UNSUPPORTED_MODEL,
                f"cannot load {settings.model}: Diffusers {diffusers.__version__} has no {class_name}; "
                "upgrade it",
            )
        options = {} if placement.dtype == "auto" else {"dtype": placement.dtype}
        pipeline = kind.from_pretrained(**settings.source, **options).to(placement.device)
        pipeline.set_progress_bar_config(disable=True)
        schedule = pipeline.config.get("sample_sigmas")
        facts = facts_of(
            class_name,
            _own_defaults(settings.folder),
            settings,
            fixed_steps=len(schedule) if schedule else None,
            native_side=_native_side(pipeline),
        )
        return cls(pipeline, facts)

    def draw(self, order: Order, ticket: Ticket[ImageEvent]) -> None:
        prompt_tokens = self._count(order.prompt, "prompt")
        if order.negative is not None:
            self._count(order.negative, "negative_prompt")
        for number, seed in enumerate(order.seeds):
            ticket.check()
            ticket.send(Drawn(self._one(order, seed, number, ticket), seed))
        tile = 16 * 16  # what one token of the transformer covers
        ticket.send(Finished(prompt_tokens, len(order.seeds) * order.size.pixels // tile))

    def _one(self, order: Order, seed: int, number: int, ticket: Ticket[ImageEvent]) -> Any:
        pipeline = self._for_one_call()

        def after_step(running: Any, step: int, _timestep: Any, _tensors: Any) -> dict[str, Any]:
            ticket.send(Step(number, step + 1, running.num_timesteps))
            ticket.check()  # raising is the one way to stop at once: an interrupt still decodes a picture
            return {}

        options = {
            **self.facts.call,
            "prompt": order.prompt,
            "negative_prompt": order.negative,
            "height": order.size.height,
            "width": order.size.width,
            "num_inference_steps": order.steps,
            self.facts.guidance_field: order.guidance,
            "generator": torch.Generator("cpu").manual_seed(seed),  # the same noise on every device
            "callback_on_step_end": after_step,
        }
        try:
            with torch.inference_mode():
                drawn = pipeline(**{name: value for name, value in options.items() if name in self._understood})
        finally:
            pipeline.maybe_free_model_hooks()  # the pipeline does this only when it is let finish
        return drawn.images[0]

    def _for_one_call(self) -> Any:
        """A light copy with a scheduler of its own.

        Not `from_pipe`: that casts the shared modules to one number format, float32 unless told otherwise.
        """
        pipeline = copy.copy(self._pipeline)
        pipeline.scheduler = type(pipeline.scheduler).from_config(pipeline.scheduler.config)
        return pipeline

    def _count(self, prompt: str, param: str) -> int:
        """The prompt's tokens. What a pipeline would cut off, or take for an image's place, is refused."""
        control = next((token for token in self._control if token in prompt), None)
        if control is not None:
            raise InvalidValue(f"cannot draw a prompt that contains the control token {control}", param=param)
        tokens = len(self._tokenizer(prompt, add_special_tokens=False)["input_ids"])
        limit = self.facts.max_prompt_tokens
        if limit is not None and tokens > limit:
            raise InvalidValue(
                f"cannot draw a prompt of {tokens} tokens: the model reads {limit}; shorten it", param=param
            )
        return tokens


def _native_side(pipeline: Any) -> int | None:
    """The size that most Diffusers pipelines draw when they are told none."""
    denoiser = getattr(pipeline, "transformer", None) or getattr(pipeline, "unet", None)
    trained = getattr(getattr(denoiser, "config", None), "sample_size", None)
    tiles = getattr(pipeline, "default_sample_size", None) or trained
    scale = getattr(pipeline, "vae_scale_factor", None)
    return tiles * scale if isinstance(tiles, int) and isinstance(scale, int) else None


def _own_defaults(folder: Path | None) -> str | None:
    if folder is None or not (folder / DEFAULTS_FILE).is_file():
        return None
    return (folder / DEFAULTS_FILE).read_text(encoding="utf-8")
