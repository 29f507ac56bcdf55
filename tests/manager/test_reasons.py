"""What engines really say, and what we make of it."""

import pytest

from switchyard_contracts.errors import Reason
from switchyard_manager.engines.reasons import ADVICE, explain
from switchyard_manager.runtimes import Exit


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("vllm: error: unrecognized arguments: --nonsense", Reason.BAD_ENGINE_ARGUMENT),
        (
            "ValueError: User-specified max_model_len (200000) is greater than the derived max_model_len",
            Reason.BAD_ENGINE_ARGUMENT,
        ),
        (
            "ValueError: Free memory on device cuda:0 (3/24 GiB) on startup is less than desired GPU memory",
            Reason.CUDA_OUT_OF_MEMORY,
        ),
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB", Reason.CUDA_OUT_OF_MEMORY),
        ("huggingface_hub.errors.LocalEntryNotFoundError: Cannot find", Reason.MODEL_NOT_FOUND),
        ("OSError: [Errno 98] Address already in use", Reason.PORT_IN_USE),
        ("OSError: [Errno 28] No space left on device", Reason.DISK_FULL),
        ("Model architectures ['X'] failed to be inspected", Reason.UNSUPPORTED_MODEL),
        ("Failed to initialize NVML: Unknown Error", Reason.NO_GPU_DRIVER),
    ],
)
def test_a_known_line_is_found_above_the_wrappers_that_follow_it(line: str, reason: Reason) -> None:
    tail = ("loading", line, "RuntimeError: Engine core initialization failed. See root cause above.")

    failure = explain("m", Exit(1, tail))

    assert failure.reason is reason
    assert line in failure.message
    assert failure.advice == ADVICE[reason]


def test_our_own_engines_say_it_outright() -> None:
    marked = 'SWITCHYARD_FAILURE {"code": "unsupported_model", "message": "no such architecture"}'

    failure = explain("m", Exit(1, ("CUDA out of memory", marked)))

    assert (failure.reason, failure.message) == (
        Reason.UNSUPPORTED_MODEL,
        "cannot run m: no such architecture",
    )


@pytest.mark.parametrize(
    "broken", ["SWITCHYARD_FAILURE {", 'SWITCHYARD_FAILURE {"code": []}', "SWITCHYARD_FAILURE 3"]
)
def test_a_marker_that_cannot_be_read_is_only_a_line(broken: str) -> None:
    assert explain("m", Exit(1, (broken,))).reason is Reason.ENGINE_EXITED


def test_an_unknown_end_says_how_it_ended() -> None:
    assert explain("m", Exit(0)).message == "cannot run m: its engine exited with code 0"
    assert explain("m", Exit(-11)).message == "cannot run m: its engine ended by signal 11"


def test_a_kill_from_outside_points_at_memory() -> None:
    assert explain("m", Exit(-9)).reason is Reason.OUT_OF_MEMORY


def test_there_is_advice_for_every_reason() -> None:
    assert set(ADVICE) == set(Reason)
