"""Run a language or vision model with Transformers. Everything here happens on the worker thread."""

import secrets
from typing import Any, Literal

import switchyard_image_server.torch_ready  # noqa: F401 - before transformers

# isort: split
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    AutoProcessor,
    AutoTokenizer,
    LogitsProcessor,
    LogitsProcessorList,
    StoppingCriteria,
    StoppingCriteriaList,
)

from switchyard_image_server.chat.conversation import Conversation
from switchyard_image_server.chat.events import ChatEvent, Finished, Piece, Started
from switchyard_image_server.chat.prompt import PromptReader
from switchyard_image_server.chat.request import ChatRequest
from switchyard_image_server.chat.sampling import SamplingDefaults, room_for_answer, sampling_options
from switchyard_image_server.chat.scribe import Scribe
from switchyard_image_server.device import Placement
from switchyard_image_server.errors import StartCode, StartFailure
from switchyard_image_server.settings import ModelSettings
from switchyard_image_server.worker import Ticket


class _EachToken(StoppingCriteria):  # type: ignore[misc]  # Transformers is untyped
    """Sees every token in the step that made it, hands it to the scribe, and stops when that says so.

    A streamer would see it a step later, after the decision to go on: one token too many at a stop string.
    """

    def __init__(self, scribe: Scribe, ticket: Ticket[ChatEvent]) -> None:
        self._scribe = scribe
        self._ticket = ticket

    def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
        self._ticket.check()
        done = self._scribe.take(int(input_ids[0, -1]))
        return torch.full((input_ids.shape[0],), done, dtype=torch.bool, device=input_ids.device)


class _Penalties(LogitsProcessor):  # type: ignore[misc]  # Transformers is untyped
    """OpenAI's presence and frequency penalties, over the answer only."""

    def __init__(self, presence: float, frequency: float, prompt_tokens: int) -> None:
        self._presence = presence
        self._frequency = frequency
        self._prompt_tokens = prompt_tokens

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        counts = torch.bincount(input_ids[0, self._prompt_tokens :], minlength=scores.shape[-1])
        return scores - self._frequency * counts - self._presence * (counts > 0)


class ChatModel:
    """A loaded model and its tokenizer or processor."""

    def __init__(self, model: Any, reader: PromptReader, settings: ModelSettings, *, sees: bool) -> None:
        self.kind: Literal["text", "vision"] = "vision" if sees else "text"
        self._model = model
        self._reader = reader
        self._usual_answer = settings.max_new_tokens
        self.context = _context(model, settings)
        generation = model.generation_config
        end = generation.eos_token_id
        self._ends = frozenset(end if isinstance(end, list) else [] if end is None else [end])
        self._pad = (
            generation.pad_token_id if generation.pad_token_id is not None else min(self._ends, default=0)
        )
        self._no_token: int = model.config.get_text_config().vocab_size  # one past the last
        self._defaults = SamplingDefaults(
            temperature=1.0 if generation.temperature is None else generation.temperature,
            top_p=1.0 if generation.top_p is None else generation.top_p,
            top_k=generation.top_k or 0,
        )

    @classmethod
    def load(cls, settings: ModelSettings, placement: Placement, *, sees: bool) -> "ChatModel":
        source = settings.source
        reader = (AutoProcessor if sees else AutoTokenizer).from_pretrained(**source)
        if not reader.chat_template:
            raise StartFailure(
                StartCode.UNSUPPORTED_MODEL,
                f"cannot chat with {settings.model}: it comes without a chat template",
            )
        kind = AutoModelForImageTextToText if sees else AutoModelForCausalLM
        model = kind.from_pretrained(**source, dtype=placement.dtype, device_map=placement.device)
        return cls(model.eval(), PromptReader(reader, sees=sees), settings, sees=sees)

    def answer(self, request: ChatRequest, conversation: Conversation, ticket: Ticket[ChatEvent]) -> None:
        inputs = self._reader.read(conversation, request.offered_tools, request.chat_template_kwargs)
        prompt_tokens = int(inputs["input_ids"].shape[1])
        limit = room_for_answer(prompt_tokens, self.context, request.answer_limit, self._usual_answer)
        ticket.send(Started(prompt_tokens))
        scribe = Scribe(
            self._reader.decode,
            lambda text: ticket.send(Piece(text)),
            ends=frozenset() if request.ignore_eos else self._ends,
            limit=limit,
            stops=request.stop,
            min_tokens=request.min_tokens,
        )
        torch.manual_seed(secrets.randbits(63) if request.seed is None else request.seed)
        with torch.inference_mode():
            self._model.generate(
                **inputs.to(self._model.device),
                **sampling_options(request, self._defaults),
                max_new_tokens=limit,
                min_new_tokens=min(request.min_tokens, limit) or None,
                eos_token_id=self._no_token if request.ignore_eos else sorted(self._ends) or None,
                pad_token_id=self._pad,
                stopping_criteria=StoppingCriteriaList([_EachToken(scribe, ticket)]),
                logits_processor=_penalties(request, prompt_tokens),
            )
        ticket.send(Finished(scribe.close(), prompt_tokens, scribe.tokens))


def _penalties(request: ChatRequest, prompt_tokens: int) -> Any:
    presence, frequency = request.presence_penalty or 0.0, request.frequency_penalty or 0.0
    wanted = [_Penalties(presence, frequency, prompt_tokens)] if presence or frequency else []
    return LogitsProcessorList(wanted)


def _context(model: Any, settings: ModelSettings) -> int:
    longest: int = model.config.get_text_config().max_position_embeddings
    if settings.max_model_len is not None and settings.max_model_len > longest:
        raise StartFailure(
            StartCode.BAD_ENGINE_ARGUMENT,
            f"cannot give {settings.model} a context of {settings.max_model_len} tokens: "
            f"it was made for {longest}; lower --max-model-len",
        )
    return settings.max_model_len or longest
