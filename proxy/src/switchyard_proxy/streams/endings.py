"""The last words of a stream that cannot go on, by the API that it speaks. Pure; never a polite end.

The wire's own voices speak while a request runs. These are for when nobody is there to speak: the stream was
cancelled by id, the proxy stopped, or it was killed and another one found the log.
"""

import json

from switchyard_contracts.errors import ErrorBody, ErrorCode, ErrorEnvelope, ErrorType
from switchyard_proxy.streams.stream import Kind, Status

DONE = b"data: [DONE]\n\n"
_ANTHROPIC = {ErrorType.INVALID_REQUEST: "invalid_request_error", ErrorType.RATE_LIMIT: "rate_limit_error"}


def error_document(kind: Kind, error: ErrorBody) -> bytes:
    """For a reply that had not begun."""
    if kind is Kind.MESSAGES:
        return json.dumps(_anthropic(error)).encode()
    return ErrorEnvelope(error=error).model_dump_json().encode()


def error_events(kind: Kind, error: ErrorBody) -> list[bytes]:
    """For a stream of events. Those of the Responses API are `responses.ResponseEvents`' business."""
    if kind is Kind.MESSAGES:
        return [b"event: error\ndata: %b\n\n" % error_document(kind, error)]
    return [b"data: %b\n\n" % error_document(kind, error), DONE]


def _anthropic(error: ErrorBody) -> dict[str, object]:
    kind = _ANTHROPIC.get(error.type, "api_error")
    if error.code is ErrorCode.OVERLOADED:
        kind = "overloaded_error"
    return {"type": "error", "error": {"type": kind, "message": error.message}}


class PlainEvents:
    """Follows the events of any API but the Responses': only an error among them means something here."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self.failed = False

    def passes(self, event: bytes) -> bytes:
        if event.startswith((b'data: {"error"', b"event: error")):
            self.failed = True
        return event

    def closing(self) -> list[bytes]:
        """What is missing at the end of a stream that ended in good order."""
        return []

    def ending(self, status: Status, error: ErrorBody) -> list[bytes]:
        """The last events of one that did not."""
        return error_events(self._kind, error)
