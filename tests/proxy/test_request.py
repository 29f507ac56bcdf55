"""The head of a request: its id and its key."""

import pytest

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.errors import Refused
from switchyard_proxy.request import Request, check_key

KEY = b"sk-right"


def request(*headers: tuple[bytes, bytes]) -> Request:
    return Request.of({"headers": list(headers), "method": "GET", "path": "/", "query_string": b""})


def test_a_clients_request_id_is_kept() -> None:
    assert request((b"x-request-id", b"trace-7/a:b")).id == b"trace-7/a:b"


@pytest.mark.parametrize("unfit", [b"", b"two words", b"x" * 129, b"a\x1b[31m", b"-first", "ё".encode()])
def test_an_id_that_is_unfit_for_a_log_is_replaced(unfit: bytes) -> None:
    first, second = request((b"x-request-id", unfit)).id, request().id

    assert first.startswith(b"req_")
    assert first != second


@pytest.mark.parametrize(
    "header",
    [
        (b"authorization", b"Bearer sk-right"),
        (b"authorization", b"bearer  sk-right"),
        (b"x-api-key", b"sk-right"),
        (b"api-key", b"sk-right"),
    ],
)
def test_takes_the_key_in_any_of_its_usual_headers(header: tuple[bytes, bytes]) -> None:
    check_key(request(header), KEY)


def test_one_right_key_among_wrong_ones_is_enough() -> None:
    check_key(request((b"authorization", b"Bearer placeholder"), (b"x-api-key", b"sk-right")), KEY)


@pytest.mark.parametrize(
    "header",
    [
        (b"accept", b"sk-right"),
        (b"authorization", b"sk-right"),
        (b"authorization", b"Basic sk-right"),
        (b"authorization", b"Bearer sk-wrong"),
        (b"x-api-key", b""),
    ],
)
def test_refuses_a_request_without_the_key(header: tuple[bytes, bytes]) -> None:
    with pytest.raises(Refused) as refused:
        check_key(request(header), KEY)

    assert refused.value.code is ErrorCode.INVALID_API_KEY
    assert (b"www-authenticate", b"Bearer") in refused.value.headers


def test_without_a_key_set_everyone_is_served() -> None:
    check_key(request(), None)
