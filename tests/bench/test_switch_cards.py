"""The switch bench for real cards: what it says where there is none, and its arithmetic."""

import subprocess
import sys

import pytest
from bench.switch.cards import against_the_link
from bench.switch.split import Mode, Part, Row, Switch

from switchyard_manager.gpu import NvmlMeter


def test_it_says_that_there_is_no_gpu() -> None:
    if NvmlMeter().read().gpus:
        pytest.skip("there is a GPU here")

    done = subprocess.run(
        (sys.executable, "-m", "bench.switch.cards"), capture_output=True, text=True, check=False, timeout=50
    )

    assert done.returncode == 1
    assert "there is no NVIDIA GPU here" in done.stderr


def test_a_wake_is_held_against_one_models_bytes_and_a_switch_against_both() -> None:
    row = Row("plain → turbo", Mode.SLEEP, (Switch({Part.FREE: 3.0, Part.RISE: 1.0}, {Part.RISE: 1.0}),))

    said = against_the_link([row], {"plain": 30_000_000_000, "turbo": 10_000_000_000}, 20e9)

    assert "10.0 GB wake at 10.0 GB/s, 0.50 of that" in said
    assert "takes 4.00 s, 2.0 times what carrying both would" in said
