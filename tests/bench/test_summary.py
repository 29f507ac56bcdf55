"""Figures over rounds: what is paired, what is a median, and what is not there."""

import pytest
from bench.proxy.summary import Rounds


def a_round(**cpu: float) -> dict[str, dict[str, dict[str, float]]]:
    return {"requests": {target: {"cpu": value} for target, value in cpu.items()}}


def test_a_ratio_is_of_values_of_the_same_round() -> None:
    # The machine was four times as slow in the last two rounds.
    rounds = Rounds([a_round(ours=60, nginx=10), a_round(ours=240, nginx=40), a_round(ours=280, nginx=40)])

    assert rounds.ratio("requests", "cpu", "ours", "nginx") == 6.0
    assert rounds.spread("requests", "cpu", "ours", "nginx") == (6.0, 7.0)


def test_what_is_added_is_added_to_the_direct_way_of_the_same_round() -> None:
    rounds = Rounds([a_round(ours=70, direct=5), a_round(ours=170, direct=100), a_round(ours=90, direct=20)])

    assert rounds.added("requests", "ours", "cpu") == 70


def test_a_median_is_not_moved_by_one_bad_round() -> None:
    rounds = Rounds([a_round(ours=60), a_round(ours=9_000), a_round(ours=62)])

    assert rounds.median("requests", "ours", "cpu") == 62


def test_a_target_that_was_refused_in_a_round_is_compared_in_the_others() -> None:
    rounds = Rounds([a_round(ours=60, nginx=10), {"requests": {"ours": {"cpu": 1.0}, "nginx": {}}}])

    assert rounds.ratio("requests", "cpu", "ours", "nginx") == 6.0


@pytest.mark.parametrize("measure", ["requests", "streams"])
def test_what_was_not_measured_is_none_and_never_nought(measure: str) -> None:
    rounds = Rounds([a_round(ours=60)])

    assert rounds.median(measure, "LiteLLM", "cpu") is None
    assert rounds.ratio(measure, "cpu", "LiteLLM", "ours") is None
    assert rounds.spread(measure, "cpu", "LiteLLM", "ours") is None
    assert rounds.ratio_of_added(measure, "cpu", "LiteLLM", "ours") is None


def test_nothing_is_compared_with_a_target_that_adds_nothing() -> None:
    rounds = Rounds([a_round(ours=70, nginx=4, direct=5)])

    assert rounds.ratio_of_added("requests", "cpu", "ours", "nginx") is None
