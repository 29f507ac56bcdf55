"""What a request says about resuming, and how an event is written to a reader who can resume. Pure.

The cursor is the number of an event. `Last-Event-ID` wins over `starting_after`, and that over `from`: an
`EventSource` that connects again repeats its address as it was, and only the header tells how far it got.
`from` names the first event wanted; the other two the last one had.
"""

import re
from dataclasses import dataclass
from urllib.parse import parse_qs

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.errors import Refused
from switchyard_proxy.request import Request

KEEPALIVE = b": keepalive\n"  # one line end: with two, a reader that has seen an `id:` gets an empty event
LARGEST = 2**53
_CONVERSATION = re.compile(r"[\x21-\x7e]{1,200}")
_LINES = re.compile(rb"\r\n|\n|\r")
_OURS = (b"id", b"retry")  # fields that only we may set


@dataclass(frozen=True, slots=True)
class Wish:
    """The client wants a stream that it can read again."""

    conversation: str | None


def wished(request: Request) -> Wish | None:
    """Raises `Refused`. None: an ordinary request."""
    conversation = request.header(b"x-conversation-id")
    if conversation is not None:
        return Wish(_conversation(conversation))
    match (request.header(b"x-resumable") or b"").strip().lower():
        case b"1" | b"true":
            return Wish(None)
        case b"" | b"0" | b"false":
            return None
        case _:
            pass
    raise Refused(
        ErrorCode.INVALID_VALUE, "cannot use this X-Resumable: send 1, or leave it out", "X-Resumable"
    )


def _conversation(raw: bytes) -> str:
    text = raw.decode("latin-1").strip()
    if _CONVERSATION.fullmatch(text) is None:
        raise Refused(
            ErrorCode.INVALID_VALUE,
            "cannot use this X-Conversation-Id: send 1 to 200 letters, digits and signs, without blanks",
            "X-Conversation-Id",
        )
    return text


def query_of(request: Request) -> dict[str, str]:
    """The last value of each parameter."""
    try:
        found = parse_qs(request.query.decode("latin-1"), keep_blank_values=True, max_num_fields=100)
    except ValueError:
        raise Refused(ErrorCode.INVALID_VALUE, "cannot read the query: it has too many fields") from None
    return {name: values[-1] for name, values in found.items()}


def after_of(request: Request) -> int:
    """The number of the last event that the reader has; 0 for none. Raises `Refused`."""
    header = request.header(b"last-event-id")
    if header is not None and header.strip():
        return whole_number(header.decode("latin-1").strip(), "Last-Event-ID")
    query = query_of(request)
    if "starting_after" in query:
        return whole_number(query["starting_after"], "starting_after")
    if "from" in query:
        return max(whole_number(query["from"], "from") - 1, 0)
    return 0


def whole_number(text: str, param: str) -> int:
    if text.isascii() and text.isdecimal() and len(text) <= 16 and (number := int(text)) <= LARGEST:
        return number
    raise Refused(ErrorCode.INVALID_VALUE, f"cannot use this {param}: give the number of an event", param)


def written(number: int, event: bytes) -> bytes:
    """The event with its number. Only what dispatches something keeps its blank line (see `KEEPALIVE`)."""
    if (
        (event.startswith(b"data:") or (event.startswith(b"event:") and b"\ndata:" in event))
        and b"\nid" not in event
        and b"\nretry" not in event
        and b"\r" not in event
    ):
        return b"id: %d\n%b" % (number, event)
    return _rewritten(number, event)


def _rewritten(number: int, event: bytes) -> bytes:
    lines = [line for line in _LINES.split(event) if line and line.partition(b":")[0] not in _OURS]
    whole = _LINES.search(event[-1:]) is not None
    if not whole:
        return b"id: %d\n%b" % (number, b"\n".join(lines))
    text = b"".join(line + b"\n" for line in lines)
    if any(line.partition(b":")[0] == b"data" for line in lines):
        return b"id: %d\n%b\n" % (number, text)
    return b"".join(line + b"\n" for line in lines if line.startswith(b":"))
