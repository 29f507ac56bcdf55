"""Remember, beyond this run of the manager: history, pins, and what models cost. Nothing is decided here.

Losing it costs convenience and no model: trouble with the file is told, never raised.
"""

from switchyard_manager.store.facts import (
    Fact,
    Happened,
    Learned,
    MemoryBesideCache,
    MemoryMeasured,
    PinSet,
    RunWas,
    Span,
    SpanMeasured,
)
from switchyard_manager.store.store import Store
from switchyard_manager.store.writer import Writer

__all__ = [
    "Fact",
    "Happened",
    "Learned",
    "MemoryBesideCache",
    "MemoryMeasured",
    "PinSet",
    "RunWas",
    "Span",
    "SpanMeasured",
    "Store",
    "Writer",
]
