"""What can go wrong, in the words of whoever must act on it.

    ServerError                 an answer to one request, in OpenAI's shape
    ├── Refused                 the caller must change something
    │   ├── InvalidJson, MissingParameter, InvalidValue, Unsupported, WrongEndpoint
    │   ├── UnknownModel, UnknownUrl, UnknownJob, UnknownFile, WrongMethod, TooLarge, ContextTooLong
    │   └── InvalidApiKey, MediaNotAllowed, Busy, RequestCancelled, RequestTimeout
    └── Unavailable             the caller did nothing wrong
        ├── QueueFull, StillLoading, Asleep, Stopping, StreamBroken     try again
        └── OutOfMemory, GpuOutOfMemory, EngineFault                    the same request would fail again
    StartFailure                the server itself cannot start; ends the process
    Cancelled                   nobody waits for the answer any more; never shown

Codes and statuses are the contract's. Foreign exceptions are translated here, once, by `as_server_error`:
it keeps no reference to them, because their tracebacks hold tensors.
"""

import errno
import json
from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar

from switchyard_contracts.errors import CODES, ErrorCode, ErrorEnvelope

LOADING_RETRY_S = 5
MOST_SAID = 2_000  # of a message, which may quote what the client has sent
MOST_NAMED = 200  # of a field's name, which may be a key that the client has made up


