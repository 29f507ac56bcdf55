"""A promise holds up to its bound, on the side that was promised, and only if it was measured."""

import pytest
from bench.proxy.promises import PROMISES, Promise
from bench.proxy.summary import Rounds

AT_MOST = Promise("CPU", "requests", "cpu", "ours", "nginx", 9.0)
AT_LEAST = Promise("CPU", "requests", "cpu", "LiteLLM", "ours", 60.0, at_least=True)


def rounds(**cpu: float) -> Rounds:
    return Rounds([{"requests": {target: {"cpu": value} for target, value in cpu.items()}}])


@pytest.mark.parametrize(("ours", "holds"), [(90, True), (91, False)])
def test_at_most_includes_the_bound(ours: float, holds: bool) -> None:
    assert AT_MOST.holds(rounds(ours=ours, nginx=10)) is holds


@pytest.mark.parametrize(("theirs", "holds"), [(6_000, True), (5_999, False)])
def test_at_least_includes_the_bound(theirs: float, holds: bool) -> None:
    assert AT_LEAST.holds(rounds(LiteLLM=theirs, ours=100)) is holds


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.what)
def test_what_was_not_measured_neither_holds_nor_fails(promise: Promise) -> None:
    assert promise.holds(Rounds([])) is None
