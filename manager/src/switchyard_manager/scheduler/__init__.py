"""Decide what to do next. Deciding is pure; doing lives in `supervise`.

No clock, no I/O, no log, no await: `plan` takes what is wanted and what is seen, and returns what can be done
now. The next pass sees the rest.
"""

from switchyard_manager.scheduler.actions import Action, Check, Drain, Grant, Refuse, Start, Stop, StopReason
from switchyard_manager.scheduler.backoff import next_try
from switchyard_manager.scheduler.plan import Seen, plan

__all__ = [
    "Action",
    "Check",
    "Drain",
    "Grant",
    "Refuse",
    "Seen",
    "Start",
    "Stop",
    "StopReason",
    "next_try",
    "plan",
]
