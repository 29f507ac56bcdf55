"""Passes through the model: a prompt, in pieces where that is possible, or one token of each of several rows.

Positions are always given. Left to itself, a model with positions in three dimensions keeps what it needs for
them on the shared model, where the next prompt overwrites it.
"""

import inspect
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import switchyard_image_server.torch_ready  # noqa: F401 - before transformers

# isort: split
import torch
from transformers import DynamicCache

PIECE = 1024  # tokens; others wait for one piece, not for a whole prompt
_WORDS = frozenset({"input_ids", "attention_mask", "mm_token_type_ids", "token_type_ids"})


@dataclass(slots=True)
class Prompt:
    """A prompt that was read. `position` is what the next token gets; `logits` choose it."""

    cache: Any
    length: int
    position: int
    logits: Any


def has_pixels(inputs: Any) -> bool:
    return any(name not in _WORDS and value is not None for name, value in inputs.items())


class Passes:
    def __init__(self, model: Any, device: str) -> None:
        self._model = model
        self.device = device
        self._inner = getattr(model, "model", model)
        self._in_three_dimensions = hasattr(self._inner, "get_rope_index")
        self._understood = frozenset(inspect.signature(type(model).forward).parameters)

    def read(self, inputs: Any, piece: int = PIECE) -> Generator[None, None, Prompt]:
        """Yields between pieces. What has pixels in it is read whole."""
        inputs = {name: _moved(value, self.device) for name, value in inputs.items() if value is not None}
        length = int(inputs["input_ids"].shape[1])
        with torch.inference_mode():
            positions = self._positions(inputs)
            cache = DynamicCache(config=self._model.config.get_text_config(decoder=True))
        if has_pixels(inputs):
            piece = length
        else:
            inputs = {"input_ids": inputs["input_ids"]}
        logits = None
        for start in range(0, length, piece):
            if start:
                yield
            with torch.inference_mode():
                logits = self._forward(
                    _cut(inputs, start, piece, length), positions[..., start : start + piece], cache
                )
        return Prompt(cache, length, int(positions.max()) + 1, logits)

    def step(self, tokens: Sequence[int], positions: Sequence[int], mask: Any, cache: Any) -> Any:
        """Logits: rows x vocabulary."""
        here = torch.tensor([positions], device=self.device).T
        here = here.expand(3, *here.shape) if self._in_three_dimensions else here
        return self._forward(
            {"input_ids": torch.tensor([tokens], device=self.device).T, "attention_mask": mask}, here, cache
        )

    def _forward(self, inputs: dict[str, Any], positions: Any, cache: Any) -> Any:
        options = {
            **inputs,
            "position_ids": positions,
            "past_key_values": cache,
            "use_cache": True,
            "logits_to_keep": 1,
        }
        known = {
            name: value for name, value in options.items() if name in self._understood or name == "use_cache"
        }
        return self._model(**known).logits[:, -1].float()

    def _positions(self, inputs: dict[str, Any]) -> Any:
        tokens = inputs["input_ids"]
        if not (self._in_three_dimensions and has_pixels(inputs)):
            plain = torch.arange(tokens.shape[1], device=tokens.device)[None]
            return plain.expand(3, *plain.shape) if self._in_three_dimensions else plain
        rule = self._inner.get_rope_index
        asked = inspect.signature(rule).parameters
        given = {name: value for name, value in inputs.items() if name in asked}
        positions, _ = rule(**({"mm_token_type_ids": self._kinds(tokens)} | given))
        return positions

    def _kinds(self, tokens: Any) -> Any:
        """0 for words, 1 for pictures, 2 for videos."""
        config = self._model.config
        return (tokens == config.image_token_id).int() + 2 * (tokens == config.video_token_id).int()


def _cut(inputs: dict[str, Any], start: int, piece: int, length: int) -> dict[str, Any]:
    if piece >= length:
        return inputs
    return {"input_ids": inputs["input_ids"][:, start : start + piece]}


def _moved(value: Any, device: str) -> Any:
    return value.to(device) if hasattr(value, "to") else value
