"""Answer with a language or vision model. Everything here happens on the worker thread.

An answer is a generator. It reads its prompt alone, then yields a `Step` for each token; `together` computes
the steps of all answers in as few passes as can be. Unseeded rows share passes, in which the last bit of a
number may depend on who else is there; a seeded request's rows never do.
"""

import secrets
from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import Any, Literal

import switchyard_image_server.torch_ready  # noqa: F401 - before transformers

# isort: split
import torch

from switchyard_image_server.chat.batch.benches import Benches, Step
from switchyard_image_server.chat.batch.passes import PIECE, Passes, Prompt, has_pixels
from switchyard_image_server.chat.conversation import Conversation
from switchyard_image_server.chat.counting import Counter
from switchyard_image_server.chat.events import ChatEvent, Ended, Finished, Piece, Started
from switchyard_image_server.chat.grammar import Grammars
from switchyard_image_server.chat.prompt import PromptReader
from switchyard_image_server.chat.request import ChatRequest
from switchyard_image_server.chat.sampler import Sampler
from switchyard_image_server.chat.sampling import (
    Choosing,
    SamplingDefaults,
    room_for_answer,
    seeds_of,
    settle_choosing,
)
from switchyard_image_server.chat.scribe import Scribe
from switchyard_image_server.chat.spelling import Spelling
from switchyard_image_server.chat.writer import Writer
from switchyard_image_server.device import Placement, free_memory
from switchyard_image_server.errors import (
    GpuOutOfMemory,
    OutOfMemory,
    StartCode,
    StartFailure,
    is_out_of_memory,
)
from switchyard_image_server.memory.apply import Residence
from switchyard_image_server.memory.load_language import load_language_model
from switchyard_image_server.memory.report import MemoryReport
from switchyard_image_server.progress import Progress
from switchyard_image_server.settings import ModelSettings
from switchyard_image_server.worker import Steps, Ticket

SHRINK = 0.5  # of the pixels, where they did not fit
JOINED = 8  # tokens of an answer that broke off, to which the rest is fitted
SMALL_PIECE = PIECE // 8  # of a text that did not fit


