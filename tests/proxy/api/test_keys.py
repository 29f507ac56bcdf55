"""`/api/keys`, as FastAPI serves it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from switchyard_proxy.access.callers import ANYONE, Caller, Limits, Role
from switchyard_proxy.access.gatekeeper import Gatekeeper
from switchyard_proxy.api.keys import router
from switchyard_proxy.errors import ProxyError, tell
from switchyard_proxy.settings import read_settings

NOON = 1_800_014_400.0


@pytest.fixture
def gate(tmp_path: Path) -> Gatekeeper:
    settings = read_settings(["--state", str(tmp_path), "--auth", "on"], {"SWITCHYARD_API_KEY": "sk-mine"})
    gate = Gatekeeper(settings, clock=lambda: NOON)
    gate.refresh()
    return gate


class Asks:
    """A client that sends its key, and what came back in JSON."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def __call__(self, method: str, path: str, body: object = None, key: str = "") -> tuple[int, Any]:
        json = {} if body is None else {"json": body}
        answer = await self._client.request(method, path, headers={"x-api-key": key}, **json)  # type: ignore[arg-type]
        return answer.status_code, answer.json()

    async def raw(self, method: str, path: str, content: bytes) -> tuple[int, Any]:
        answer = await self._client.request(method, path, content=content)
        return answer.status_code, answer.json()


@pytest.fixture
async def ask(gate: Gatekeeper) -> AsyncIterator[Asks]:
    def caller_of(request: Request) -> Caller:
        sent = request.headers["x-api-key"].encode()
        return gate.ring.caller_of(sent, NOON) or ANYONE

    def told(_: Request, error: Exception) -> Response:
        assert isinstance(error, ProxyError)
        out = tell(error)
        return Response(out.payload, out.status)

    app = FastAPI()
    app.include_router(router(gate, caller_of))
    app.add_exception_handler(ProxyError, told)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://proxy") as client:
        yield Asks(client)


async def test_a_key_is_shown_once_and_opens_from_then_on(ask: Asks, gate: Gatekeeper) -> None:
    status, made = await ask("POST", "/api/keys", {"name": "laptop"})

    _, listed = await ask("GET", "/api/keys")

    caller = gate.ring.caller_of(made["key"].encode(), NOON)
    assert status == 201
    assert caller is not None
    assert (caller.name, caller.role, caller.id) == ("laptop", Role.USE, made["id"])
    assert [key["name"] for key in listed["keys"]] == ["environment", "laptop"]
    assert made["key"] not in str(listed)
    assert "digest" not in str(listed)


async def test_every_right_can_be_given(ask: Asks) -> None:
    wanted = {
        "name": "laptop",
        "role": "operate",
        "models": ["paint", "chat"],
        "limits": {"requests_per_minute": 60, "concurrent": 2, "tokens_per_day": 1000},
        "priority": 5,
        "beats": "comment",
        "expires_at": NOON + 60,
    }

    _, made = await ask("POST", "/api/keys", wanted)

    assert {field: made[field] for field in wanted} == wanted | {"models": ["chat", "paint"]}
    assert made["state"] == "live"


async def test_a_change_leaves_what_it_does_not_name(ask: Asks) -> None:
    limits = {"requests_per_minute": 60, "concurrent": 2}
    _, made = await ask("POST", "/api/keys", {"name": "laptop", "models": ["chat"], "limits": limits})

    status, changed = await ask("PATCH", f"/api/keys/{made['id']}", {"limits": {"concurrent": None}})

    assert status == 200
    assert changed["limits"] == {"requests_per_minute": 60, "concurrent": None, "tokens_per_day": None}
    assert changed["models"] == ["chat"]
    assert "key" not in changed


async def test_null_lifts_what_may_be_absent(ask: Asks) -> None:
    _, made = await ask("POST", "/api/keys", {"name": "laptop", "models": ["chat"], "expires_at": NOON + 60})

    _, changed = await ask("PATCH", f"/api/keys/{made['id']}", {"models": None, "expires_at": None})

    assert (changed["models"], changed["expires_at"]) == (None, None)


async def test_a_revoked_key_opens_nothing_and_stays_listed(ask: Asks, gate: Gatekeeper) -> None:
    _, made = await ask("POST", "/api/keys", {"name": "laptop"})

    status, revoked = await ask("DELETE", f"/api/keys/{made['id']}")

    _, listed = await ask("GET", "/api/keys")
    assert (status, revoked["state"]) == (200, "revoked")
    assert gate.ring.caller_of(made["key"].encode(), NOON) is None
    assert listed["keys"][-1]["state"] == "revoked"
    assert (await ask("DELETE", f"/api/keys/{made['id']}"))[0] == 404


