"""How far a load is. A value that the worker thread sends and `/health` shows."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """`component` is what is being read now; counts are of the weight files."""

    component: str = ""
    files_done: int = 0
    files: int = 0
    bytes_done: int = 0
    bytes: int = 0

    def told(self) -> dict[str, object]:
        return {
            "component": self.component,
            "files": {"done": self.files_done, "total": self.files},
            "bytes": {"done": self.bytes_done, "total": self.bytes},
        }