class ChatModel:
    """A loaded model, its tokenizer or processor, and the answers that it is writing."""

    def __init__(
        self,
        model: Any,
        reader: PromptReader,
        residence: Residence,
        settings: ModelSettings,
        device: str,
        *,
        sees: bool,
    ) -> None:
        self.kind: Literal["text", "vision"] = "vision" if sees else "text"
        self.context = _context(model, settings)
        self.template: str = reader.template
        self.concurrency = settings.concurrency
        self._reader = reader
        self._residence = residence
        self._passes = Passes(model, device)
        self._benches = Benches(self._passes, free_memory)
        self._spelling = Spelling(reader.tokenizer)
        self._usual_answer = settings.max_new_tokens
        self._vocabulary: int = model.config.get_text_config().vocab_size
        self._ends = _ends(model.generation_config)
        self._grammars = Grammars(reader.tokenizer, self._vocabulary, self._ends, self.template)
        self.counter = Counter(reader, self.context)
        self._defaults = _defaults(model.generation_config)

    @classmethod
    def load(
        cls,
        settings: ModelSettings,
        placement: Placement,
        *,
        sees: bool,
        tell: Callable[[Progress], None] = lambda _: None,
    ) -> "ChatModel":
        model, reader, residence = load_language_model(settings, placement, sees=sees, tell=tell)
        if not reader.chat_template:
            raise StartFailure(
                StartCode.UNSUPPORTED_MODEL,
                f"cannot chat with {settings.model}: it comes without a chat template",
            )
        prompts = PromptReader(reader, sees=sees, max_image_tokens=settings.max_image_tokens)
        return cls(model, prompts, residence, settings, placement.device, sees=sees)

    @property
    def memory(self) -> MemoryReport:
        return self._residence.report

    def together(self, steps: Sequence[Step | None]) -> Sequence[Any]:
        return self._benches.compute(steps)

    def sleep(self) -> None:
        self._residence.sleep()

    def wake(self) -> None:
        self._residence.wake()

    def answer(self, request: ChatRequest, conversation: Conversation, ticket: Ticket[ChatEvent]) -> Steps:
        def read(shrink: float) -> Any:
            tools, variables = request.offered_tools, request.chat_template_kwargs
            return self._reader.read(conversation, tools, variables, shrink, ticket.check)

        choosing = settle_choosing(request, self._defaults, self._vocabulary)
        inputs = read(1.0)
        length = int(inputs["input_ids"].shape[1])
        limit = room_for_answer(length, self.context, request.answer_limit, self._usual_answer)
        thinking = not conversation.continues and self._reader.opens_thoughts(inputs)
        writers = self._writers(
            request, choosing, ticket.send, inputs["input_ids"][0], limit, thinking=thinking
        )
        ticket.send(Started(length, thinking))
        yield None  # others have a turn before the prompt is read, and it is noticed if nobody waits
        prompt, note = yield from self._prompt(inputs, lambda: read(SHRINK))
        length = prompt.length
        del inputs
        yield from self._write(writers, prompt, ticket, alone=request.seed is not None)
        self._residence.run_ended()
        ticket.send(Finished(length, sum(writer.tokens for writer in writers), note))

    def _writers(
        self,
        request: ChatRequest,
        choosing: Choosing,
        send: Callable[[Piece], None],
        prompt: Any,
        limit: int,
        *,
        thinking: bool,
    ) -> list[Writer]:
        """One for each choice."""
        ends = frozenset[int]() if request.ignore_eos else self._ends
        before = prompt[-JOINED:].tolist() if request.continues else ()
        writers = []
        for number, seed in enumerate(seeds_of(request, secrets.randbits(62))):
            rules = self._grammars.of(request, thinking)
            sampler = Sampler(choosing, seed, prompt, ends=ends, rules=rules)
            scribe = partial(
                Scribe,
                self._reader.decode,
                ends=ends,
                limit=limit,
                stops=request.stop,
                min_tokens=request.min_tokens,
                before=before,
            )
            writers.append(Writer(number, send, scribe, sampler, self._spelling, rules=rules))
        return writers

    def _prompt(
        self, inputs: Any, read_smaller: Callable[[], Any]
    ) -> Generator[None, None, tuple[Prompt, str | None]]:
        """Read the prompt; if memory does not suffice, once more for less of it."""
        try:
            return (yield from self._passes.read(inputs)), None
        except Exception as error:
            if not is_out_of_memory(error):
                raise
        # Only here: while the error is handled, its traceback keeps the tensors of the failed pass.
        pixels, tokens = has_pixels(inputs), int(inputs["input_ids"].shape[1])
        free_memory()
        if pixels:
            inputs = read_smaller()
        try:
            prompt = yield from self._passes.read(inputs, PIECE if pixels else SMALL_PIECE)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
        else:
            return prompt, _note(pixels, tokens, prompt.length)
        raise self._too_much(tokens, pixels=pixels)

    def _too_much(self, tokens: int, *, pixels: bool) -> OutOfMemory:
        report = self._residence.report
        on_gpu = report.device.startswith("cuda")
        tried = f"{SHRINK:.0%} of its pixels" if pixels else f"pieces of {SMALL_PIECE} tokens"
        free = "" if report.device_free is None else f", {report.device_free // 2**20} MiB are free"
        return (GpuOutOfMemory if on_gpu else OutOfMemory)(
            f"cannot read the prompt of {tokens} tokens: out of memory, also with {tried}{free}; "
            + ("send fewer or smaller pictures or videos" if pixels else "shorten the conversation")
        )

    def _write(
        self, writers: Sequence[Writer], prompt: Prompt, ticket: Ticket[ChatEvent], *, alone: bool
    ) -> Generator[Step, Any, None]:
        """All choices, from one reading of the prompt. A choice that ends gives its row back at once."""
        rows = []
        try:
            left = self._taken(writers, prompt.logits.expand(len(writers), -1), ticket)
            if left:
                rows = self._benches.enter(prompt, len(left), alone=alone)
            prompt.cache = prompt.logits = None
            while left:
                for row, (_, token) in zip(rows, left, strict=True):
                    row.token = token
                logits = yield Step(tuple(rows))
                stay = self._taken([writer for writer, _ in left], logits, ticket)
                del logits
                going_on = {writer for writer, _ in stay}
                self._benches.leave(
                    [row for row, (writer, _) in zip(rows, left, strict=True) if writer not in going_on]
                )
                rows = [row for row, (writer, _) in zip(rows, left, strict=True) if writer in going_on]
                left = stay
        finally:
            self._benches.leave(rows)

    def _taken(
        self, writers: Sequence[Writer], logits: Any, ticket: Ticket[ChatEvent]
    ) -> list[tuple[Writer, int]]:
        """Give each its logits; whoever goes on comes back with its token."""
        going_on = []
        with torch.inference_mode():
            for writer, row in zip(writers, logits, strict=True):
                token = writer.take(row)
                if token is None:
                    ticket.send(Ended(writer.number, writer.close()))
                else:
                    going_on.append((writer, token))
        return going_on


def _note(pixels: bool, before: int, after: int) -> str:
    if pixels:
        return (
            f"out of memory; pictures and videos were read at {SHRINK:.0%} of their pixels "
            f"({after} tokens for {before})"
        )
    return f"out of memory; the prompt was read in pieces of {SMALL_PIECE} tokens"


def _ends(generation: Any) -> frozenset[int]:
    end = generation.eos_token_id
    return frozenset(end if isinstance(end, list) else [] if end is None else [end])


def _defaults(generation: Any) -> SamplingDefaults:
    plain = SamplingDefaults()
    names = ("temperature", "top_p", "top_k", "min_p", "repetition_penalty")
    said = {name: getattr(generation, name, None) for name in names}
    return SamplingDefaults(
        **{name: getattr(plain, name) if value is None else value for name, value in said.items()}
    )


def _context(model: Any, settings: ModelSettings) -> int:
    longest: int = model.config.get_text_config().max_position_embeddings
    if settings.max_model_len is not None and settings.max_model_len > longest:
        raise StartFailure(
            StartCode.BAD_ENGINE_ARGUMENT,
            f"cannot give {settings.model} a context of {settings.max_model_len} tokens: "
            f"it was made for {longest}; lower --max-model-len",
        )
    return settings.max_model_len or longest
