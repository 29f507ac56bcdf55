"""The last words of a stream, by the API that it speaks."""

import json

import pytest

from switchyard_contracts.errors import ErrorBody, ErrorCode
from switchyard_proxy.streams.endings import DONE, PlainEvents, error_document, error_events
from switchyard_proxy.streams.stream import Kind

LOST = ErrorBody.of(ErrorCode.STREAM_BROKEN, "cannot finish")


@pytest.mark.parametrize("kind", [Kind.CHAT, Kind.COMPLETIONS, Kind.IMAGES])
def test_openais_streams_end_with_an_error_and_then_done(kind: Kind) -> None:
    error, done = error_events(kind, LOST)

    told = json.loads(error.removeprefix(b"data: "))
    assert set(told["error"]) == {"message", "type", "param", "code"}
    assert (told["error"]["code"], told["source"]) == ("stream_broken", "switchyard")
    assert done == DONE


def test_anthropics_streams_end_with_an_event_of_that_name() -> None:
    (event,) = error_events(Kind.MESSAGES, LOST)

    head, data = event.split(b"\n", 1)
    assert head == b"event: error"
    assert json.loads(data.removeprefix(b"data: ")) == {
        "type": "error",
        "error": {"type": "api_error", "message": "cannot finish"},
    }


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (ErrorCode.REQUEST_CANCELLED, "invalid_request_error"),
        (ErrorCode.OVERLOADED, "overloaded_error"),
        (ErrorCode.QUEUE_FULL, "rate_limit_error"),
    ],
)
def test_anthropic_has_types_of_its_own(code: ErrorCode, kind: str) -> None:
    told = json.loads(error_document(Kind.MESSAGES, ErrorBody.of(code, "x")))

    assert told["error"]["type"] == kind


def test_an_error_among_the_events_is_noticed_and_a_word_about_one_is_not() -> None:
    follower = PlainEvents(Kind.CHAT)
    said = [b'data: {"choices": "{\\"error\\""}\n\n', b'data: {"error": {}}\n\n']

    failed = [(follower.passes(event) == event, follower.failed) for event in said]

    assert failed == [(True, False), (True, True)]
