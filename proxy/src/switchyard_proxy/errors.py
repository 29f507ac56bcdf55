"""What can go wrong on the wire, and the one place where it becomes a reply. Nothing here logs or sends.

ProxyError          has a code, and a sentence for whoever asked
├── Refused         the client must change something; asking again brings the same answer
├── Unavailable     asking again may help; says when
└── TicketRefused   the manager's refusal, in the manager's words
Broken              an exchange with an engine ended before its time; `forward` decides what that means
├── EngineLost      the engine refused or dropped the connection, or did not speak HTTP
└── Cut             we ended it: the drain limit was reached, or the proxy stops
ClientGone          the client hung up: there is nobody to tell
"""

from collections.abc import Callable
from dataclasses import dataclass

from switchyard_contracts.errors import CODES, ErrorBody, ErrorCode, ErrorEnvelope
from switchyard_proxy.asgi import Header

LONGEST_RETRY_AFTER_S = 59  # from 60 on, some clients ignore the header and hammer instead


class ProxyError(Exception):
    """A request that cannot be served."""

    def __init__(self, code: ErrorCode, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.body = ErrorBody.of(code, message, param)


class Refused(ProxyError):
    """The client must change something."""

    def __init__(
        self, code: ErrorCode, message: str, param: str | None = None, headers: tuple[Header, ...] = ()
    ) -> None:
        super().__init__(code, message, param)
        self.headers = headers


class Unavailable(ProxyError):
    """It cannot be done now, and may be done in `retry_after_s`."""

    def __init__(
        self, code: ErrorCode, message: str, retry_after_s: int = 5, headers: tuple[Header, ...] = ()
    ) -> None:
        super().__init__(code, message)
        self.retry_after_s = retry_after_s
        self.headers = headers


class TicketRefused(ProxyError):
    """The manager will not serve this request. Without `retry_after_s`, asking again does not help."""

    def __init__(self, body: ErrorBody, retry_after_s: int | None) -> None:
        super().__init__(body.code, body.message, body.param)
        self.body = body
        self.retry_after_s = retry_after_s


class Broken(Exception):
    """The exchange with the engine ended before its time."""


class EngineLost(Broken):
    """`answered` tells whether any byte of a reply had come: if none had, the request may be sent again."""

    def __init__(self, message: str, *, answered: bool) -> None:
        super().__init__(message)
        self.answered = answered


class Cut(Broken):
    """We ended the exchange ourselves; the message says why."""


class ClientGone(Exception):
    """The client hung up."""


@dataclass(frozen=True, slots=True)
class Told:
    """An error as it goes out."""

    status: int
    headers: list[Header]
    payload: bytes


def in_openais_shape(error: ErrorBody) -> bytes:
    return ErrorEnvelope(error=error).model_dump_json().encode()


def tell(error: ProxyError, shape: Callable[[ErrorBody], bytes] = in_openais_shape) -> Told:
    """The only way in which an error of ours becomes a reply."""
    return Told(CODES[error.code].status, _headers(error), shape(error.body))


def _headers(error: ProxyError) -> list[Header]:
    match error:
        case Refused():
            return list(error.headers)
        case Unavailable():
            return [_retry_after(error.retry_after_s), *error.headers]
        case TicketRefused(retry_after_s=int()):
            return [_retry_after(error.retry_after_s or 1)]
        case TicketRefused() if CODES[error.code].status >= 500:
            return [(b"x-should-retry", b"false")]
        case _:
            return []


def _retry_after(seconds: int) -> Header:
    return b"retry-after", b"%d" % min(max(seconds, 1), LONGEST_RETRY_AFTER_S)
