"""An engine's own words about what went wrong reach the client, whatever shape they came in."""

import json

import pytest

from switchyard_contracts.errors import ErrorBody, ErrorCode
from switchyard_proxy.dialects.errors import LONGEST_MESSAGE, engine_error, foreign_error, openai_error

VLLM = {"message": "too long", "type": "BadRequestError", "param": "messages", "code": 400}


def test_an_error_object_passes_unchanged() -> None:
    assert engine_error(400, json.dumps({"error": VLLM}).encode()) == VLLM


def test_an_older_error_object_loses_only_its_kind() -> None:
    assert engine_error(400, json.dumps({"object": "error", **VLLM}).encode()) == VLLM


PAGE = b"<html><head><title>400</title></head><style>b{}</style><body><b>too</b>\n long</body></html>"
STRANGE = [b"\xff\xfe", b"[" * 100_000, b"null", b'{"error": {"code": 3}}', b'{"error": null}']


@pytest.mark.parametrize("payload", [b'{"error": "too long"}', b'{"detail": "too long"}', b"too long\n", PAGE])
def test_other_shapes_are_put_into_words(payload: bytes) -> None:
    told = engine_error(400, payload)

    assert told == {"message": "too long", "type": "invalid_request_error", "param": None, "code": "400"}


def test_what_a_person_cannot_read_is_told_as_it_is() -> None:
    told = engine_error(422, b'{"detail": [{"loc": ["body"], "msg": "missing"}]}')

    assert "missing" in told["message"]


@pytest.mark.parametrize(
    ("status", "kind"), [(404, "invalid_request_error"), (429, "rate_limit_error"), (503, "server_error")]
)
def test_the_status_says_the_type_where_nothing_else_does(status: int, kind: str) -> None:
    told = engine_error(status, b"")

    assert told["type"] == kind
    assert str(status) in told["message"]


def test_a_long_page_is_cut_short() -> None:
    assert len(engine_error(500, b"x" * 10_000_000)["message"]) == LONGEST_MESSAGE


@pytest.mark.parametrize("payload", STRANGE)
def test_no_payload_is_too_strange_to_be_told(payload: bytes) -> None:
    told = json.loads(foreign_error(500, payload))["error"]

    assert set(told) == {"message", "type", "param", "code"}


def test_ours_has_all_four_members_and_says_whose_it_is() -> None:
    told = json.loads(openai_error(ErrorBody.of(ErrorCode.OVERLOADED, "cannot queue")))

    assert told["source"] == "switchyard"
    assert told["error"] == {
        "message": "cannot queue",
        "type": "server_error",
        "param": None,
        "code": "overloaded",
    }
