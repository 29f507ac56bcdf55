"""The one error shape, and the list of codes that clients may rely on.

    {"error": {"message", "type", "param", "code"}, "source": "switchyard"}

`source` tells our own errors from an engine's, which pass through untouched. A code is stable: it may gain
company, but never changes its meaning. Why an engine failed is a `Reason`; it travels inside the message of
a `model_load_failed` and in the status.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict


class ErrorType(StrEnum):
    """OpenAI's error types, as far as we originate them."""

    INVALID_REQUEST = "invalid_request_error"
    RATE_LIMIT = "rate_limit_error"
    SERVER = "server_error"


class ErrorCode(StrEnum):
    """Every code that Switchyard itself puts in an error."""

    BACKEND_UNAVAILABLE = "backend_unavailable"
    CONTEXT_LENGTH_EXCEEDED = "context_length_exceeded"
    CUDA_OUT_OF_MEMORY = "cuda_out_of_memory"
    EDITED_MEANWHILE = "edited_meanwhile"
    ENGINE_KEY_REFUSED = "engine_key_refused"
    FILE_NOT_FOUND = "file_not_found"
    HOST_NOT_ALLOWED = "host_not_allowed"
    INTERNAL_ERROR = "internal_error"
    INVALID_API_KEY = "invalid_api_key"
    INVALID_JSON = "invalid_json"
    INVALID_VALUE = "invalid_value"
    JOB_NOT_FOUND = "job_not_found"
    MANAGER_UNAVAILABLE = "manager_unavailable"
    MEDIA_URL_NOT_ALLOWED = "media_url_not_allowed"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    MISSING_REQUIRED_PARAMETER = "missing_required_parameter"
    MODEL_ASLEEP = "model_asleep"
    MODEL_LOADING = "model_loading"
    MODEL_LOAD_FAILED = "model_load_failed"
    MODEL_LOAD_TIMEOUT = "model_load_timeout"
    MODEL_NOT_FOUND = "model_not_found"
    NOT_ALLOWED = "not_allowed"
    NOT_POSSIBLE_NOW = "not_possible_now"
    ORIGIN_NOT_ALLOWED = "origin_not_allowed"
    OUT_OF_MEMORY = "out_of_memory"
    OVERLOADED = "overloaded"
    PERMISSION_DENIED = "permission_denied"
    QUEUE_FULL = "queue_full"
    RATE_LIMIT_EXCEEDED = "rate_limit_exceeded"
    REQUEST_CANCELLED = "request_cancelled"
    REQUEST_TIMEOUT = "request_timeout"
    REQUEST_TOO_LARGE = "request_too_large"
    STREAM_BROKEN = "stream_broken"
    STREAM_NOT_FOUND = "stream_not_found"
    UNKNOWN_URL = "unknown_url"
    UNSUPPORTED_ENDPOINT = "unsupported_endpoint"
    UNSUPPORTED_PARAMETER = "unsupported_parameter"


@dataclass(frozen=True, slots=True)
class CodeFacts:
    """What a code promises: its HTTP status and type, and what whoever reads it should do."""

    status: int
    type: ErrorType
    meaning: str
    remedy: str


