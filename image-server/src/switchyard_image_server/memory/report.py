"""What the server says of its memory, in `/health`, `/v1/status` and the headers of replies. Values only."""

from dataclasses import dataclass, field
from typing import Any, Literal

from switchyard_image_server.settings import Placing, Quantization


@dataclass(frozen=True, slots=True)
class Component:
    """A part of the model. `bytes` is what its weights take as they are stored now."""

    name: str
    class_name: str
    bytes: int
    dtype: str
    place: str


@dataclass(frozen=True, slots=True)
class Turned:
    """The last time the model fell asleep or woke: how long that took, and the bytes that left or came back."""

    towards: Literal["asleep", "awake"]
    seconds: float
    bytes: int
    note: str | None = None

    @property
    def bytes_per_s(self) -> int | None:
        return round(self.bytes / self.seconds) if self.seconds > 0 else None

    def told(self) -> dict[str, object]:
        return {
            "towards": self.towards,
            "seconds": round(self.seconds, 6),
            "bytes": self.bytes,
            "bytes_per_s": self.bytes_per_s,
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class MemoryReport:
    """`expected_peak` is computed before the first run, `measured_peak` the allocator's word after it."""

    device: str
    placing: Placing
    quantization: Quantization
    reason: str
    components: tuple[Component, ...] = ()
    expected_peak: int | None = None
    measured_peak: int | None = None
    device_total: int | None = None
    device_free: int | None = None
    vae_tiling: bool = False
    can_sleep: bool = False
    why_not_sleep: str | None = None
    parked_bytes: int = 0  # what the permanent host copy takes
    pinned: bool = False  # whether that copy lies in pinned pages
    turned: Turned | None = None
    stepped_down: tuple[str, ...] = field(default=())  # what out-of-memory errors have led to, oldest first

    def told(self) -> dict[str, Any]:
        """As JSON: bytes as MiB, enums as text."""
        return {
            "device": self.device,
            "strategy": str(self.placing),
            "quantization": str(self.quantization),
            "vae_tiling": self.vae_tiling,
            "reason": self.reason,
            "expected_peak_mib": _mib(self.expected_peak),
            "measured_peak_mib": _mib(self.measured_peak),
            "device_total_mib": _mib(self.device_total),
            "device_free_mib": _mib(self.device_free),
            "components": [
                {
                    "name": one.name,
                    "class": one.class_name,
                    "mib": _mib(one.bytes),
                    "dtype": one.dtype,
                    "place": one.place,
                }
                for one in self.components
            ],
            "sleep": {
                "possible": self.can_sleep,
                "reason": self.why_not_sleep,
                "host_copy_mib": _mib(self.parked_bytes),
                "host_copy_pinned": self.pinned,
                "last": None if self.turned is None else self.turned.told(),
            },
            "stepped_down": list(self.stepped_down),
        }


def _mib(count: int | None) -> float | None:
    return None if count is None else round(count / 2**20, 1)
