"""Spans, sizes and events, as people read them."""

import pytest

from switchyard_contracts.events import EventKind, ManagerEvent
from switchyard_contracts.status import Phase
from switchyard_manager.cli.words import WAITING, gib, happened, span


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.04, "0 s"),
        (0.36, "0.4 s"),
        (3, "3 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.6, "1 min"),
        (125, "2 min 5 s"),
        (3600, "1 h"),
        (3900, "1 h 5 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_a_span_has_two_units_at_most(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_memory_is_in_tenths_of_a_gib() -> None:
    assert (gib(24_564), gib(0)) == ("24.0", "0.0")


@pytest.mark.parametrize(
    ("kind", "data", "text"),
    [
        (EventKind.PHASE, {"before": "ready", "after": "draining", "why": "room"}, "ready → draining (room)"),
        (EventKind.PROGRESS, {"text": "weights 45 %"}, "weights 45 %"),
        (EventKind.MADE_ROOM, {"for_model": "flux", "how": "sleep"}, "made room for flux (sleep)"),
        (EventKind.MADE_ROOM, {}, "made room"),
        (EventKind.OPERATOR, {"command": "load"}, "asked for by hand: load"),
        (EventKind.REFUSED, {"message": "no", "waiting": 3}, "refused 3 who waited: no"),
        (EventKind.FAILURE, {"reason": "no_gpu", "message": "none"}, "failed (no_gpu): none"),
        (EventKind.CATALOG, {"changed": ["a", "b"], "removed": []}, "models.json was read: changed a, b"),
        (EventKind.CATALOG, {"faults": ["x", "y"]}, "models.json was refused: x; y"),
        (EventKind.MANAGER, {"started": True}, "started: True"),
        (EventKind.MANAGER, {"version": "1", "found_running": []}, "the manager began (version 1)"),
        (
            EventKind.MANAGER,
            {"version": "1", "found_running": ["a-1", "b-2"]},
            "the manager began (version 1); running still: a-1, b-2",
        ),
    ],
)
def test_every_kind_of_event_reads_as_a_sentence(kind: EventKind, data: dict[str, object], text: str) -> None:
    assert happened(ManagerEvent(seq=1, at=0, kind=kind, model="m", data=data)) == text


@pytest.mark.parametrize("kind", EventKind)
def test_no_event_is_too_bare_to_be_shown(kind: EventKind) -> None:
    assert happened(ManagerEvent(seq=1, at=0, kind=kind))


def test_every_phase_has_words_for_whoever_waits() -> None:
    assert set(WAITING) == set(Phase)
