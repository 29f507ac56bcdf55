"""How the next token is chosen: what the request says, else what the model's makers say, else plain sampling.

Values only; `sampler` does it. Temperature 0 means the likeliest token, always.
"""

from dataclasses import dataclass, field
from typing import TypeVar

from switchyard_image_server.chat.request import ChatRequest
from switchyard_image_server.errors import ContextTooLong, InvalidValue

Value = TypeVar("Value", int, float)
COLDEST = 1e-5  # below this a division by the temperature leaves the range of numbers


@dataclass(frozen=True, slots=True)
class SamplingDefaults:
    """From the model's `generation_config.json`, where it has them."""

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    repetition_penalty: float = 1.0


@dataclass(frozen=True, slots=True)
class Choosing:
    """`top_k` of 0 means all. `rivals` is how many likely tokens are told beside the chosen one."""

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    bias: dict[int, float] = field(default_factory=dict)
    min_tokens: int = 0
    odds: bool = False
    rivals: int = 0

    @property
    def greedy(self) -> bool:
        return self.temperature < COLDEST


def settle_choosing(request: ChatRequest, defaults: SamplingDefaults, vocabulary: int) -> Choosing:
    """`vocabulary` is how many tokens the model can choose from."""
    stranger = next((token for token in request.logit_bias if not 0 <= token < vocabulary), None)
    if stranger is not None:
        raise InvalidValue(
            f"cannot weigh the token {stranger}: this model has the tokens 0 to {vocabulary - 1}",
            param="logit_bias",
        )
    if request.top_logprobs and not request.logprobs:
        raise InvalidValue(
            "cannot tell top_logprobs without logprobs: send logprobs: true", param="top_logprobs"
        )
    return Choosing(
        temperature=_said(request.temperature, defaults.temperature),
        top_p=_said(request.top_p, defaults.top_p),
        top_k=max(_said(request.top_k, defaults.top_k), 0),  # vLLM's clients send -1 for "all"
        min_p=_said(request.min_p, defaults.min_p),
        repetition_penalty=_said(request.repetition_penalty, defaults.repetition_penalty),
        presence_penalty=request.presence_penalty or 0.0,
        frequency_penalty=request.frequency_penalty or 0.0,
        bias=request.logit_bias,
        min_tokens=0 if request.ignore_eos else request.min_tokens,
        odds=request.logprobs,
        rivals=request.top_logprobs or 0,
    )


def _said(asked: Value | None, default: Value) -> Value:
    return default if asked is None else asked


def seeds_of(request: ChatRequest, random_seed: int) -> tuple[int, ...]:
    """One for each choice, so that each can be asked for again alone."""
    first = random_seed if request.seed is None else request.seed
    return tuple(first + i for i in range(request.n))


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
