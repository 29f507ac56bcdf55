"""What the OpenAPI page says of the answers."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from switchyard_image_server.api.openapi import answers
from switchyard_image_server.errors import QueueFull, UnknownJob, UnknownModel
from tests.image_server.stand_ins import Talker

Serve = Callable[..., Any]


@pytest.fixture
def page(serve: Serve) -> dict[str, Any]:
    document: dict[str, Any] = serve(Talker).until_ready().client.get("/openapi.json").json()
    return document


def operations(page: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for methods in page["paths"].values():
        yield from methods.values()


def test_every_refusal_is_described_as_our_envelope(page: dict[str, Any]) -> None:
    refusals = [
        answer["content"]["application/json"]["schema"]
        for operation in operations(page)
        for status, answer in operation["responses"].items()
        if status[0] in "45" and operation["operationId"] not in {"health_health_get", "ready_ready_get"}
    ]

    assert len(refusals) > 50
    assert all(schema == {"$ref": "#/components/schemas/ErrorEnvelope"} for schema in refusals)
    error = page["components"]["schemas"]["ErrorBody"]
    assert set(error["properties"]) == {"message", "type", "param", "code"}


def test_says_nothing_of_errors_that_fastapi_would_send(page: dict[str, Any]) -> None:
    assert not any("422" in operation["responses"] for operation in operations(page))
    assert "ValidationError" not in str(page)


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/images/generations", "/v1/images/edits"])
def test_an_answer_may_be_a_stream(page: dict[str, Any], path: str) -> None:
    told = page["paths"][path]["post"]["responses"]

    assert set(told["200"]["content"]) == {"application/json", "text/event-stream"}
    assert {"400", "401", "404", "413", "429", "500", "502", "503"} <= set(told)


def test_a_picture_may_be_a_job(page: dict[str, Any]) -> None:
    assert "202" in page["paths"]["/v1/images/edits"]["post"]["responses"]


def test_names_the_codes_behind_a_status_and_when_to_come_back() -> None:
    told = answers(UnknownJob, UnknownModel, QueueFull)

    assert told[404]["description"] == "job_not_found or model_not_found"
    assert "retry-after" in told[429]["headers"]
    assert "headers" not in told[404]
