"""Errors: OpenAI's shape, the contract's codes, and the marker a supervisor reads."""

import errno
import json

import pytest

from switchyard_contracts.errors import CODES, Reason
from switchyard_image_server.errors import (
    EngineFault,
    InvalidValue,
    OutOfMemory,
    QueueFull,
    ServerError,
    StartCode,
    StartFailure,
    StillLoading,
    as_server_error,
    as_start_failure,
)


class OutOfMemoryError(RuntimeError):
    """Torch's, by name."""


def kinds(parent: type[ServerError]) -> set[type[ServerError]]:
    return {parent} | {kind for child in parent.__subclasses__() for kind in kinds(child)}


def test_every_error_has_all_four_keys() -> None:
    error = InvalidValue("cannot do that", param="size")

    assert error.body()["error"] == {
        "message": "cannot do that",
        "type": "invalid_request_error",
        "param": "size",
        "code": "invalid_value",
    }
    assert error.status == 400


def test_quotes_no_more_of_what_was_sent_than_somebody_would_read() -> None:
    error = InvalidValue("cannot use " + "x" * 2**20, param="y" * 2**20)

    assert len(json.dumps(error.body())) < 2_500


def test_every_error_that_can_be_raised_has_a_code_of_the_contract() -> None:
    raised = {kind for kind in kinds(ServerError) if hasattr(kind, "code")}

    assert {kind.code for kind in raised} <= set(CODES)
    assert len(raised) > 10


def test_every_start_code_is_a_reason_of_the_contract() -> None:
    assert {str(code) for code in StartCode} <= {str(reason) for reason in Reason}


def test_says_when_to_try_again_and_when_not_to() -> None:
    assert QueueFull("full", retry_after_s=7).headers() == {"retry-after": "7"}
    assert StillLoading().headers() == {"retry-after": "5"}
    assert OutOfMemory("no room").headers() == {"x-should-retry": "false"}


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_knows_that_memory_ran_out(error: BaseException) -> None:
    assert isinstance(as_server_error(error), OutOfMemory)


def test_a_fault_of_the_engine_is_told_in_one_line() -> None:
    fault = as_server_error(ValueError("shape mismatch\n  File model.py, line 3"))

    assert isinstance(fault, EngineFault)
    assert fault.message == "cannot finish the request: the engine failed with ValueError: shape mismatch"
    assert fault.__cause__ is None


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OutOfMemoryError("CUDA out of memory"), StartCode.CUDA_OUT_OF_MEMORY),
        (MemoryError(), StartCode.OUT_OF_MEMORY),
        (ModuleNotFoundError("No module named 'av'"), StartCode.MISSING_DEPENDENCY),
        (OSError(errno.ENOSPC, "No space left on device"), StartCode.DISK_FULL),
        (KeyError("weights"), StartCode.LOAD_FAILED),
    ],
)
def test_says_why_a_model_could_not_be_loaded(error: BaseException, code: StartCode) -> None:
    failure = as_start_failure(error, "tiny")

    assert failure.code is code
    assert failure.message.startswith("cannot load tiny: ")


def test_the_marker_is_one_line_of_json() -> None:
    marker = StartFailure(StartCode.LOAD_FAILED, 'cannot load "x"\nat all').marker()

    assert "\n" not in marker
    head, _, content = marker.partition(" ")
    assert head == "SWITCHYARD_FAILURE"
    assert json.loads(content) == {"code": "load_failed", "message": 'cannot load "x"\nat all'}
