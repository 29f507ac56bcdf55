"""The head of a request: its id."""

import pytest

from switchyard_proxy.request import Request


def request(*headers: tuple[bytes, bytes]) -> Request:
    return Request(
        {
            "headers": list(headers),
            "method": "GET",
            "path": "/",
            "query_string": b"",
            "client": ("192.0.2.7", 1234),
            "switchyard.client": None,
        }
    )


def test_a_clients_request_id_is_kept() -> None:
    assert request((b"x-request-id", b"trace-7/a:b")).id == b"trace-7/a:b"


@pytest.mark.parametrize("unfit", [b"", b"two words", b"x" * 129, b"a\x1b[31m", b"-first", "ё".encode()])
def test_an_id_that_is_unfit_for_a_log_is_replaced(unfit: bytes) -> None:
    first, second = request((b"x-request-id", unfit)).id, request().id

    assert first.startswith(b"req_")
    assert first != second


def test_knows_where_it_came_from() -> None:
    assert request().address == "192.0.2.7"
