"""RAM, the operator's word, and both together with what NVML says."""

from pathlib import Path

import psutil
import pytest

from switchyard_contracts.catalog.settings import GpuOverride
from switchyard_manager.gpu import GpuReading, Holder, MachineMeter, Reading, held_mib, strangers
from switchyard_manager.gpu.host import Ram, ram
from switchyard_manager.gpu.overrides import overridden

MIB = 1024 * 1024
CARD = GpuReading("GPU-5c89ab", "RTX 4090", 24_564, 1_000, holders=(Holder(7, "Xorg", 300),))
SHARED = GpuReading("GPU-spark", "GB10", 0, None, unified=True)


class Says:
    """A meter with one thing to say."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading

    def read(self) -> Reading:
        return self.reading


class Cgroups:
    def __init__(self, folder: Path) -> None:
        self.root = folder / "cgroup"
        self.membership = folder / "membership"
        self.root.mkdir()

    def group(self, path: str, limit: str, current: int = 0, cache: int = 0) -> None:
        folder = self.root / path
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "memory.max").write_text(f"{limit}\n")
        (folder / "memory.current").write_text(f"{current}\n")
        (folder / "memory.stat").write_text(f"anon 1\nactive_file 0\ninactive_file {cache}\n")

    def ram(self) -> Ram:
        return ram(cgroups=self.root, membership=self.membership)


@pytest.fixture
def cgroups(tmp_path: Path) -> Cgroups:
    return Cgroups(tmp_path)


def whole_machine() -> Ram:
    return ram(within_cgroup=False)


def test_without_a_cgroup_limit_the_machines_ram_counts(cgroups: Cgroups) -> None:
    cgroups.membership.write_text("0::/user.slice\n")
    cgroups.group("user.slice", "max")

    found = cgroups.ram()

    assert found.total_mib == psutil.virtual_memory().total // MIB
    assert 0 < found.available_mib <= found.total_mib


def test_a_container_sees_its_own_limit_and_what_is_left_of_it(cgroups: Cgroups) -> None:
    cgroups.membership.write_text("0::/\n")
    cgroups.group("", str(100 * MIB), current=70 * MIB, cache=30 * MIB)

    assert cgroups.ram() == Ram(total_mib=100, available_mib=60)


def test_the_tightest_limit_on_the_way_up_counts(cgroups: Cgroups) -> None:
    cgroups.membership.write_text("12:memory:/old\n0::/outer/inner\n")
    cgroups.group("outer", str(100 * MIB), current=95 * MIB)
    cgroups.group("outer/inner", str(50 * MIB), current=10 * MIB)

    assert cgroups.ram() == Ram(total_mib=50, available_mib=5)


@pytest.mark.parametrize("membership", ["", "12:memory:/docker/1\n", "0::/gone\n"])
def test_without_a_cgroup_of_version_2_the_machines_ram_counts(cgroups: Cgroups, membership: str) -> None:
    cgroups.membership.write_text(membership)

    assert cgroups.ram().total_mib == whole_machine().total_mib


def test_a_limit_above_the_machines_ram_changes_nothing(cgroups: Cgroups) -> None:
    cgroups.membership.write_text("0::/\n")
    cgroups.group("", str(1 << 60))

    assert cgroups.ram().total_mib == whole_machine().total_mib


def test_a_declared_size_counts_for_more_than_the_measured_one_and_the_rest_stays() -> None:
    said = (GpuOverride(uuid="GPU-5C89AB", vram_mib=20_000, name="upper card"),)

    (gpu,) = overridden(Reading((CARD,)), said).gpus

    assert (gpu.uuid, gpu.name, gpu.total_mib) == ("GPU-5c89ab", "upper card", 20_000)
    assert (gpu.used_mib, gpu.holders) == (CARD.used_mib, CARD.holders)


def test_a_gpu_that_nothing_is_said_of_is_as_measured() -> None:
    reading = Reading((CARD,), ram_total_mib=5, fault="x")

    assert overridden(reading, ()) == reading
    assert overridden(reading, (GpuOverride(uuid="GPU-5c89ab", reserve_mib=9),)) == reading


def test_a_gpu_not_to_be_used_does_not_exist() -> None:
    said = (GpuOverride(uuid="GPU-5c89ab", use=False), GpuOverride(uuid="GPU-2", vram_mib=8_000, use=False))

    assert overridden(Reading((CARD,)), said).gpus == ()


def test_a_declared_gpu_that_cannot_be_measured_exists_and_its_use_is_unknown() -> None:
    said = (GpuOverride(uuid="GPU-2", vram_mib=8_000), GpuOverride(uuid="GPU-3", name="of unknown size"))

    assert overridden(Reading(), said).gpus == (GpuReading("GPU-2", "GPU-2", 8_000, None),)


def test_the_machine_is_its_gpus_its_ram_and_the_operators_word() -> None:
    meter = MachineMeter(
        Says(Reading((CARD,), fault="cannot read GPU 1")),
        lambda: (GpuOverride(uuid="GPU-5c89ab", vram_mib=20_000),),
        lambda: Ram(64_000, 32_000),
    )

    reading = meter.read()

    assert [gpu.total_mib for gpu in reading.gpus] == [20_000]
    assert (reading.ram_total_mib, reading.ram_available_mib) == (64_000, 32_000)
    assert reading.fault == "cannot read GPU 1"
    assert reading.blind


def test_new_overrides_count_at_the_next_look() -> None:
    said: list[GpuOverride] = []
    meter = MachineMeter(Says(Reading((CARD,))), lambda: tuple(said))
    assert len(meter.read().gpus) == 1

    said.append(GpuOverride(uuid="GPU-5c89ab", use=False))

    assert meter.read().gpus == ()


def test_a_gpu_without_memory_of_its_own_has_this_machines() -> None:
    meter = MachineMeter(Says(Reading((SHARED,))), lambda: (), lambda: Ram(120_000, 90_000))

    (gpu,) = meter.read().gpus

    assert (gpu.total_mib, gpu.used_mib, gpu.unified) == (120_000, 30_000, True)


def test_ram_that_cannot_be_read_is_a_fault_and_the_gpus_are_still_told() -> None:
    def no_proc() -> Ram:
        raise PermissionError(13, "Permission denied", "/proc/meminfo")

    reading = MachineMeter(Says(Reading((CARD, SHARED))), lambda: (), no_proc).read()

    assert reading.gpus == (CARD, SHARED)
    assert reading.fault is not None
    assert not reading.blind
    assert reading.fault.startswith("cannot tell this machine's RAM")


def gpu_with(uuid: str, *holders: Holder) -> GpuReading:
    return GpuReading(uuid, "card", 24_000, 0, holders)


def test_what_an_instance_holds_is_the_sum_of_its_processes_on_each_gpu() -> None:
    reading = Reading(
        (
            gpu_with("GPU-1", Holder(1, "vllm", 100), Holder(2, "worker", 4_000), Holder(9, "game", 50)),
            gpu_with("GPU-2", Holder(3, "worker", 3_900)),
        )
    )

    held = held_mib(reading, {"a-1": frozenset({1, 2, 3}), "b-1": frozenset({8})})

    assert held == {"a-1": {"GPU-1": 4_100, "GPU-2": 3_900}}


def test_a_sum_of_which_a_part_is_not_told_is_not_told() -> None:
    reading = Reading(
        (
            gpu_with("GPU-1", Holder(1, "vllm", 100), Holder(2, "worker", None)),
            gpu_with("GPU-2", Holder(2, "worker", 5)),
        )
    )

    assert held_mib(reading, {"a-1": frozenset({1, 2})}) == {"a-1": {"GPU-2": 5}}


def test_strangers_are_who_is_none_of_ours_the_largest_first() -> None:
    gpu = gpu_with(
        "GPU-1", Holder(1, "vllm", 9), Holder(5, "Xorg", None), Holder(6, "a", 50), Holder(7, "b", 60)
    )

    assert [holder.pid for holder in strangers(gpu, {"a-1": frozenset({1})})] == [7, 6, 5]
