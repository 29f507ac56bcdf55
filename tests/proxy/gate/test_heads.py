"""What a head says on the other side of the gate."""

from switchyard_contracts.gate import KEY_HEADER, SAYS_HEADER
from switchyard_proxy.gate import heads


def test_a_request_keeps_what_is_between_proxy_and_engine() -> None:
    said = [
        (b"host", b"gate:8078"),
        (b"authorization", b"Bearer of-this-run"),
        (b"x-request-id", b"req_1"),
        (b"content-length", b"2"),
        (KEY_HEADER.encode(), b"secret"),
    ]

    head = heads.to_engine("POST", b"/v1/x?a=b", "127.0.0.1:41000", said, [(b"content-length", b"2")])

    assert head == (
        b"POST /v1/x?a=b HTTP/1.1\r\nhost: 127.0.0.1:41000\r\nauthorization: Bearer of-this-run\r\n"
        b"x-request-id: req_1\r\ncontent-length: 2\r\n\r\n"
    )


def test_what_was_meant_for_one_hop_goes_no_further() -> None:
    said = [
        (b"connection", b"keep-alive, X-Mine"),
        (b"x-mine", b"1"),
        (b"te", b"trailers"),
        (b"upgrade", b"websocket"),
        (b"transfer-encoding", b"chunked"),
        (b"accept", b"*/*"),
    ]

    assert heads.to_proxy(said) == [(b"accept", b"*/*")]
    assert (
        heads.to_engine("GET", b"/", "e:1", said, ()) == b"GET / HTTP/1.1\r\nhost: e:1\r\naccept: */*\r\n\r\n"
    )


def test_no_engine_speaks_for_the_gate() -> None:
    assert heads.to_proxy([(SAYS_HEADER.encode(), b"engine-lost"), (b"a", b"b")]) == [(b"a", b"b")]
