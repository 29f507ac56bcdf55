"""One run of vLLM as this machine sees it: its processes, and what it says of itself past manager and proxy."""

import contextlib
import json
from dataclasses import dataclass
from typing import Any

import httpx
import psutil

from tests.e2e.conftest import Yard


def status(yard: Yard, model: str) -> dict[str, Any]:
    told = yard.setup("status", "--json")
    told.check_returncode()
    return next(one for one in json.loads(told.stdout)["models"] if one["name"] == model)


def log(yard: Yard, model: str) -> str:
    file = yard.folder / "state" / "logs" / model / "current.log"
    return file.read_text() if file.exists() else ""


@dataclass(frozen=True, slots=True)
class Engine:
    server: psutil.Process

    @classmethod
    def of(cls, yard: Yard, model: str) -> "Engine":
        (server,) = yard.running(f"--served-model-name {model} ")
        return cls(server)

    def core(self) -> psutil.Process:
        """What computes: a process of its own, which gives itself a name."""
        (core,) = (one for one in self.server.children() if one.name().startswith("VLLM::EngineCor"))
        return core

    def family(self) -> list[psutil.Process]:
        return [self.server, *self.server.children(recursive=True)]

    def is_asleep(self) -> bool:
        words = self.server.cmdline()
        port = words[words.index("--port") + 1]
        told = httpx.get(f"http://127.0.0.1:{port}/is_sleeping", timeout=10).raise_for_status()
        return bool(told.json()["is_sleeping"])


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    left = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                left.append(process)
    return left
