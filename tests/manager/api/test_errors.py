"""Every error has our shape, wherever it comes from."""

from typing import Any

import pytest

from switchyard_contracts.errors import CODES, ErrorEnvelope
from tests.manager.api.conftest import Open


@pytest.mark.parametrize(
    ("method", "path", "more", "status", "code", "param"),
    [
        ("GET", "/nothing", {}, 404, "unknown_url", None),
        ("GET", "/api/models/m/load", {}, 404, "model_not_found", "model"),
        ("POST", "/api/models", {}, 405, "method_not_allowed", None),
        ("PATCH", "/api/models/m", {}, 405, "method_not_allowed", None),
        ("POST", "/api/models/m/load?wait_s=-1", {}, 400, "invalid_value", "wait_s"),
        ("POST", "/api/models/m/load?wait_s=soon", {}, 400, "invalid_value", "wait_s"),
        ("GET", "/api/models/m/logs?lines=many&run=first", {}, 400, "invalid_value", "run"),
        ("GET", "/api/history?limit=0", {}, 400, "invalid_value", "limit"),
        ("PUT", "/api/models/m", {"content": b"{"}, 400, "invalid_json", None),
        ("PUT", "/api/models/m", {"json": [1]}, 400, "invalid_json", None),
        ("PUT", "/api/models/m", {}, 400, "missing_required_parameter", "body"),
    ],
)
async def test_an_error_has_the_shape_that_all_clients_know(
    open_house: Open, method: str, path: str, more: dict[str, Any], status: int, code: str, param: str | None
) -> None:
    house = await open_house({"m": {}})

    reply = await house.http.request(method, path, **more)

    error = ErrorEnvelope.model_validate(reply.json()).error
    assert (reply.status_code, error.code, error.param) == (status, code, param)
    assert CODES[error.code].status == status
    assert error.message.startswith("cannot ")


async def test_all_that_is_wrong_with_a_request_is_said_at_once(open_house: Open) -> None:
    house = await open_house({"m": {}})

    reply = await house.http.get("/api/models/m/logs", params={"lines": "many", "run": "first"})

    assert "query.lines" in reply.json()["error"]["message"]
    assert "query.run" in reply.json()["error"]["message"]


async def test_a_fault_of_ours_is_told_as_one_and_found_again_in_the_log(
    open_house: Open, caplog: pytest.LogCaptureFixture
) -> None:
    house = await open_house({"m": {}})
    house.world.ground.outlook = None  # type: ignore[assignment]
    house.world.ground.lives["m"].tickets["p", "t"] = None  # type: ignore[assignment]

    reply = await house.http.get("/api/queue")

    assert reply.status_code == 500
    assert reply.json()["error"]["code"] == "internal_error"
    assert reply.headers["x-request-id"] in caplog.text
