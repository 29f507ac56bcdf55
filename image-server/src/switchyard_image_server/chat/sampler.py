"""Choose the next token of one row from its logits. Runs where the logits are; knows neither model nor text.

Each row draws from a generator of its own, on the CPU: the same numbers on every device, whoever else draws.
"""

import math
from collections.abc import Iterable
from typing import Any, Protocol

import switchyard_image_server.torch_ready  # noqa: F401 - before anything else of torch's

# isort: split
import torch

from switchyard_image_server.chat.sampling import Choosing
from switchyard_image_server.errors import EngineFault

FEW = 4096


class Rules(Protocol):
    """What the answer must look like. `allow` forbids by minus infinity; `take` says when it is complete."""

    def allow(self, scores: Any) -> Any: ...

    def take(self, token: int) -> bool: ...


class Sampler:
    """`prompt` is what a repetition penalty weighs on from the start; `ends` may not come too early."""

    def __init__(
        self,
        choosing: Choosing,
        seed: int,
        prompt: Any,
        *,
        ends: Iterable[int] = (),
        rules: Rules | None = None,
    ) -> None:
        self.choosing = choosing
        self._dice = torch.Generator("cpu").manual_seed(seed)
        self._rules = rules
        self._ends = sorted(ends)
        self._taken = 0
        self._prompt = prompt
        self._seen: Any = None
        self._counts: Any = None

    def ends_with(self, token: int) -> bool:
        return token in self._ends

    def choose(self, logits: Any) -> int:
        """The next token; it counts as said."""
        scores = self._ruled(self._weighed(logits))
        if self.choosing.greedy:
            token = _highest(scores)
            self._check(scores[token])
        else:
            likely, tokens = likelihoods(scores, self.choosing)
            self._check(likely.sum())
            place = draw(likely, float(torch.rand((), generator=self._dice, dtype=torch.float64)))
            token = place if tokens is None else int(tokens[place])
        self._note(token)
        return token

    def _check(self, number: Any) -> None:
        if not math.isfinite(float(number)):
            raise EngineFault(
                "cannot choose a token: the model computed no numbers (NaN); start the server with another "
                "--dtype"
            )

    def _weighed(self, logits: Any) -> Any:
        choosing = self.choosing
        scores = logits
        if choosing.repetition_penalty != 1:
            seen = self._all_seen(logits)
            weaker = torch.where(
                scores < 0, scores * choosing.repetition_penalty, scores / choosing.repetition_penalty
            )
            scores = torch.where(seen, weaker, scores)
        if choosing.presence_penalty or choosing.frequency_penalty:
            counts = self._all_counts(logits)
            scores = scores - choosing.frequency_penalty * counts - choosing.presence_penalty * (counts > 0)
        if choosing.bias:
            tokens = torch.tensor(list(choosing.bias), device=logits.device)
            weights = torch.tensor(list(choosing.bias.values()), device=logits.device, dtype=scores.dtype)
            scores = scores.index_add(0, tokens, weights)
        return scores

    def _ruled(self, scores: Any) -> Any:
        """What may not come now is out. Rules are stronger than a least length, where both leave nothing."""
        longer = scores
        if self._taken < self.choosing.min_tokens and self._ends:
            longer = scores.index_fill(0, torch.tensor(self._ends, device=scores.device), float("-inf"))
        if self._rules is None:
            return longer
        allowed = self._rules.allow(longer)
        return allowed if longer is scores or bool(allowed.isfinite().any()) else self._rules.allow(scores)

    def _all_seen(self, logits: Any) -> Any:
        if self._seen is None:
            known = self._prompt.to(logits.device)
            self._seen = torch.zeros(logits.shape[-1], dtype=torch.bool, device=logits.device)
            self._seen[known[known < logits.shape[-1]]] = True
            self._prompt = None
        return self._seen

    def _all_counts(self, logits: Any) -> Any:
        if self._counts is None:
            self._counts = torch.zeros(logits.shape[-1], device=logits.device)
        return self._counts

    def _note(self, token: int) -> None:
        self._taken += 1
        if self._seen is not None:
            self._seen[token] = True
        if self._counts is not None:
            self._counts[token] += 1


def _highest(scores: Any) -> int:
    """On the processor NumPy looks through a vocabulary in a tenth of the time."""
    return int(scores.numpy().argmax() if scores.device.type == "cpu" else scores.argmax())


def likelihoods(scores: Any, choosing: Choosing) -> tuple[Any, Any]:
    """How likely each token is, not yet normalised to 1, and which tokens these are (`None`: all, in order)."""
    scores, tokens = scores / choosing.temperature, None
    if 0 < choosing.top_k < scores.shape[-1]:
        scores, tokens = scores.topk(choosing.top_k)
    likely = scores.softmax(-1)
    if tokens is None and choosing.top_p < 1:
        likely, tokens = _likeliest(likely, choosing.top_p)
    if choosing.top_p < 1:
        before = likely.cumsum(-1) - likely
        likely = likely * (before < choosing.top_p)
    if choosing.min_p > 0:
        likely = likely * (likely >= choosing.min_p * likely.max())
    return likely, tokens


def _likeliest(likely: Any, top_p: float) -> tuple[Any, Any]:
    """From the likeliest down, at least as many as make up `top_p`. Few are enough most of the time, and to
    sort a whole vocabulary takes longer than all the rest.
    """
    few, tokens = likely.topk(min(FEW, likely.shape[-1]))
    return (few, tokens) if bool(few.sum() >= top_p) else likely.sort(descending=True)


def draw(likely: Any, dice: float) -> int:
    """The place where a number from 0 to 1 falls. Never one whose likelihood is 0."""
    sums = likely.to(torch.float64 if likely.device.type != "mps" else torch.float32).cumsum(-1)
    place = int(torch.searchsorted(sums, sums[-1:] * dice, right=True))
    last = int(torch.searchsorted(sums, sums[-1:]))
    return min(place, last)


def odds(logits: Any, token: int, rivals: int) -> tuple[float, list[tuple[int, float]]]:
    """The logarithm of the token's probability, and those of the likeliest, before anything was weighed."""
    logs = logits.log_softmax(-1)
    values, tokens = logs.topk(min(rivals, logs.shape[-1]))
    return float(logs[token]), list(zip(tokens.tolist(), values.tolist(), strict=True))
