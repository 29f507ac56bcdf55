"""Which moves an engine's life may make. A table, and nothing that could act on it.

An event that the table lacks raises `IllegalMove` and changes nothing. The diagram in docs/lifecycle.md is
drawn from the table (`docs/generate.py`).
"""

from enum import StrEnum

from switchyard_contracts.status import Phase
from switchyard_manager.errors import ManagerError


class Event(StrEnum):
    """What happened, or what was decided. `*_ISSUED` are decisions, recorded before they are carried out."""

    START_ISSUED = "start issued"
    ADOPTED = "adopted"  # a former manager left it running
    LAUNCHED = "launched"  # the program runs
    ANSWERING = "answering"  # its health endpoint says yes
    PROVED = "proved"  # it served one real inference
    DRAIN_ISSUED = "drain issued"
    SLEEP_ISSUED = "sleep issued"
    SLEPT = "slept"  # its GPU memory is free, and was seen to be
    WAKE_ISSUED = "wake issued"
    STOP_ISSUED = "stop issued"
    FAULTED = "faulted"  # it runs, and is of no use: it must be stopped
    EXITED = "exited"  # asked to stop or not, it is gone
    EXITED_IN_FAULT = "exited in fault"  # it is gone, and something was wrong
    STOP_FAILED = "stop failed"  # told to stop, killed, and still there


# A failed start leaves nothing to stop, so `STARTING` can fail at once; later faults go through `STOPPING`,
# because only a confirmed exit gives its memory back.
MOVES: dict[Phase, dict[Event, Phase]] = {
    Phase.STOPPED: {Event.START_ISSUED: Phase.STARTING, Event.ADOPTED: Phase.LOADING},
    Phase.STARTING: {
        Event.LAUNCHED: Phase.LOADING,
        Event.STOP_ISSUED: Phase.STOPPING,
        Event.FAULTED: Phase.STOPPING,
        Event.EXITED_IN_FAULT: Phase.FAILED,
    },
    Phase.LOADING: {
        Event.ANSWERING: Phase.WARMING,
        Event.SLEPT: Phase.ASLEEP,
        Event.STOP_ISSUED: Phase.STOPPING,
        Event.FAULTED: Phase.STOPPING,
        Event.EXITED_IN_FAULT: Phase.FAILED,
    },
    Phase.WARMING: {
        Event.PROVED: Phase.READY,
        Event.STOP_ISSUED: Phase.STOPPING,
        Event.FAULTED: Phase.STOPPING,
        Event.EXITED_IN_FAULT: Phase.FAILED,
    },
    Phase.READY: {
        Event.DRAIN_ISSUED: Phase.DRAINING,
        Event.STOP_ISSUED: Phase.STOPPING,
        Event.FAULTED: Phase.STOPPING,
        Event.EXITED_IN_FAULT: Phase.FAILED,
    },
    Phase.DRAINING: {
        Event.SLEEP_ISSUED: Phase.SLEEPING,
        Event.STOP_ISSUED: Phase.STOPPING,
        Event.FAULTED: Phase.STOPPING,
        Event.EXITED_IN_FAULT: Phase.FAILED,
    },
    Phase.SLEEPING: {
        Event.SLEPT: Phase.ASLEEP,
        Event.STOP_ISSUED: Phase.STOPPING,
        Event.FAULTED: Phase.STOPPING,
        Event.EXITED_IN_FAULT: Phase.FAILED,
    },
    Phase.ASLEEP: {
        Event.WAKE_ISSUED: Phase.WAKING,
        Event.STOP_ISSUED: Phase.STOPPING,
        Event.FAULTED: Phase.STOPPING,
        Event.EXITED_IN_FAULT: Phase.FAILED,
    },
    Phase.WAKING: {
        Event.ANSWERING: Phase.WARMING,
        Event.STOP_ISSUED: Phase.STOPPING,
        Event.FAULTED: Phase.STOPPING,
        Event.EXITED_IN_FAULT: Phase.FAILED,
    },
    Phase.STOPPING: {
        Event.STOP_ISSUED: Phase.STOPPING,  # again: no word came of the first
        Event.EXITED: Phase.STOPPED,
        Event.EXITED_IN_FAULT: Phase.FAILED,
        Event.STOP_FAILED: Phase.STOP_FAILED,
    },
    Phase.FAILED: {Event.START_ISSUED: Phase.STARTING},
    Phase.STOP_FAILED: {
        Event.STOP_ISSUED: Phase.STOPPING,
        Event.EXITED: Phase.STOPPED,
        Event.EXITED_IN_FAULT: Phase.FAILED,
    },
}

COMING_UP = frozenset({Phase.STARTING, Phase.LOADING, Phase.WARMING, Phase.WAKING})


class IllegalMove(ManagerError):
    """The table lacks this move. A fault of ours: nothing has changed."""

    def __init__(self, phase: Phase, event: Event) -> None:
        super().__init__(f"cannot take '{event}' in phase '{phase}': the lifecycle has no such move")
        self.phase = phase
        self.event = event


def advance(phase: Phase, event: Event) -> Phase:
    try:
        return MOVES[phase][event]
    except KeyError:
        raise IllegalMove(phase, event) from None


def diagram() -> str:
    """The table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {Phase.STOPPED}"]
    for phase, moves in MOVES.items():
        for after in dict.fromkeys(moves.values()):
            events = ", ".join(event for event, target in moves.items() if target is after)
            lines.append(f"    {phase} --> {after}: {events}")
    return "\n".join(lines) + "\n"
