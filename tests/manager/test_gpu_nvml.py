"""NVML as it is when all is well, and as it is when it is not."""

# ruff: noqa: N802, N815 -- a fake has the names of what it stands for

import threading
from types import SimpleNamespace
from typing import Any

import psutil
import pynvml
import pytest

from switchyard_manager.gpu import Holder, NvmlMeter, Reading
from switchyard_manager.gpu.nvml import PAUSE_S

MIB = 1024 * 1024
GIB = 1024 * MIB


def process(pid: int, mib: int | None) -> SimpleNamespace:
    return SimpleNamespace(pid=pid, usedGpuMemory=None if mib is None else mib * MIB)


class HealthyNvml:
    """A card or two, by `pynvml`'s names. The handle of a card is its index."""

    def __init__(self, cards: int = 1) -> None:
        self.cards = cards
        self.opened = 0
        self.closed = 0
        self.computing = [process(11, 4_000)]
        self.drawing: list[SimpleNamespace] = []

    def nvmlInit(self) -> None:
        self.opened += 1

    def nvmlShutdown(self) -> None:
        self.closed += 1

    def nvmlDeviceGetCount(self) -> int:
        return self.cards

    def nvmlDeviceGetHandleByIndex(self, index: int) -> Any:
        return index

    def nvmlDeviceGetMigMode(self, handle: Any) -> tuple[int, int]:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)

    def nvmlDeviceGetUUID(self, handle: Any) -> str:
        return f"GPU-{handle}"

    def nvmlDeviceGetName(self, handle: Any) -> str:
        return "NVIDIA GeForce RTX 4090"

    def nvmlDeviceGetMemoryInfo(self, handle: Any) -> SimpleNamespace:
        return SimpleNamespace(total=24 * GIB, used=5 * GIB + 1, free=19 * GIB - 1)

    def nvmlDeviceGetUtilizationRates(self, handle: Any) -> SimpleNamespace:
        return SimpleNamespace(gpu=37, memory=12)

    def nvmlDeviceGetTemperature(self, handle: Any, sensor: int) -> int:
        return 61

    def nvmlDeviceGetPowerUsage(self, handle: Any) -> int:
        return 215_500

    def nvmlDeviceGetComputeRunningProcesses(self, handle: Any) -> list[SimpleNamespace]:
        return self.computing

    def nvmlDeviceGetGraphicsRunningProcesses(self, handle: Any) -> list[SimpleNamespace]:
        return self.drawing

    def nvmlSystemGetProcessName(self, pid: int) -> str:
        return "/opt/games/doom"


class TellsLittle(HealthyNvml):
    """WSL, and cards for notebooks."""

    def _untold(self, *_: Any) -> Any:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)

    nvmlDeviceGetUtilizationRates = _untold
    nvmlDeviceGetTemperature = _untold
    nvmlDeviceGetPowerUsage = _untold
    nvmlDeviceGetComputeRunningProcesses = _untold
    nvmlDeviceGetGraphicsRunningProcesses = _untold


class OldDriver(HealthyNvml):
    """Lacks a function that the binding wants."""

    def nvmlDeviceGetComputeRunningProcesses(self, handle: Any) -> Any:
        raise pynvml.NVMLLibraryMismatchError("Unversioned function called")


class SharesRam(HealthyNvml):
    """DGX Spark: no memory of its own."""

    def nvmlDeviceGetMemoryInfo(self, handle: Any) -> Any:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)


class CutUp(HealthyNvml):
    """A card in MIG mode, with two of its seven places taken."""

    def nvmlDeviceGetMigMode(self, handle: Any) -> tuple[int, int]:
        return (pynvml.NVML_DEVICE_MIG_ENABLE, pynvml.NVML_DEVICE_MIG_ENABLE)

    def nvmlDeviceGetMaxMigDeviceCount(self, handle: Any) -> int:
        return 7

    def nvmlDeviceGetMigDeviceHandleByIndex(self, handle: Any, part: int) -> Any:
        if part > 1:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_FOUND)
        return f"part-{part}"


