"""Keep a model's answer to a form: at each token, only those that can still lead to it are allowed.

llguidance does the work, on the worker thread. Thoughts are free: the form begins after `</think>`, and until
then the answer cannot end.
"""

from enum import Enum, auto
from typing import Any

import switchyard_image_server.torch_ready  # noqa: F401 - before transformers

# isort: split
import torch
from llguidance import LLMatcher, LLTokenizer
from llguidance.hf import from_tokenizer

from switchyard_image_server.chat.costly import too_costly
from switchyard_image_server.chat.forms import form_of
from switchyard_image_server.chat.habits import (
    CALL,
    END_CALL,
    END_THINK,
    THINK,
    habits_of,
    may_open_thoughts,
)
from switchyard_image_server.chat.lark import Marks, lark_of, literal, schemas_in
from switchyard_image_server.chat.request import ChatRequest
from switchyard_image_server.errors import InvalidValue

NO_TOKEN = -1


class _Place(Enum):
    START = auto()  # the model may open thoughts, or begin the form
    THOUGHTS = auto()
    FORM = auto()


class Grammars:
    """Makes the grammars of one model. Its view of the tokenizer takes a second to make: done when needed."""

    def __init__(
        self, tokenizer: Any, vocab_size: int, ends: frozenset[int], template: str | None = None
    ) -> None:
        self._tokenizer = tokenizer
        self._size = max(vocab_size, len(tokenizer))
        self._ends = sorted(ends)
        self._habits = habits_of((tokenizer.chat_template if template is None else template) or "")
        self._known: LLTokenizer | None = None

    def of(self, request: ChatRequest, thinking: bool) -> "Grammar | None":
        """`None` if the answer is free. `thinking`: the prompt has opened the model's thoughts."""
        form = form_of(request, self._habits)
        if form is None:
            return None
        for param, schema in schemas_in(form):
            _check_schema(schema, param)
        known = self._vocabulary()
        text = LLMatcher.grammar_from_lark(lark_of(form, Marks(self._mark(CALL), self._mark(END_CALL))))
        param = "tools" if form.answer is None else form.answer.param
        matcher = LLMatcher(known, text, log_level=0)
        matcher.compute_bitmask()  # some are found too complex only when they are used
        _check(matcher.get_error(), param)
        opens = may_open_thoughts(request, self._habits)
        return Grammar(matcher, known, self._ends, param, thinking=thinking, think=self._think(opens))

    def _vocabulary(self) -> LLTokenizer:
        if self._known is None:
            self._known = from_tokenizer(self._tokenizer, n_vocab=self._size, eos_token=self._ends or None)
        return self._known

    def _mark(self, mark: str) -> str:
        token = self._token(mark)
        # As text it could be written in other tokens than the model has learnt, or in none at all.
        return literal(mark) if token == NO_TOKEN else f"<[{token}]>"

    def _think(self, opens: bool) -> int:
        return self._token(THINK) if opens else NO_TOKEN

    def _token(self, mark: str) -> int:
        known = self._vocabulary()
        tokens = known.tokenize_str(mark, parse_special=True)
        alone = len(tokens) == 1 and known.is_special_token(tokens[0])
        return tokens[0] if alone else NO_TOKEN


class Grammar:
    """Of one choice of one answer."""

    def __init__(
        self,
        matcher: LLMatcher,
        known: LLTokenizer,
        ends: list[int],
        param: str,
        *,
        thinking: bool,
        think: int,
    ) -> None:
        self._matcher = matcher
        self._known = known
        self._ends = ends
        self._param = param
        self._think = think
        self._tail = b""
        self._place = _Place.THOUGHTS if thinking else _Place.FORM if think == NO_TOKEN else _Place.START

    def allow(self, scores: torch.Tensor) -> torch.Tensor:
        """The scores of one step, with what may not come next at minus infinity."""
        if self._place is _Place.THOUGHTS:
            allowed = torch.ones(scores.shape[-1], dtype=torch.bool)
            allowed[self._ends] = False
        else:
            allowed = self._allowed(scores.shape[-1])
            if self._place is _Place.START:
                allowed[self._think] = True
        return scores.masked_fill(~allowed.to(scores.device), -torch.inf)

    def take(self, token: int) -> bool:
        """Go on to the next step; `True` when the answer is complete."""
        if self._place is _Place.START and token == self._think:
            self._place = _Place.THOUGHTS
        elif self._place is _Place.THOUGHTS:
            self._follow_thoughts(token)
        else:
            self._place = _Place.FORM
            self._matcher.consume_token(token)
            _check(self._matcher.get_error(), self._param)
            complete: bool = self._matcher.is_stopped()
            return complete
        return False

    def _follow_thoughts(self, token: int) -> None:
        end = END_THINK.encode()
        self._tail += self._known.decode_bytes([token])
        if end in self._tail:
            self._place = _Place.FORM
        self._tail = self._tail[-len(end) + 1 :]

    def _allowed(self, size: int) -> torch.Tensor:
        bits = torch.frombuffer(bytearray(self._matcher.compute_bitmask()), dtype=torch.uint8)
        _check(self._matcher.get_error(), self._param)
        allowed = (bits.unsqueeze(1) >> torch.arange(8)).bitwise_and(1).bool().flatten()
        known = torch.zeros(size, dtype=torch.bool)
        known[: len(allowed)] = allowed[:size]
        return known


def _check_schema(schema: dict[str, Any], param: str) -> None:
    _check(too_costly(schema) or "", param)
    try:
        error = LLMatcher.validate_grammar(LLMatcher.grammar_from_json_schema(schema))
    except (ValueError, RecursionError) as fault:
        raise _refusal(str(fault), param) from None
    _check(error, param)


def _check(error: str, param: str) -> None:
    if error:
        raise _refusal(error, param)


def _refusal(error: str, param: str) -> InvalidValue:
    told = error.strip().partition("\n")[0][:300]
    return InvalidValue(f"cannot keep the answer to this schema: {told}; simplify it", param=param)
