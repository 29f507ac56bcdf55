"""Which headers cross the wire, and which do not."""

import pytest

from switchyard_proxy.upstream.pool import endpoint_at
from switchyard_proxy.wire.headers import (
    is_event_stream,
    reply_headers,
    request_head,
    stream_headers,
    with_our_word,
)

ENDPOINT = endpoint_at("http://engine:8000/base/")


def sent(*headers: tuple[bytes, bytes], granted: dict[str, str] | None = None) -> dict[str, str]:
    head = request_head(ENDPOINT, b"POST", b"/v1/x?a=b", list(headers), granted or {}, 5, b"req_1").decode()
    first, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
    assert first == "POST /base/v1/x?a=b HTTP/1.1"
    names = [line.split(": ", 1)[0] for line in lines]
    assert len(names) == len(set(names)), "a header was sent twice"
    return dict(line.split(": ", 1) for line in lines)


def test_the_clients_headers_reach_the_engine() -> None:
    assert sent((b"content-type", b"application/json"), (b"openai-beta", b"x"))["openai-beta"] == "x"


def test_host_and_length_are_of_the_request_that_is_sent() -> None:
    headers = sent((b"host", b"proxy:8080"), (b"content-length", b"999"))

    assert headers["host"] == "engine:8000"
    assert headers["content-length"] == "5"


@pytest.mark.parametrize("name", [b"authorization", b"x-api-key", b"api-key", b"accept-encoding", b"expect"])
def test_what_is_between_client_and_proxy_stays_there(name: bytes) -> None:
    assert name.decode() not in sent((name, b"secret"))


def test_headers_for_one_hop_stay_there_and_so_do_those_that_connection_names() -> None:
    headers = sent(
        (b"connection", b"keep-alive, X-Trace"), (b"keep-alive", b"5"), (b"x-trace", b"1"), (b"te", b"x")
    )

    assert not {"connection", "keep-alive", "x-trace", "te"} & set(headers)


def test_the_grants_headers_win_over_the_clients() -> None:
    headers = sent((b"x-secret", b"guess"), granted={"X-Secret": "right", "Authorization": "Bearer engine"})

    assert headers["x-secret"] == "right"
    assert headers["authorization"] == "Bearer engine"


def test_the_engine_gets_our_request_id() -> None:
    assert sent((b"x-request-id", b"client's"))["x-request-id"] == "req_1"


def test_an_engines_headers_reach_the_client_but_for_those_of_the_hop_and_those_we_say() -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"connection", b"x-hop"),
        (b"x-hop", b"1"),
        (b"transfer-encoding", b"chunked"),
        (b"date", b"today"),
        (b"x-request-id", b"theirs"),
        (b"access-control-allow-origin", b"http://a"),
        (b"set-cookie", b"a=1"),
        (b"set-cookie", b"b=2"),
    ]

    assert reply_headers(headers) == [headers[0], *headers[-2:]]


def test_a_stream_is_marked_as_not_to_be_kept_or_gathered() -> None:
    headers = stream_headers([(b"content-type", b"text/event-stream"), (b"cache-control", b"max-age=9")])

    assert (b"cache-control", b"no-cache") in headers
    assert (b"x-accel-buffering", b"no") in headers
    assert len(headers) == 3


@pytest.mark.parametrize(
    ("kind", "coding", "expected"),
    [
        (b"text/event-stream", None, True),
        (b"Text/Event-Stream; charset=utf-8", None, True),
        (b"text/event-stream", b"identity", True),
        (b"text/event-stream", b"gzip", False),
        (b"application/json", None, False),
        (b"text/event-streams", None, False),
    ],
)
def test_only_a_readable_stream_of_events_is_taken_for_one(
    kind: bytes, coding: bytes | None, expected: bool
) -> None:
    headers = [(b"content-type", kind)] + ([(b"content-encoding", coding)] if coding else [])

    assert is_event_stream(headers) is expected


def test_our_engine_hears_whom_it_works_for_and_where_its_clients_find_it() -> None:
    headers = with_our_word([(b"host", b"home.lan:8080"), (b"x-a", b"1")], "Tea Kitchen", "org/paint")

    assert dict(headers) == {
        b"host": b"home.lan:8080",
        b"x-a": b"1",
        b"x-switchyard-client": b"Tea Kitchen",
        b"x-forwarded-prefix": b"/upstream/org%2Fpaint",
        b"x-forwarded-host": b"home.lan:8080",
    }


def test_no_client_can_take_anothers_turn() -> None:
    headers = with_our_word([(b"x-switchyard-client", b"somebody else")], "me\r\nx-evil: 1", "paint")

    assert dict(headers)[b"x-switchyard-client"] == b"me%0D%0Ax-evil%3A 1"
    assert [name for name, _ in headers].count(b"x-switchyard-client") == 1


def test_a_gateway_before_the_proxy_knows_the_way_from_outside() -> None:
    sent_on = [(b"host", b"proxy"), (b"x-forwarded-host", b"ai.home"), (b"x-forwarded-prefix", b"/lab/")]

    headers = with_our_word(sent_on, "me", "paint")

    assert dict(headers)[b"x-forwarded-host"] == b"ai.home"
    assert dict(headers)[b"x-forwarded-prefix"] == b"/lab/upstream/paint"
