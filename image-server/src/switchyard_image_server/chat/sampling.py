"""How the next token is chosen: what the request says, else what the model's makers say, else plain sampling.

The values are Transformers' names for them. Temperature 0 means the likeliest token, always.
"""

from dataclasses import dataclass
from typing import Any

from switchyard_image_server.chat.request import ChatRequest
from switchyard_image_server.errors import ContextTooLong


@dataclass(frozen=True, slots=True)
class SamplingDefaults:
    """From the model's `generation_config.json`, where it has them."""

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0


def sampling_options(request: ChatRequest, defaults: SamplingDefaults) -> dict[str, Any]:
    temperature = defaults.temperature if request.temperature is None else request.temperature
    if temperature == 0:
        return {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
    top_k = defaults.top_k if request.top_k is None else request.top_k
    return {
        "do_sample": True,
        "temperature": temperature,
        "top_p": defaults.top_p if request.top_p is None else request.top_p,
        "top_k": max(top_k, 0),  # vLLM's clients send -1 for "all"
    }


def room_for_answer(prompt_tokens: int, context: int, asked: int | None, usual: int | None) -> int:
    """How many tokens the answer may have. What was asked for is given in full, or refused."""
    room = context - prompt_tokens
    if room < 1:
        raise ContextTooLong(
            f"cannot answer: the prompt has {prompt_tokens} tokens and the model's context is {context}; "
            "shorten the conversation",
            param="messages",
        )
    if asked is None:
        return room if usual is None else min(usual, room)
    if asked > room:
        raise ContextTooLong(
            f"cannot answer: the prompt has {prompt_tokens} tokens and {asked} more are asked for, but the "
            f"model's context is {context}; shorten the conversation, or ask for at most {room}",
            param="max_tokens",
        )
    return asked