class Failing(HealthyNvml):
    """Fails as it is told to, and where."""

    code: int | None = None

    def _maybe_fail(self) -> None:
        if self.code is not None:
            raise pynvml.NVMLError(self.code)


class FailsToOpen(Failing):
    def nvmlInit(self) -> None:
        super().nvmlInit()
        self._maybe_fail()


class FailsToCount(Failing):
    def nvmlDeviceGetCount(self) -> int:
        self._maybe_fail()
        return self.cards


class LosesFirstCard(Failing):
    def nvmlDeviceGetHandleByIndex(self, index: int) -> Any:
        if index == 0:
            self._maybe_fail()
        return index


class Absurd(HealthyNvml):
    def nvmlDeviceGetUUID(self, handle: Any) -> str:
        raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")


class NeverAnswers(HealthyNvml):
    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()
        self.let_go = threading.Event()

    def nvmlDeviceGetCount(self) -> int:
        self.asked.set()
        self.let_go.wait(30)
        return self.cards


class Clock:
    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture(autouse=True)
def engine_is_a_process_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    def look(pid: int) -> Any:
        if pid != 11:
            raise psutil.NoSuchProcess(pid)
        return SimpleNamespace(name=lambda: "vllm")

    monkeypatch.setattr(psutil, "Process", look)


def test_a_machine_without_nvidias_library_has_no_gpus_and_no_fault() -> None:
    nvml = FailsToOpen()
    nvml.code = pynvml.NVML_ERROR_LIBRARY_NOT_FOUND

    assert NvmlMeter(nvml).read() == Reading()


def test_the_real_library_is_asked_without_raising() -> None:
    reading = NvmlMeter().read()

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError_LibraryNotFound:
        assert reading == Reading()
    else:
        pynvml.nvmlShutdown()
        assert reading.gpus or reading.fault


def test_everything_a_card_tells_is_in_the_reading() -> None:
    reading = NvmlMeter(HealthyNvml()).read()

    (gpu,) = reading.gpus
    assert reading.fault is None
    assert (gpu.uuid, gpu.name) == ("GPU-0", "NVIDIA GeForce RTX 4090")
    assert (gpu.total_mib, gpu.used_mib, gpu.unified) == (24 * 1024, 5 * 1024 + 1, False)
    assert (gpu.utilisation_pct, gpu.temperature_c, gpu.power_w) == (37, 61, 215.5)
    assert gpu.holders == (Holder(11, "vllm", 4_000),)


def test_a_process_that_computes_and_draws_is_counted_once() -> None:
    nvml = HealthyNvml()
    nvml.drawing = [process(11, 4_000), process(5, 300)]

    (gpu,) = NvmlMeter(nvml).read().gpus

    assert gpu.holders == (Holder(5, "doom", 300), Holder(11, "vllm", 4_000))


def test_memory_that_the_driver_does_not_tell_is_unknown_and_not_zero() -> None:
    nvml = HealthyNvml()
    nvml.computing = [process(11, None)]
    nvml.drawing = [process(5, None), process(11, 20)]

    (gpu,) = NvmlMeter(nvml).read().gpus

    assert gpu.holders == (Holder(5, "doom", None), Holder(11, "vllm", 20))


@pytest.mark.parametrize("nvml", [TellsLittle(), OldDriver()])
def test_what_a_card_cannot_tell_does_not_cost_the_rest(nvml: HealthyNvml) -> None:
    reading = NvmlMeter(nvml).read()

    (gpu,) = reading.gpus
    assert (reading.fault, gpu.total_mib, gpu.holders) == (None, 24 * 1024, ())
    assert (gpu.power_w is None) == isinstance(nvml, TellsLittle)


def test_a_card_that_shares_the_ram_says_so() -> None:
    reading = NvmlMeter(SharesRam()).read()

    (gpu,) = reading.gpus
    assert (reading.fault, gpu.unified, gpu.used_mib) == (None, True, None)


