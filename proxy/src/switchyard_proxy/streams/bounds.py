"""How much of streams is kept and for how long, and the two clocks by which that is measured. Values only."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from switchyard_proxy.settings import MIB, Settings


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the operator chose, in bytes and seconds."""

    log_bytes: int
    logs_bytes: int
    keep_s: float
    cancel_after_s: float
    beat_s: float

    @classmethod
    def of(cls, settings: Settings) -> "Bounds":
        return cls(
            settings.stream_log_mib * MIB,
            settings.stream_logs_mib * MIB,
            settings.stream_keep_s,
            settings.cancel_after_disconnect_s,
            settings.heartbeat_s,
        )


@dataclass(frozen=True, slots=True)
class Clocks:
    """`now` is Unix time, which other processes share; `steady` never jumps."""

    now: Callable[[], float] = time.time
    steady: Callable[[], float] = time.monotonic