CODES: dict[ErrorCode, CodeFacts] = {
    ErrorCode.INVALID_JSON: CodeFacts(
        400, ErrorType.INVALID_REQUEST, "the body is not a JSON object", "send a JSON object"
    ),
    ErrorCode.MISSING_REQUIRED_PARAMETER: CodeFacts(
        400,
        ErrorType.INVALID_REQUEST,
        "a field that the route needs is absent",
        "add the field named in `param`",
    ),
    ErrorCode.INVALID_VALUE: CodeFacts(
        400,
        ErrorType.INVALID_REQUEST,
        "a field has a value that cannot be used",
        "change the field named in `param` as the message says",
    ),
    ErrorCode.UNSUPPORTED_PARAMETER: CodeFacts(
        400,
        ErrorType.INVALID_REQUEST,
        "a field is known, but this model or version cannot honour it",
        "leave the field named in `param` out",
    ),
    ErrorCode.UNSUPPORTED_ENDPOINT: CodeFacts(
        400,
        ErrorType.INVALID_REQUEST,
        "the model is of another type than the route",
        "use one of the models that the message names",
    ),
    ErrorCode.CONTEXT_LENGTH_EXCEEDED: CodeFacts(
        400,
        ErrorType.INVALID_REQUEST,
        "prompt and answer do not fit the model's context",
        "shorten the conversation or lower `max_tokens`; the message has the numbers",
    ),
    ErrorCode.MEDIA_URL_NOT_ALLOWED: CodeFacts(
        400,
        ErrorType.INVALID_REQUEST,
        "a picture or video is given as an address on the network, which the operator has not allowed",
        "send it as a data URL, or start the proxy with --media-urls allow",
    ),
    ErrorCode.INVALID_API_KEY: CodeFacts(
        401, ErrorType.INVALID_REQUEST, "the key is missing or wrong", "send `Authorization: Bearer <key>`"
    ),
    ErrorCode.PERMISSION_DENIED: CodeFacts(
        403,
        ErrorType.INVALID_REQUEST,
        "the key is right, but may not do this",
        "use another key, or ask the operator for more rights",
    ),
    ErrorCode.ENGINE_KEY_REFUSED: CodeFacts(
        403,
        ErrorType.INVALID_REQUEST,
        "the gate of a GPU machine did not let the request pass: the engine's key is missing or does not fit",
        "start manager and gate of that machine with the same token; clients ask the proxy, not the gate",
    ),
    ErrorCode.HOST_NOT_ALLOWED: CodeFacts(
        403,
        ErrorType.INVALID_REQUEST,
        "the request names this machine by a name that is not known to be its own",
        "use its address or its own name, or add the name to --allowed-hosts",
    ),
    ErrorCode.ORIGIN_NOT_ALLOWED: CodeFacts(
        403,
        ErrorType.INVALID_REQUEST,
        "a web page of another origin asks, and no key protects this proxy",
        "add the page's origin to --allowed-origins, or switch keys on",
    ),
    ErrorCode.NOT_ALLOWED: CodeFacts(
        403,
        ErrorType.INVALID_REQUEST,
        "the operator has not allowed this over the network",
        "do it on the machine itself, or allow it as the message says",
    ),
    ErrorCode.MODEL_NOT_FOUND: CodeFacts(
        404,
        ErrorType.INVALID_REQUEST,
        "no model or alias has that name",
        "ask `GET /v1/models`, or add the model to models.json",
    ),
    ErrorCode.STREAM_NOT_FOUND: CodeFacts(
        404,
        ErrorType.INVALID_REQUEST,
        "no stream or response of that id is kept, or no longer",
        "send the request anew; logs are kept for `--stream-keep-s` seconds",
    ),
    ErrorCode.JOB_NOT_FOUND: CodeFacts(
        404,
        ErrorType.INVALID_REQUEST,
        "no job of that id is known here, or no longer",
        "send the request anew; the results of jobs are kept for a while only",
    ),
    ErrorCode.FILE_NOT_FOUND: CodeFacts(
        404,
        ErrorType.INVALID_REQUEST,
        "no picture of that address is kept, or no longer",
        "ask for `b64_json`, or fetch pictures soon after they are made",
    ),
    ErrorCode.UNKNOWN_URL: CodeFacts(
        404, ErrorType.INVALID_REQUEST, "nothing is served at that path", "check the path and the base URL"
    ),
    ErrorCode.METHOD_NOT_ALLOWED: CodeFacts(
        405, ErrorType.INVALID_REQUEST, "the path is served, but not with that method", "use the method named"
    ),
    ErrorCode.REQUEST_TIMEOUT: CodeFacts(
        408,
        ErrorType.INVALID_REQUEST,
        "the request did not come in time",
        "send it whole, without long pauses",
    ),
    ErrorCode.REQUEST_CANCELLED: CodeFacts(
        409, ErrorType.INVALID_REQUEST, "the request was cancelled by id", "nothing: somebody wanted that"
    ),
    ErrorCode.NOT_POSSIBLE_NOW: CodeFacts(
        409,
        ErrorType.INVALID_REQUEST,
        "what was asked does not fit the state that the model is in",
        "do what the message says first",
    ),
    ErrorCode.EDITED_MEANWHILE: CodeFacts(
        412,
        ErrorType.INVALID_REQUEST,
        "models.json was changed by somebody else since it was read",
        "read it again, and make the change in what it says now",
    ),
    ErrorCode.REQUEST_TOO_LARGE: CodeFacts(
        413, ErrorType.INVALID_REQUEST, "the body is over the limit", "send less, or raise the limit"
    ),
    ErrorCode.QUEUE_FULL: CodeFacts(
        429, ErrorType.RATE_LIMIT, "the engine's queue is full", "wait `Retry-After` seconds and try again"
    ),
    ErrorCode.RATE_LIMIT_EXCEEDED: CodeFacts(
        429,
        ErrorType.RATE_LIMIT,
        "the key has reached one of its limits; the message has the numbers",
        "wait `Retry-After` seconds and try again",
    ),
    ErrorCode.INTERNAL_ERROR: CodeFacts(
        500, ErrorType.SERVER, "a fault of ours", "report it with the `x-request-id` of the reply"
    ),
    ErrorCode.OUT_OF_MEMORY: CodeFacts(
        500,
        ErrorType.SERVER,
        "the engine ran out of memory in this request",
        "ask for less: smaller, shorter, fewer",
    ),
    ErrorCode.CUDA_OUT_OF_MEMORY: CodeFacts(
        500,
        ErrorType.SERVER,
        "the engine ran out of GPU memory, and so did a second try that needs less",
        "ask for less, or give the model more room; the message has the numbers",
    ),
    ErrorCode.BACKEND_UNAVAILABLE: CodeFacts(
        502,
        ErrorType.SERVER,
        "the engine went away before it answered",
        "wait `Retry-After` seconds and try again",
    ),
    ErrorCode.STREAM_BROKEN: CodeFacts(
        502, ErrorType.SERVER, "the engine went away in the middle of a stream", "send the request again"
    ),
    ErrorCode.MANAGER_UNAVAILABLE: CodeFacts(
        503,
        ErrorType.SERVER,
        "the proxy has no connection to the manager, and holds no grant for the model",
        "see that the manager runs: `./setup.sh status`",
    ),
    ErrorCode.MODEL_ASLEEP: CodeFacts(
        503,
        ErrorType.SERVER,
        "the engine was put to sleep, and nobody has woken it",
        "wake it: `POST /wake` (a manager does so by itself)",
    ),
    ErrorCode.MODEL_LOADING: CodeFacts(
        503, ErrorType.SERVER, "the engine was asked before its model was loaded", "wait and try again"
    ),
    ErrorCode.MODEL_LOAD_FAILED: CodeFacts(
        503,
        ErrorType.SERVER,
        "the model's engine could not be started; the message has the reason and what to do",
        "mend what the message says; the model is tried again after a cool-down",
    ),
    ErrorCode.OVERLOADED: CodeFacts(
        503, ErrorType.SERVER, "too many requests wait already", "wait `Retry-After` seconds and try again"
    ),
    ErrorCode.MODEL_LOAD_TIMEOUT: CodeFacts(
        504,
        ErrorType.SERVER,
        "the model was not ready within the time that the request could wait",
        "try again: the load goes on",
    ),
}


