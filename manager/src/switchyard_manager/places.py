"""Where things are on this machine: the catalog's folder, the state folder, the programs. Pure but for `~`."""

from dataclasses import dataclass
from pathlib import Path

STATE_PREFIX = "state:"


@dataclass(frozen=True, slots=True)
class Places:
    catalog: Path  # the models.json itself
    state: Path
    image_server: str  # the command, or a path to it
    vllm: str

    def weights(self, path: str) -> Path:
        """What a model's `path` means here."""
        if path.startswith(STATE_PREFIX):
            return self.state / path.removeprefix(STATE_PREFIX)
        # An absolute right-hand side wins over the left one.
        return self.catalog.parent / Path(path).expanduser()