async def test_a_key_learns_what_it_may_do_and_what_it_has_left(ask: Asks, gate: Gatekeeper) -> None:
    limits = {"requests_per_minute": 10, "concurrent": 2, "tokens_per_day": 100}
    _, made = await ask("POST", "/api/keys", {"name": "laptop", "models": ["chat"], "limits": limits})
    caller = gate.ring.caller_of(made["key"].encode(), NOON)
    assert caller is not None
    gate.admit(caller, NOON).done(130, NOON - 1)
    gate.meter.admit(caller, NOON)

    _, me = await ask("GET", "/api/keys/me", key=made["key"])

    assert (me["name"], me["role"], me["models"]) == ("laptop", "use", ["chat"])
    assert me["left"] == {"requests_this_minute": 9, "concurrent": 2, "tokens_today": 0}
    assert me["usage"]["requests_today"] == 1


async def test_where_no_key_was_asked_for_anyone_learns_that_it_may_do_everything(ask: Asks) -> None:
    _, me = await ask("GET", "/api/keys/me")

    assert (me["name"], me["id"], me["role"], me["models"]) == ("anyone", None, "admin", None)
    assert me["left"] == {"requests_this_minute": None, "concurrent": None, "tokens_today": None}


async def test_the_list_shows_what_each_key_used_today(ask: Asks, gate: Gatekeeper) -> None:
    _, made = await ask("POST", "/api/keys", {"name": "laptop"})
    gate.admit(Caller("laptop", Role.USE, id=made["id"]), NOON).done(70, NOON)

    _, listed = await ask("GET", "/api/keys")

    assert [(key["name"], key["usage"]["tokens_today"]) for key in listed["keys"]] == [
        ("environment", 0),
        ("laptop", 70),
    ]


async def test_the_key_from_the_environment_is_changed_in_the_environment(ask: Asks) -> None:
    for method, body in (("DELETE", None), ("PATCH", {"priority": 1})):
        status, told = await ask(method, "/api/keys/environment", body)

        assert status == 403
        assert "SWITCHYARD_API_KEY" in told["error"]["message"]


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({}, "missing_required_parameter", "name"),
        ({"name": None}, "invalid_value", "name"),
        ({"name": "two words"}, "invalid_value", "name"),
        ({"name": "environment"}, "invalid_value", "name"),
        ({"name": "x", "role": "king"}, "invalid_value", "role"),
        ({"name": "x", "role": None}, "invalid_value", "role"),
        ({"name": "x", "limits": None}, "invalid_value", "limits"),
        ({"name": "x", "models": []}, "invalid_value", "models"),
        ({"name": "x", "limits": {"concurrent": 0}}, "invalid_value", "limits.concurrent"),
        ({"name": "x", "limits": {"concurrent": True}}, "invalid_value", "limits.concurrent"),
        ({"name": "x", "limits": {"concurrent": "2"}}, "invalid_value", "limits.concurrent"),
        ({"name": "x", "expires_at": NOON}, "invalid_value", "expires_at"),
        ({"name": "x", "key": "sk-my-own"}, "invalid_value", "key"),
        ([], "invalid_value", None),
    ],
)
async def test_what_cannot_be_used_is_refused_by_its_name(
    ask: Asks, body: object, code: str, param: str
) -> None:
    status, told = await ask("POST", "/api/keys", body)

    assert status == 400
    assert (told["error"]["code"], told["error"]["param"]) == (code, param)
    assert told["source"] == "switchyard"


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 60_000])
async def test_what_is_no_json_is_refused(ask: Asks, content: bytes) -> None:
    status, told = await ask.raw("POST", "/api/keys", content)

    assert (status, told["error"]["code"]) == (400, "invalid_json")


async def test_a_body_beyond_all_reason_is_refused(ask: Asks) -> None:
    status, told = await ask.raw("POST", "/api/keys", b" " * 100_000)

    assert (status, told["error"]["code"]) == (413, "request_too_large")


async def test_two_live_keys_never_share_a_name(ask: Asks, gate: Gatekeeper) -> None:
    await ask("POST", "/api/keys", {"name": "laptop"})

    status, told = await ask("POST", "/api/keys", {"name": "laptop"})

    assert (status, told["error"]["param"]) == (400, "name")
    assert len(gate.ring.records) == 2


async def test_a_key_that_is_not_there_is_not_found(ask: Asks) -> None:
    assert (await ask("PATCH", "/api/keys/key_0", {"priority": 1}))[0] == 404


async def test_limits_given_later_hold_at_once(ask: Asks, gate: Gatekeeper) -> None:
    _, made = await ask("POST", "/api/keys", {"name": "laptop"})

    await ask("PATCH", f"/api/keys/{made['id']}", {"limits": {"concurrent": 1}})

    caller = gate.ring.caller_of(made["key"].encode(), NOON)
    assert caller is not None
    assert caller.limits == Limits(concurrent=1)
