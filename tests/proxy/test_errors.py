"""How an error becomes a reply."""

import json

import pytest

from switchyard_contracts.errors import CODES, ErrorBody, ErrorCode
from switchyard_proxy.errors import ProxyError, Refused, TicketRefused, Unavailable, tell


@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_code_is_told_with_its_status_and_all_four_keys(code: ErrorCode) -> None:
    told = tell(ProxyError(code, "cannot do it", "model"))

    assert told.status == CODES[code].status
    assert json.loads(told.payload) == {
        "error": {"message": "cannot do it", "type": CODES[code].type, "param": "model", "code": code},
        "source": "switchyard",
    }


@pytest.mark.parametrize(("asked_s", "told_s"), [(0, b"1"), (5, b"5"), (59, b"59"), (300, b"59")])
def test_retry_after_stays_where_every_client_honours_it(asked_s: int, told_s: bytes) -> None:
    told = tell(Unavailable(ErrorCode.OVERLOADED, "cannot now", asked_s))

    assert told.headers == [(b"retry-after", told_s)]


def test_a_refusal_for_good_asks_clients_not_to_try_again() -> None:
    body = ErrorBody.of(ErrorCode.MODEL_LOAD_FAILED, "cannot start it: no driver")

    told = tell(TicketRefused(body, None))

    assert told.status == 503
    assert told.headers == [(b"x-should-retry", b"false")]
    assert json.loads(told.payload)["error"]["message"] == "cannot start it: no driver"


def test_a_refusal_for_now_says_when_to_try_again() -> None:
    body = ErrorBody.of(ErrorCode.MODEL_LOAD_FAILED, "cannot start it yet")

    assert tell(TicketRefused(body, 20)).headers == [(b"retry-after", b"20")]


def test_a_fault_of_the_client_says_nothing_about_trying_again() -> None:
    body = ErrorBody.of(ErrorCode.MODEL_NOT_FOUND, "cannot find it", "model")

    assert tell(TicketRefused(body, None)).headers == []
    assert tell(Refused(ErrorCode.INVALID_JSON, "cannot read it")).headers == []