class ErrorBody(BaseModel):
    """OpenAI's error object; all four keys are always there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    message: str
    type: ErrorType
    param: str | None = None
    code: ErrorCode

    @classmethod
    def of(cls, code: ErrorCode, message: str, param: str | None = None) -> "ErrorBody":
        return cls(message=message, type=CODES[code].type, param=param, code=code)


class ErrorEnvelope(BaseModel):
    """The body of every non-2xx reply that we originate."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    error: ErrorBody
    source: Literal["switchyard"] = "switchyard"

    @classmethod
    def of(cls, code: ErrorCode, message: str, param: str | None = None) -> "ErrorEnvelope":
        return cls(error=ErrorBody.of(code, message, param))


class Reason(StrEnum):
    """Why an engine could not be started or kept: what happened, in one word."""

    BAD_ENGINE_ARGUMENT = "bad_engine_argument"
    CANARY_FAILED = "canary_failed"
    CUDA_OUT_OF_MEMORY = "cuda_out_of_memory"
    DISK_FULL = "disk_full"
    ENGINE_EXITED = "engine_exited"
    ENGINE_MISSING = "engine_missing"
    ENGINE_STUCK = "engine_stuck"
    GATED_REPO = "gated_repo"
    HUB_UNREACHABLE = "hub_unreachable"
    IMAGE_MISSING = "image_missing"
    INSUFFICIENT_VRAM = "insufficient_vram"
    LOAD_FAILED = "load_failed"
    MISSING_DEPENDENCY = "missing_dependency"
    MODEL_NOT_FOUND = "model_not_found"
    NO_GPU = "no_gpu"
    NO_GPU_DRIVER = "no_gpu_driver"
    OUT_OF_MEMORY = "out_of_memory"
    PORT_IN_USE = "port_in_use"
    RUNTIME_UNAVAILABLE = "runtime_unavailable"
    SLEEP_FAILED = "sleep_failed"
    STARTUP_TIMEOUT = "startup_timeout"
    STOP_FAILED = "stop_failed"
    UNSUPPORTED_MODEL = "unsupported_model"
    VRAM_BUSY = "vram_busy"
