"""Who may come in, and what the others are told."""

import re

import httpx
import pytest
from fastapi import FastAPI
from starlette.requests import HTTPConnection

from switchyard_manager.api.access import Access
from tests.manager.api.conftest import TOKEN, Open


def routes(app: FastAPI) -> list[tuple[str, str]]:
    paths = app.openapi()["paths"]
    found = [(method.upper(), path) for path, methods in paths.items() for method in methods]
    return [*found, ("GET", "/status"), ("GET", "/openapi.json"), ("GET", "/nothing/there")]


async def test_every_route_but_health_asks_for_the_token(open_house: Open) -> None:
    house = await open_house({"m": {}})

    replies = {
        (method, path): await house.http.request(
            method, re.sub(r"\{.*?\}", "m", path), headers={"Authorization": "Bearer wrong"}
        )
        for method, path in routes(house.app)
    }

    assert replies.pop(("GET", "/health")).status_code == 200
    assert len(replies) > 20
    assert {reply.status_code for reply in replies.values()} == {401}
    assert {reply.json()["error"]["code"] for reply in replies.values()} == {"invalid_api_key"}


@pytest.mark.parametrize(
    "given", ["", "Bearer", f"Basic {TOKEN}", f"Bearer {TOKEN}x", f"Bearer  {TOKEN} x", "Bearer é"]
)
async def test_nothing_but_the_token_opens(open_house: Open, given: str) -> None:
    house = await open_house({"m": {}})

    reply = await house.http.get("/api/models", headers={"Authorization": given.encode()})

    assert reply.status_code == 401


async def test_a_body_is_not_looked_at_before_the_token_is(open_house: Open) -> None:
    house = await open_house({"m": {}})

    reply = await house.http.put("/api/models/m", content=b"{", headers={"Authorization": "Bearer wrong"})

    assert reply.status_code == 401


@pytest.mark.parametrize(
    ("server", "is_let_in"),
    [(("/run/s", None), True), (("/run/other", None), False), (("/run/s", 80), False), (("host", 80), False),
     (None, False)],
)  # fmt: skip
def test_only_what_was_accepted_on_the_local_socket_needs_no_token(
    server: tuple[str, int | None] | None, is_let_in: bool
) -> None:
    connection = HTTPConnection({"type": "http", "headers": [], "server": server})

    assert Access(TOKEN, "/run/s").allows(connection) is is_let_in
    assert Access(TOKEN).allows(connection) is False


async def test_no_token_is_shown_where_access_is_printed() -> None:
    assert TOKEN not in repr(Access(TOKEN))


async def test_what_is_served_is_documented_with_a_summary_and_our_error(open_house: Open) -> None:
    house = await open_house({"m": {}})

    reply: httpx.Response = await house.http.get("/openapi.json")

    document = reply.json()
    operations = [one for methods in document["paths"].values() for one in methods.values()]
    assert all(one["summary"] for one in operations)
    assert len({one["operationId"] for one in operations}) == len(operations)
    assert all("422" not in one["responses"] for one in operations)
    assert "HTTPValidationError" not in document["components"]["schemas"]
    assert document["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"