def test_a_card_that_is_cut_up_is_its_parts() -> None:
    assert [gpu.uuid for gpu in NvmlMeter(CutUp()).read().gpus] == ["GPU-part-0", "GPU-part-1"]


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (
            pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH,
            "Driver/library version mismatch: the driver was updated while the old one runs; reboot this",
        ),
        (pynvml.NVML_ERROR_UNKNOWN, "Unknown Error: if the manager runs in a container, that container lost"),
        (pynvml.NVML_ERROR_DRIVER_NOT_LOADED, "`modprobe nvidia`"),
        (pynvml.NVML_ERROR_IN_USE, "`nvidia-smi`"),
    ],
)
def test_a_fault_says_what_to_do(code: int, told: str) -> None:
    nvml = FailsToOpen()
    nvml.code = code

    reading = NvmlMeter(nvml).read()

    assert reading.gpus == ()
    assert reading.fault is not None
    assert reading.fault.startswith("cannot ask NVML: ")
    assert told in reading.fault


@pytest.mark.parametrize("nvml", [FailsToOpen(), FailsToCount(), LosesFirstCard()])
def test_after_an_error_nvml_is_opened_anew_and_the_gpus_come_back(nvml: Failing) -> None:
    clock = Clock()
    meter = NvmlMeter(nvml, clock)
    nvml.code = pynvml.NVML_ERROR_UNKNOWN
    assert meter.read().fault is not None

    nvml.code = None
    clock.at += PAUSE_S
    reading = meter.read()

    assert (len(reading.gpus), reading.fault, nvml.opened) == (1, None, 2)
    assert meter.read() == reading
    assert nvml.opened == 2


def test_a_broken_session_is_closed_before_the_next_is_opened() -> None:
    clock = Clock()
    nvml = FailsToCount()
    nvml.code = pynvml.NVML_ERROR_UNKNOWN
    meter = NvmlMeter(nvml, clock)

    for _ in range(3):
        meter.read()
        clock.at += PAUSE_S

    assert (nvml.opened, nvml.closed) == (3, 3)


def test_a_broken_driver_is_not_asked_all_the_time_but_its_fault_is_told_all_the_time() -> None:
    clock = Clock()
    nvml = FailsToOpen()
    nvml.code = pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH
    meter = NvmlMeter(nvml, clock)
    first = meter.read()

    clock.at += PAUSE_S - 0.1

    assert meter.read() == first
    assert nvml.opened == 1


def test_a_lost_card_does_not_take_the_others_with_it() -> None:
    clock = Clock()
    nvml = LosesFirstCard(cards=2)
    meter = NvmlMeter(nvml, clock)
    assert len(meter.read().gpus) == 2
    nvml.code = pynvml.NVML_ERROR_GPU_IS_LOST

    for _ in range(5):  # some of them within the pause, some after it
        clock.at += PAUSE_S / 2
        reading = meter.read()

        assert [gpu.uuid for gpu in reading.gpus] == ["GPU-1"]
        assert reading.fault is not None
        assert "cannot read GPU 0: GPU is lost: it fell off the bus" in reading.fault
    assert nvml.opened <= 4


def test_a_driver_that_appears_later_is_found() -> None:
    clock = Clock()
    nvml = FailsToOpen()
    nvml.code = pynvml.NVML_ERROR_LIBRARY_NOT_FOUND
    meter = NvmlMeter(nvml, clock)
    assert meter.read() == Reading()

    nvml.code = None
    clock.at += PAUSE_S

    assert len(meter.read().gpus) == 1


def test_an_error_that_nvml_has_no_code_for_is_told_and_not_raised() -> None:
    reading = NvmlMeter(Absurd()).read()

    assert reading.gpus == ()
    assert reading.fault is not None
    assert "invalid start byte" in reading.fault


def test_who_asks_while_nvml_hangs_gets_an_answer() -> None:
    nvml = NeverAnswers()
    meter = NvmlMeter(nvml, answer_limit_s=0.01)
    stuck = threading.Thread(target=meter.read)
    stuck.start()
    try:
        assert nvml.asked.wait(10)

        reading = meter.read()

        assert reading.fault is not None
        assert reading.fault.startswith("cannot ask NVML: it does not answer")
    finally:
        nvml.let_go.set()
        stuck.join()
    assert meter.read().fault is None
