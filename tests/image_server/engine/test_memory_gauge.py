"""What is measured on the processor: the host's room within its limits, and the peak of a run."""

from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from switchyard_image_server.memory import gauge
from switchyard_image_server.memory.gauge import Gauge, host_room

MIB = 2**20


def test_on_the_processor_device_and_host_are_one() -> None:
    machine = Gauge("cpu").machine()

    assert machine.shares
    assert machine.free == pytest.approx(machine.host_free, rel=0.2)
    assert machine.total == machine.host_total
    assert not machine.nf4


def test_a_containers_limit_counts(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "memory.max").write_text(str(1000 * MIB))
    (tmp_path / "memory.current").write_text(str(700 * MIB))
    (tmp_path / "memory.stat").write_text(
        f"anon {500 * MIB}\ninactive_file {150 * MIB}\nactive_file {50 * MIB}\n"
    )
    monkeypatch.setattr(gauge, "_CGROUP", tmp_path)

    assert host_room() == (500 * MIB, 1000 * MIB)


@pytest.mark.parametrize("limit", ["max", None])
def test_without_a_limit_it_is_the_machine(tmp_path: Path, monkeypatch: Any, limit: str | None) -> None:
    if limit is not None:
        (tmp_path / "memory.max").write_text(limit)
        (tmp_path / "memory.current").write_text("5")
    monkeypatch.setattr(gauge, "_CGROUP", tmp_path)

    assert host_room()[1] == psutil.virtual_memory().total


def test_the_peak_is_that_since_the_restart() -> None:
    measured = Gauge("cpu")
    ballast = torch.ones(100 * MIB // 4)
    del ballast
    measured.release()
    measured.restart()
    before = measured.peak()

    ballast = torch.ones(50 * MIB // 4)
    del ballast

    assert 45 * MIB < measured.peak() - before < 90 * MIB
