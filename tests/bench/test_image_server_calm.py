"""Rounds wait for others to be quiet, within reason."""

import pytest
from bench.image_server import calm
from bench.image_server.calm import Calm


def test_a_round_waits_until_others_are_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter([1.7, 0.4, 0.1, 0.0])
    monkeypatch.setattr(calm, "others_cores", lambda: next(looks))
    found = Calm()

    found.wait()

    assert (next(looks), found.rounds, found.disturbed) == (0.0, 1, 0)


def test_a_round_that_waited_in_vain_begins_all_the_same_and_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(calm, "others_cores", lambda: 1.7)
    monkeypatch.setattr(calm, "PATIENCE_S", 0.0)
    found = Calm()
    found.renew()

    found.wait()
    found.wait()

    assert (found.rounds, found.disturbed) == (2, 2)
