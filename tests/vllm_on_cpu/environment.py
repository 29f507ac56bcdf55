"""Where the tests' vLLM is, and the commands that start it. `./setup.sh test` makes the environment."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
VLLM_ENV = ROOT / ".venv-vllm"
PYTHON = VLLM_ENV / "bin" / "python"
AS_SHIPPED = VLLM_ENV / "bin" / "vllm"
FORKED = Path(__file__).with_name("forked.py")


def what_is_missing() -> str | None:
    """Why no vLLM can be started here; None where one can."""
    if (VLLM_ENV / ".made" / "whole").exists():
        return None
    return f"there is no {VLLM_ENV.name} with vLLM's build for CPUs; ./setup.sh test makes it"


def forked_command(folder: Path) -> Path:
    """A command that does as `vllm`, and starts in a third of the time (`forked.py`)."""
    command = folder / "vllm"
    command.write_text(f'#!/bin/sh\nexec "{PYTHON}" "{FORKED}" "$@"\n')
    command.chmod(0o755)
    return command
