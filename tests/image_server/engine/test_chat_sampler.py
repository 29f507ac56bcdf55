"""The next token: as Transformers would choose it, and from the row's own dice."""

from collections import Counter
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import (
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from switchyard_image_server.chat import sampler as sampler_module
from switchyard_image_server.chat.sampler import Sampler, draw, likelihoods, odds
from switchyard_image_server.chat.sampling import Choosing
from switchyard_image_server.errors import EngineFault

NOTHING = torch.zeros(0, dtype=torch.long)


def logits(size: int = 50, seed: int = 0) -> torch.Tensor:
    return torch.randn(size, generator=torch.Generator().manual_seed(seed)) * 3


def spread(likely: torch.Tensor, tokens: Any, size: int) -> torch.Tensor:
    """As probabilities in the vocabulary's order."""
    tokens = torch.arange(size) if tokens is None else tokens
    return torch.zeros(size).index_put((tokens,), likely) / likely.sum()


@given(
    st.integers(0, 100),
    st.floats(0.1, 5),
    st.integers(0, 60),
    st.floats(0.01, 1),
    st.floats(0, 1),
)
def test_tokens_are_as_likely_as_transformers_makes_them(
    seed: int, temperature: float, top_k: int, top_p: float, min_p: float
) -> None:
    scores = logits(seed=seed)
    warpers: Any = LogitsProcessorList([TemperatureLogitsWarper(temperature)])
    warpers += [TopKLogitsWarper(top_k)] if top_k else []
    warpers += [TopPLogitsWarper(top_p)] if top_p < 1 else []
    warpers += [MinPLogitsWarper(min_p)]
    theirs = warpers(NOTHING[None], scores[None])[0].softmax(-1)

    ours = spread(*likelihoods(scores, Choosing(temperature, top_p, top_k, min_p)), size=50)

    # A token on the very edge may fall to either side.
    assert ((ours > 0) != (theirs > 0)).sum() <= 1
    if torch.equal(ours > 0, theirs > 0):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


@given(
    st.lists(st.floats(0, 1, width=32), min_size=1, max_size=9).filter(any), st.floats(0, 1, exclude_max=True)
)
def test_never_draws_what_is_impossible(likely: list[float], dice: float) -> None:
    place = draw(torch.tensor(likely), dice)

    assert likely[place] > 0


@pytest.mark.parametrize("few", [1, 3, 20])
@pytest.mark.parametrize("top_p", [0.1, 0.5, 0.9, 0.999])
def test_the_whole_vocabulary_is_sorted_where_few_do_not_suffice(
    monkeypatch: pytest.MonkeyPatch, few: int, top_p: float
) -> None:
    scores = logits()
    expected = spread(*likelihoods(scores, Choosing(top_p=top_p)), size=50)

    monkeypatch.setattr(sampler_module, "FEW", few)

    torch.testing.assert_close(spread(*likelihoods(scores, Choosing(top_p=top_p)), size=50), expected)


def test_dice_that_are_rounded_up_to_the_end_draw_the_last_possible() -> None:
    assert draw(torch.tensor([0.5, 0.5, 0.0]), 1.0) == 1


def test_the_dice_decide_in_proportion() -> None:
    likely = torch.tensor([1.0, 0.0, 3.0])

    drawn = [draw(likely, dice / 100) for dice in range(100)]

    assert Counter(drawn) == {0: 25, 2: 75}


def test_draws_as_often_as_likely() -> None:
    scores = logits(8)
    sampler = Sampler(Choosing(), 3, NOTHING)

    drawn = Counter(sampler.choose(scores) for _ in range(4000))

    seen = torch.tensor([drawn[i] / 4000 for i in range(8)])
    torch.testing.assert_close(seen, scores.softmax(-1), rtol=0, atol=0.03)


def test_the_same_seed_draws_the_same_whoever_draws_in_between() -> None:
    scores = logits() / 3

    def drawn(seed: int, *, disturbed: bool = False) -> list[int]:
        sampler, other = Sampler(Choosing(), seed, NOTHING), Sampler(Choosing(), 9, NOTHING)
        tokens = []
        for _ in range(20):
            tokens.append(sampler.choose(scores))
            if disturbed:
                other.choose(scores)
                torch.rand(3)
        return tokens

    assert drawn(1) == drawn(1, disturbed=True)
    assert drawn(1) != drawn(2)


@pytest.mark.parametrize("seed", [-(2**63), -1, 0, 2**63 + 6])
def test_takes_any_seed_that_a_request_may_have(seed: int) -> None:
    Sampler(Choosing(), seed, NOTHING).choose(logits())


def test_temperature_zero_takes_the_likeliest() -> None:
    scores = logits()

    assert Sampler(Choosing(temperature=0), 1, NOTHING).choose(scores) == int(scores.argmax())


def test_a_repetition_penalty_weighs_on_the_prompt_and_the_answer_as_in_transformers() -> None:
    prompt = torch.tensor([1, 2, 3, 3, 60])  # the last one is beyond the vocabulary: a picture's place
    sampler = Sampler(Choosing(temperature=0, repetition_penalty=1.7), 0, prompt)
    said: list[int] = []

    for step in range(12):
        scores = logits(seed=step % 3)
        theirs: Any = RepetitionPenaltyLogitsProcessor(1.7)
        seen = torch.tensor([[1, 2, 3, *said]])
        expected = int(theirs(seen, scores[None]).argmax())
        said.append(sampler.choose(scores))
        assert said[-1] == expected

    assert len(set(said)) > 3


def test_presence_and_frequency_weigh_on_the_answer_only() -> None:
    scores = torch.tensor([3.0, 2.5, 1.4, 0.0])
    often = Sampler(Choosing(temperature=0, frequency_penalty=1.0), 0, torch.tensor([0, 0, 0]))
    once = Sampler(Choosing(temperature=0, presence_penalty=2.0), 0, torch.tensor([0, 0, 0]))

    assert [often.choose(scores) for _ in range(6)] == [0, 1, 0, 1, 2, 0]
    assert [once.choose(scores) for _ in range(6)] == [0, 1, 2, 0, 0, 0]


def test_single_tokens_can_be_favoured_and_forbidden() -> None:
    scores = torch.tensor([3.0, 2.5, 1.0])

    assert Sampler(Choosing(temperature=0, bias={2: 5}), 0, NOTHING).choose(scores) == 2
    assert Sampler(Choosing(temperature=0, bias={0: -100}), 0, NOTHING).choose(scores) == 1


def test_the_end_may_not_come_too_early() -> None:
    scores = torch.tensor([3.0, 2.5, 1.0])
    sampler = Sampler(Choosing(temperature=0, min_tokens=2), 0, NOTHING, ends={0})

    assert [sampler.choose(scores) for _ in range(3)] == [1, 1, 0]


class Only:
    """Rules that allow these tokens."""

    def __init__(self, *tokens: int) -> None:
        self._tokens = list(tokens)

    def allow(self, scores: torch.Tensor) -> torch.Tensor:
        return torch.full_like(scores, float("-inf")).index_copy(
            0, torch.tensor(self._tokens), scores[self._tokens]
        )

    def take(self, token: int) -> bool:
        return False


@pytest.mark.parametrize(
    "choosing", [Choosing(), Choosing(top_k=30), Choosing(top_p=0.5), Choosing(temperature=0)]
)
def test_rules_are_kept_however_tokens_are_chosen(choosing: Choosing) -> None:
    sampler = Sampler(choosing, 0, NOTHING, rules=Only(4, 7))

    assert {sampler.choose(logits(seed=i)) for i in range(40)} == {4, 7}


def test_rules_that_leave_nothing_but_the_end_are_stronger_than_a_least_length() -> None:
    sampler = Sampler(Choosing(min_tokens=9), 0, NOTHING, ends={0}, rules=Only(0))

    assert sampler.choose(logits()) == 0


@pytest.mark.parametrize("choosing", [Choosing(), Choosing(temperature=0)])
def test_a_model_that_computes_no_numbers_is_told_plainly(choosing: Choosing) -> None:
    with pytest.raises(EngineFault, match="another --dtype"):
        Sampler(choosing, 0, NOTHING).choose(torch.full((5,), float("nan")))


def test_odds_are_those_of_the_model_itself() -> None:
    scores = logits(10)
    logs = scores.log_softmax(-1)

    chosen, rivals = odds(scores, 4, 3)

    assert chosen == pytest.approx(float(logs[4]))
    assert [token for token, _ in rivals] == logs.argsort(descending=True)[:3].tolist()
    assert [value for _, value in rivals] == pytest.approx(sorted(logs.tolist())[:-4:-1])
    assert odds(scores, 4, 0)[1] == []
