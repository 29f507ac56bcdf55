"""Where things are on this machine, and how engines are to run on it. Values: pure but for `~`.

The catalog says what a model is and is the same everywhere; what differs from machine to machine is here.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

STATE_PREFIX = "state:"
HF_ENDPOINT = "https://huggingface.co"

RuntimeChoice = Literal["auto", "docker", "process"]


def usual_hf_cache() -> Path:
    """Where the Hub's own libraries keep what they download, unless they are told otherwise."""
    return Path("~/.cache/huggingface").expanduser()


@dataclass(frozen=True, slots=True)
class Places:
    catalog: Path  # the models.json itself
    state: Path
    image_server: str  # the command, or a path to it
    vllm: str
    runtime: RuntimeChoice = "auto"  # auto: a process where the program is installed, else a container
    image_server_image: str = "switchyard-image-server:latest"
    vllm_image: str = "vllm/vllm-openai:v0.32.0"
    hf_cache: Path = field(default_factory=usual_hf_cache)  # what is downloaded from the Hub, for all engines
    hf_endpoint: str = HF_ENDPOINT
    hf_token: str = field(default="", repr=False)
    hf_token_file: Path | None = None  # goes before `hf_token`
    hf_offline: bool = False

    @property
    def hub(self) -> Path:
        """Its part with the repositories; beside it, the Hub's libraries keep a token, modules and more."""
        return self.hf_cache / "hub"

    def weights(self, path: str) -> Path:
        """What a model's `path` (or a mount's `source`) means here."""
        if path.startswith(STATE_PREFIX):
            return self.state / path.removeprefix(STATE_PREFIX)
        # An absolute right-hand side wins over the left one.
        return self.catalog.parent / Path(path).expanduser()
