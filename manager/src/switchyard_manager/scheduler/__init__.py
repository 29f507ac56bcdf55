"""Decide what to do next. Deciding is pure; doing lives in `supervise`.

No clock, no I/O, no log, no await: `plan` takes what is wanted and what is seen, and returns what can be done
now. The next pass sees the rest.

    seen      what it looks at            turns   whose turn it is, who may be moved out for whom
    actions   what it can decide          sites   which GPUs a model could take
    ledger    claims, measurement, room   room    how near a model is to its room, and who is in the way
    alone     what concerns one model     files   whose files are fetched first
    backoff   how long a failure rests    plan    all of it together
"""

from switchyard_manager.scheduler.actions import (
    Action,
    CallOff,
    Check,
    Drain,
    Fetch,
    GpuRoom,
    Grant,
    Refuse,
    Shortage,
    Sleep,
    Start,
    Stop,
    StopReason,
    Wake,
)
from switchyard_manager.scheduler.backoff import next_try
from switchyard_manager.scheduler.plan import Outlook, Policy, Verdict, consider, plan
from switchyard_manager.scheduler.room import Standing
from switchyard_manager.scheduler.seen import Gpu, Machine, Seen, Wish

__all__ = [
    "Action",
    "CallOff",
    "Check",
    "Drain",
    "Fetch",
    "Gpu",
    "GpuRoom",
    "Grant",
    "Machine",
    "Outlook",
    "Policy",
    "Refuse",
    "Seen",
    "Shortage",
    "Sleep",
    "Standing",
    "Start",
    "Stop",
    "StopReason",
    "Verdict",
    "Wake",
    "Wish",
    "consider",
    "next_try",
    "plan",
]
