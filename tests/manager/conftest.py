"""What the manager's tests share: a catalog in a line, a proxy that writes down what it hears, real engines."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from switchyard_contracts.catalog import Catalog, Model, read_catalog
from switchyard_contracts.grants import FromManager
from switchyard_contracts.status import Failure
from switchyard_manager.engines import Probe, reasons
from switchyard_manager.engines.protocol import openai_canary
from switchyard_manager.places import Places
from switchyard_manager.runtimes import Exit, Listen, RunSpec

SCRIPT = Path(__file__).with_name("scripted_engine.py")


def catalog_of(**models: dict[str, Any]) -> Catalog:
    entries = {name: {"type": "text", "engine": "vllm", "path": "/x", **said} for name, said in models.items()}
    return read_catalog(json.dumps({"models": entries}))


@dataclass
class WritesDown:
    """A proxy's session that keeps what the manager sent it."""

    proxy: str = "proxy-1"
    heard: list[FromManager] = field(default_factory=list)

    def send(self, message: FromManager) -> None:
        self.heard.append(message)

    def of_kind(self, kind: str) -> list[Any]:
        return [message for message in self.heard if message.kind == kind]


class ScriptedAdapter:
    """Runs `scripted_engine.py` with the model's `extra_args`."""

    def run_spec(self, model: Model, instance: str, listen: Listen, places: Places) -> RunSpec:
        command = (sys.executable, str(SCRIPT), "--port", str(listen.port), *model.extra_args)
        return RunSpec(instance, model.name, command, listen)

    def health(self) -> Probe:
        return Probe("/health", timeout_s=2.0)

    def canary(self, model: Model) -> Probe:
        return openai_canary(model)

    def explain(self, model: Model, exit_: Exit) -> Failure:
        return reasons.explain(model.name, exit_)


@pytest.fixture
def catalog() -> Callable[..., Catalog]:
    return catalog_of


@pytest.fixture
def session() -> WritesDown:
    return WritesDown()


@pytest.fixture
def another_session() -> WritesDown:
    return WritesDown("proxy-2")


@pytest.fixture
def scripted() -> ScriptedAdapter:
    return ScriptedAdapter()


@pytest.fixture
def script() -> Path:
    return SCRIPT


@pytest.fixture
def gone() -> Callable[[int], bool]:
    """Whether a process has ended. Waits for it a little: the kernel takes its time."""

    def is_gone(pid: int) -> bool:
        try:
            process = psutil.Process(pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                return True
            process.wait(timeout=10)
        except psutil.NoSuchProcess:
            return True
        except psutil.TimeoutExpired:
            return False
        return True

    return is_gone
