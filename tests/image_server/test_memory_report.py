"""The report as JSON: MiB, plain words, and nothing that is not known."""

import json

from switchyard_image_server.memory.report import Component, MemoryReport, Turned
from switchyard_image_server.settings import Placing, Quantization

MIB = 2**20


def test_is_told_in_mib_and_plain_words() -> None:
    report = MemoryReport(
        "cuda",
        Placing.ENCODER_SWAP,
        Quantization.FP8,
        "because",
        components=(Component("vae", "AutoencoderKL", 3 * MIB, "bfloat16", "device"),),
        expected_peak=10 * MIB,
        turned=Turned("asleep", 0.5, 2 * MIB, "a note"),
    )

    told = json.loads(json.dumps(report.told()))

    assert told["strategy"] == "encoder-swap"
    assert told["quantization"] == "fp8"
    assert told["expected_peak_mib"] == 10
    assert told["measured_peak_mib"] is None
    assert told["components"] == [
        {"name": "vae", "class": "AutoencoderKL", "mib": 3.0, "dtype": "bfloat16", "place": "device"}
    ]
    assert told["sleep"]["last"] == {
        "towards": "asleep",
        "seconds": 0.5,
        "bytes": 2 * MIB,
        "bytes_per_s": 4 * MIB,
        "note": "a note",
    }


def test_no_time_at_all_has_no_rate() -> None:
    assert Turned("awake", 0.0, 100).bytes_per_s is None
