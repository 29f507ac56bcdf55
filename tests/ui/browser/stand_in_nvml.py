"""Two cards and their RAM for a machine that has neither, in the place of NVML: for the README's pictures.

The manager finds it under the name `pynvml`. All but the cards is the real module's, and what a card holds is
what the engines that were placed on it would hold: so the manager decides and tells everything by itself.
"""

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from types import SimpleNamespace

import httpx
import psutil

_others = [folder for folder in sys.path if Path(folder or ".").resolve() != Path(__file__).resolve().parent]
_spec = PathFinder.find_spec("pynvml", _others)
if _spec is None or _spec.loader is None:
    raise ModuleNotFoundError("No module named 'pynvml'")
_real = module_from_spec(_spec)
_spec.loader.exec_module(_real)
globals().update({name: value for name, value in vars(_real).items() if not name.startswith("__")})

MIB = 2**20
RAM = SimpleNamespace(total=64_000 * MIB, available=46_000 * MIB)
TOTAL_MIB = 24_564
CARDS = ("GPU-5a17c0de-0000-4000-8000-000000000000", "GPU-5a17c0de-0000-4000-8000-000000000001")
HELD_MIB = {
    "qwen3-coder-30b": 21_730,
    "qwen3-8b": 10_240,
    "qwen3-embedding": 2_620,
    "qwen3-vl-4b": 8_960,
}

psutil.virtual_memory = lambda: RAM  # type: ignore[assignment, return-value]


def nvmlInit() -> None:  # noqa: N802 - the names are NVIDIA's
    pass


def nvmlShutdown() -> None:  # noqa: N802
    pass


def nvmlDeviceGetCount() -> int:  # noqa: N802
    return len(CARDS)


def nvmlDeviceGetHandleByIndex(index: int) -> str:  # noqa: N802
    return CARDS[index]


def nvmlDeviceGetUUID(card: str) -> str:  # noqa: N802
    return card


def nvmlDeviceGetName(card: str) -> str:  # noqa: N802
    return "NVIDIA GeForce RTX 4090"


def nvmlDeviceGetMigMode(card: str) -> None:  # noqa: N802
    return None


def nvmlDeviceGetMemoryInfo(card: str) -> SimpleNamespace:  # noqa: N802
    used = sum(process.usedGpuMemory for process in nvmlDeviceGetComputeRunningProcesses(card))
    return SimpleNamespace(total=TOTAL_MIB * MIB, used=used + 20 * MIB)


def nvmlDeviceGetUtilizationRates(card: str) -> SimpleNamespace:  # noqa: N802
    return SimpleNamespace(gpu=87 if card == CARDS[0] else 12)


def nvmlDeviceGetTemperature(card: str, sensor: int) -> int:  # noqa: N802
    return 61 if card == CARDS[0] else 44


def nvmlDeviceGetPowerUsage(card: str) -> int:  # noqa: N802
    return 312_000 if card == CARDS[0] else 68_000


def nvmlDeviceGetGraphicsRunningProcesses(card: str) -> list[SimpleNamespace]:  # noqa: N802
    return []


def sleeps(command: list[str]) -> bool:
    port = command[command.index("--port") + 1]
    try:
        return bool(httpx.get(f"http://127.0.0.1:{port}/is_sleeping", timeout=1).json()["is_sleeping"])
    except (httpx.HTTPError, ValueError, KeyError):
        return False


def is_engine(command: list[str]) -> bool:
    """Not the process that watches over one, whose command ends in the same words."""
    return "--served-model-name" in command and not any(part.endswith("warden.py") for part in command)


def nvmlDeviceGetComputeRunningProcesses(card: str) -> list[SimpleNamespace]:  # noqa: N802
    held = []
    for process in psutil.process_iter(["pid", "cmdline"]):
        command = process.info["cmdline"] or []
        try:
            if process.environ().get("CUDA_VISIBLE_DEVICES") != card or not is_engine(command):
                continue
        except psutil.Error:
            continue
        name = command[command.index("--served-model-name") + 1]
        mib = 0 if sleeps(command) else HELD_MIB.get(name, 0)
        if mib:
            held.append(SimpleNamespace(pid=process.info["pid"], usedGpuMemory=mib * MIB))
    return held
