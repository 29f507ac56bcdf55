import pytest

from switchyard_contracts.status import Phase
from switchyard_manager.lifecycle import COMING_UP, MOVES, Event, IllegalMove, advance, diagram


def test_every_phase_has_moves() -> None:
    assert set(MOVES) == set(Phase)


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("event", Event)
def test_a_move_is_in_the_table_or_it_raises(phase: Phase, event: Event) -> None:
    if event in MOVES[phase]:
        assert advance(phase, event) is MOVES[phase][event]
    else:
        with pytest.raises(IllegalMove, match=r"^cannot take"):
            advance(phase, event)


def test_every_phase_can_be_reached_from_stopped() -> None:
    reached, fresh = {Phase.STOPPED}, {Phase.STOPPED}

    while fresh:
        fresh = {after for phase in fresh for after in MOVES[phase].values()} - reached
        reached |= fresh

    assert reached == set(Phase)


def test_every_phase_leads_back_to_stopped() -> None:
    leads_back = {Phase.STOPPED}

    while True:
        more = {phase for phase, moves in MOVES.items() if leads_back & set(moves.values())} - leads_back
        if not more:
            break
        leads_back |= more

    assert leads_back == set(Phase)


@pytest.mark.parametrize("phase", sorted(COMING_UP))
def test_what_comes_up_can_be_stopped_at_any_moment(phase: Phase) -> None:
    assert advance(phase, Event.STOP_ISSUED) is Phase.STOPPING


def test_a_draining_engine_is_never_revived() -> None:
    assert Phase.READY not in MOVES[Phase.DRAINING].values()


def test_the_diagram_shows_every_move() -> None:
    drawn = diagram()

    for phase, moves in MOVES.items():
        for event, after in moves.items():
            assert any(
                line.strip().startswith(f"{phase} --> {after}:") and event in line
                for line in drawn.splitlines()
            )