class ServerError(Exception):
    """Has a stable code; reads "cannot …", and says what to do."""

    code: ClassVar[ErrorCode]

    def __init__(self, message: str, *, param: str | None = None, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.message = message if len(message) <= MOST_SAID else f"{message[:MOST_SAID]}…"
        self.param = None if param is None else param[:MOST_NAMED]
        self.retry_after_s = retry_after_s

    @property
    def status(self) -> int:
        return CODES[self.code].status

    def body(self) -> dict[str, object]:
        return ErrorEnvelope.of(self.code, self.message, self.param).model_dump(mode="json")

    def headers(self) -> dict[str, str]:
        return {} if self.retry_after_s is None else {"retry-after": str(self.retry_after_s)}


class Refused(ServerError):
    """The caller must change something."""


class InvalidJson(Refused):
    code = ErrorCode.INVALID_JSON


class MissingParameter(Refused):
    code = ErrorCode.MISSING_REQUIRED_PARAMETER


class InvalidValue(Refused):
    code = ErrorCode.INVALID_VALUE


class Unsupported(Refused):
    code = ErrorCode.UNSUPPORTED_PARAMETER


class WrongEndpoint(Refused):
    code = ErrorCode.UNSUPPORTED_ENDPOINT


class UnknownModel(Refused):
    code = ErrorCode.MODEL_NOT_FOUND


class UnknownUrl(Refused):
    code = ErrorCode.UNKNOWN_URL


class UnknownJob(Refused):
    code = ErrorCode.JOB_NOT_FOUND


class UnknownFile(Refused):
    code = ErrorCode.FILE_NOT_FOUND


class WrongMethod(Refused):
    code = ErrorCode.METHOD_NOT_ALLOWED


class TooLarge(Refused):
    code = ErrorCode.REQUEST_TOO_LARGE


class ContextTooLong(Refused):
    code = ErrorCode.CONTEXT_LENGTH_EXCEEDED


class MediaNotAllowed(Refused):
    code = ErrorCode.MEDIA_URL_NOT_ALLOWED


class Busy(Refused):
    """What was asked for does not go together with what the engine is doing."""

    code = ErrorCode.NOT_POSSIBLE_NOW


class RequestCancelled(Refused):
    """Somebody cancelled the job; its result is asked for."""

    code = ErrorCode.REQUEST_CANCELLED


class RequestTimeout(Refused):
    """A body has begun, and does not go on."""

    code = ErrorCode.REQUEST_TIMEOUT


class InvalidApiKey(Refused):
    code = ErrorCode.INVALID_API_KEY

    def __init__(self) -> None:
        super().__init__("cannot serve without the server's key: send `Authorization: Bearer <key>`")

    def headers(self) -> dict[str, str]:
        return {"www-authenticate": "Bearer"}


class Unavailable(ServerError):
    """The caller did nothing wrong."""


class QueueFull(Unavailable):
    code = ErrorCode.QUEUE_FULL


class StillLoading(Unavailable):
    code = ErrorCode.MODEL_LOADING

    def __init__(self) -> None:
        super().__init__(
            "cannot answer yet: the model is still loading; try again, or wait until /health answers 200",
            retry_after_s=LOADING_RETRY_S,
        )


class Asleep(Unavailable):
    code = ErrorCode.MODEL_ASLEEP

    def __init__(self) -> None:
        super().__init__(
            "cannot answer: the model is asleep; POST /wake wakes it", retry_after_s=LOADING_RETRY_S
        )


class Stopping(Unavailable):
    code = ErrorCode.BACKEND_UNAVAILABLE

    def __init__(self) -> None:
        super().__init__(
            "cannot finish the request: the engine is being stopped", retry_after_s=LOADING_RETRY_S
        )


class StreamBroken(Unavailable):
    """`Stopping`, for whoever has half of an answer already."""

    code = ErrorCode.STREAM_BROKEN

    def __init__(self) -> None:
        super().__init__("cannot finish the answer: the engine is being stopped; send the request again")


class _FailsAgain(Unavailable):
    """SDKs repeat every 5xx unless they are told not to."""

    def headers(self) -> dict[str, str]:
        return {"x-should-retry": "false"}


class OutOfMemory(_FailsAgain):
    code = ErrorCode.OUT_OF_MEMORY


class GpuOutOfMemory(OutOfMemory):
    code = ErrorCode.CUDA_OUT_OF_MEMORY


class EngineFault(_FailsAgain):
    code = ErrorCode.INTERNAL_ERROR


class Cancelled(Exception):
    """Nobody waits for the answer any more."""


class StartCode(StrEnum):
    """Why the server could not start. Stable: the manager reads them from stderr."""

    BAD_ENGINE_ARGUMENT = "bad_engine_argument"
    CUDA_OUT_OF_MEMORY = "cuda_out_of_memory"
    DISK_FULL = "disk_full"
    GATED_REPO = "gated_repo"
    LOAD_FAILED = "load_failed"
    MISSING_DEPENDENCY = "missing_dependency"
    MODEL_NOT_FOUND = "model_not_found"
    NO_GPU_DRIVER = "no_gpu_driver"
    OUT_OF_MEMORY = "out_of_memory"
    PORT_IN_USE = "port_in_use"
    UNSUPPORTED_MODEL = "unsupported_model"


class StartFailure(Exception):
    """The server cannot start, and why."""

    def __init__(self, code: StartCode, message: str, details: Mapping[str, str | int] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = dict(details or {})

    def marker(self) -> str:
        """The one line on stderr that a supervisor looks for. `details`: what was short, and by how much."""
        said: dict[str, object] = {"code": str(self.code), "message": self.message}
        if self.details:
            said["details"] = self.details
        return "SWITCHYARD_FAILURE " + json.dumps(said)


def is_out_of_memory(error: BaseException) -> bool:
    """Told by name and text, so that torch need not be imported to ask."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and ("out of memory" in text or "can't allocate memory" in text)


def is_gpu_memory(error: BaseException) -> bool:
    return type(error).__name__ == "OutOfMemoryError" or "cuda" in str(error).lower()


def brief(error: BaseException) -> str:
    """The kind and the first line of a foreign error."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__


def as_server_error(error: BaseException) -> ServerError:
    if isinstance(error, ServerError):
        return error
    if is_out_of_memory(error):
        kind = GpuOutOfMemory if is_gpu_memory(error) else OutOfMemory
        return kind(
            "cannot finish the request: the engine ran out of memory; ask for less (a smaller picture, a "
            "shorter conversation, fewer images) or free memory on the machine"
        )
    return EngineFault(f"cannot finish the request: the engine failed with {brief(error)}")


def as_start_failure(error: BaseException, model: str) -> StartFailure:
    if isinstance(error, StartFailure):
        return error
    if is_out_of_memory(error):
        code = StartCode.CUDA_OUT_OF_MEMORY if is_gpu_memory(error) else StartCode.OUT_OF_MEMORY
        return StartFailure(code, f"cannot load {model}: not enough memory; use a smaller model, or free some")
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return StartFailure(StartCode.DISK_FULL, f"cannot load {model}: no space left on the disk")
    if isinstance(error, ImportError):
        return StartFailure(
            StartCode.MISSING_DEPENDENCY, f"cannot load {model}: {error}; install what it names"
        )
    return StartFailure(StartCode.LOAD_FAILED, f"cannot load {model}: {brief(error)}")
