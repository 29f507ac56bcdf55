"""One choice of an answer: takes what the model computed, token by token, and hands out text and odds."""

from collections.abc import Callable
from typing import Any

from switchyard_image_server.chat.events import Piece, TokenOdds
from switchyard_image_server.chat.sampler import Rules, Sampler, odds
from switchyard_image_server.chat.scribe import FinishReason, Scribe
from switchyard_image_server.chat.spelling import Spelling


class Writer:
    """`make_scribe` is given what shows text."""

    def __init__(
        self,
        number: int,
        send: Callable[[Piece], None],
        make_scribe: Callable[[Callable[[str], None]], Scribe],
        sampler: Sampler,
        spelling: Spelling,
        *,
        rules: Rules | None,
    ) -> None:
        self.number = number
        self._send = send
        self._scribe = make_scribe(self._show)
        self._sampler = sampler
        self._spelling = spelling
        self._rules = rules
        self._held: list[TokenOdds] = []  # of tokens whose text was not shown yet
        self._told = 0

    @property
    def tokens(self) -> int:
        return self._scribe.tokens

    def take(self, logits: Any) -> int | None:
        """The token that the model must read next; `None` when this choice is done."""
        token = self._sampler.choose(logits)
        if self._sampler.choosing.odds and not self._sampler.ends_with(token):
            self._held.append(self._odds(logits, token))
        done = self._scribe.take(token)
        if self._rules is not None and not done and self._rules.take(token):
            self._scribe.complete()
            done = True
        return None if done else token

    def close(self) -> FinishReason:
        return self._scribe.close()

    def _show(self, text: str) -> None:
        self._send(Piece(text, self.number, tuple(self._held), self.tokens - self._told))
        self._held.clear()
        self._told = self.tokens

    def _odds(self, logits: Any, token: int) -> TokenOdds:
        logprob, rivals = odds(logits, token, self._sampler.choosing.rivals)
        return self._one(token, logprob, tuple(self._one(*rival) for rival in rivals))

    def _one(self, token: int, logprob: float, rivals: tuple[TokenOdds, ...] = ()) -> TokenOdds:
        text, spelled = self._spelling.of(token)
        return TokenOdds(text, spelled, logprob, rivals)
