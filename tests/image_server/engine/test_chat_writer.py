"""One choice: its tokens become text and odds, and it ends by its rules, its end or its limit."""

from functools import partial
from typing import Any

import pytest
import torch

from switchyard_image_server.chat.events import Piece
from switchyard_image_server.chat.sampler import Rules, Sampler
from switchyard_image_server.chat.sampling import Choosing
from switchyard_image_server.chat.scribe import FinishReason, Scribe
from switchyard_image_server.chat.spelling import Spelling
from switchyard_image_server.chat.writer import Writer
from tests.image_server.engine import tiny_language


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return tiny_language.make_tokenizer()


class After:
    """Rules that allow anything, and are satisfied after so many tokens."""

    def __init__(self, tokens: int) -> None:
        self._left = tokens

    def allow(self, scores: torch.Tensor) -> torch.Tensor:
        return scores

    def take(self, token: int) -> bool:
        self._left -= 1
        return self._left == 0


def written(
    tokenizer: Any,
    tokens: list[int],
    *,
    rules: Rules | None = None,
    limit: int = 99,
    stops: tuple[str, ...] = (),
) -> tuple[list[Piece], list[int | None], FinishReason]:
    """What comes of it if the model is sure of these tokens."""
    shown: list[Piece] = []
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    sampler = Sampler(Choosing(temperature=0, odds=True), 0, torch.zeros(0), ends={end}, rules=rules)
    decode = partial(tokenizer.decode, skip_special_tokens=True)
    scribe = partial(Scribe, decode, ends=frozenset({end}), limit=limit, stops=stops)
    writer = Writer(2, shown.append, scribe, sampler, Spelling(tokenizer), rules=rules)
    taken = []
    for token in tokens:
        taken.append(writer.take(torch.nn.functional.one_hot(torch.tensor(token), len(tokenizer)) * 50.0))
        if taken[-1] is None:
            break
    return shown, taken, writer.close()


def test_text_comes_with_its_own_odds_and_count(tokenizer: Any) -> None:
    tokens = tokenizer.encode("é🚂a cat")

    shown, taken, reason = written(tokenizer, [*tokens, tokenizer.eos_token_id])

    assert "".join(piece.text for piece in shown) == "é🚂a cat"
    assert all(bytes(b for one in piece.odds for b in one.bytes) == piece.text.encode() for piece in shown)
    assert [len(piece.odds) for piece in shown] == [piece.tokens for piece in shown]
    assert sum(piece.tokens for piece in shown) == len(tokens)
    assert {piece.choice for piece in shown} == {2}
    assert taken == [*tokens, None]
    assert reason is FinishReason.STOP


def test_what_a_stop_string_swallows_has_no_odds(tokenizer: Any) -> None:
    tokens = tokenizer.encode("a cat###")

    shown, _, reason = written(tokenizer, tokens, stops=("###",))

    assert "".join(piece.text for piece in shown) == "a cat"
    assert "".join(one.text for piece in shown for one in piece.odds) == "a cat"
    assert reason is FinishReason.STOP


def test_the_end_has_no_odds_even_where_text_was_held_back_until_it(tokenizer: Any) -> None:
    tokens = tokenizer.encode("a cat")

    shown, _, _ = written(tokenizer, [*tokens, tokenizer.eos_token_id], stops=("cats",))

    assert "".join(piece.text for piece in shown) == "a cat"
    assert "".join(one.text for piece in shown for one in piece.odds) == "a cat"


def test_ends_when_its_rules_are_satisfied_and_shows_the_last_token(tokenizer: Any) -> None:
    tokens = tokenizer.encode("abcdef")

    shown, taken, reason = written(tokenizer, tokens, rules=After(3))

    assert taken == [*tokens[:2], None]
    assert "".join(piece.text for piece in shown) == tokenizer.decode(tokens[:3])
    assert reason is FinishReason.STOP


def test_ends_at_its_limit(tokenizer: Any) -> None:
    tokens = tokenizer.encode("abcdef")

    _, taken, reason = written(tokenizer, tokens, limit=2)

    assert taken == [tokens[0], None]
    assert reason is FinishReason.LENGTH
