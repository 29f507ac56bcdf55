"""What of a manager's API is passed on, to whom, and that nothing else ever is."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import NamedTuple

import httpx
import pytest

from switchyard_proxy.access.callers import Role
from switchyard_proxy.api.managers import errand
from tests.proxy.conftest import House
from tests.proxy.engines import Script, ScriptedEngine, Seen, Wire
from tests.proxy.running import SOON_S, RunningProxy
from tests.proxy.wire.scenes import new_key, proxy_at

EVENT = b"id: 7\nevent: phase\ndata: {}\n\n"
TOKEN = "between us"


async def answers(wire: Wire) -> None:
    """As a manager does that has only this to say."""
    body = json.dumps({"asked": wire.seen.line.split(" ")[1]}).encode()
    await wire.head(202, content_length=str(len(body)), etag='"e"', x_internal="yes")
    await wire.write(body)


async def refuses(wire: Wire) -> None:
    body = json.dumps(
        {
            "error": {
                "message": "cannot",
                "type": "invalid_request_error",
                "param": "m",
                "code": "model_not_found",
            },
            "source": "switchyard",
        }
    ).encode()
    await wire.head(404, content_length=str(len(body)))
    await wire.write(body)


async def wants_another_token(wire: Wire) -> None:
    await wire.head(401, content_length="2", www_authenticate="Bearer")
    await wire.write(b"{}")


async def drops(wire: Wire) -> None:
    wire.drop()


def asked(manager: ScriptedEngine) -> list[Seen]:
    return [seen for seen in manager.seen if "/control" not in seen.line]


def as_a_manager(script: Script) -> Script:
    """The control connection is not its business."""

    async def told(wire: Wire) -> None:
        if wire.seen.line.startswith("GET /control"):
            await wire.head(403, content_length="0")
        else:
            await script(wire)

    return told


class Standing(NamedTuple):
    """A manager that plays a script, the proxy before it, and a client of that."""

    manager: ScriptedEngine
    proxy: RunningProxy
    client: httpx.AsyncClient


Stand = Callable[..., Awaitable[Standing]]


@pytest.fixture
async def stand(house: House) -> AsyncIterator[Stand]:
    async with AsyncExitStack() as clients:

        async def stand(script: Script = answers, **settings: object) -> Standing:
            manager = await house.engine(as_a_manager(script))
            proxy = await proxy_at(house, manager.url, token=TOKEN, **settings)
            return Standing(manager, proxy, await clients.enter_async_context(proxy.client()))

        yield stand


async def test_a_look_is_passed_with_its_query_and_the_proxys_token(stand: Stand) -> None:
    manager, _, client = await stand()

    reply = await client.get(
        "/api/managers/0/history?model=a%2Fb&limit=5", headers={"last-event-id": "3", "cookie": "mine"}
    )

    (seen,) = asked(manager)
    assert (reply.status_code, reply.json()) == (202, {"asked": "/api/history?model=a%2Fb&limit=5"})
    assert seen.line == "GET /api/history?model=a%2Fb&limit=5 HTTP/1.1"
    assert seen.headers["authorization"] == f"Bearer {TOKEN}"
    assert seen.headers["last-event-id"] == "3"
    assert "cookie" not in seen.headers
    assert reply.headers["etag"] == '"e"'
    assert "x-internal" not in reply.headers
    assert TOKEN not in str(reply.headers)


async def test_a_change_is_passed_with_its_body(stand: Stand) -> None:
    manager, _, client = await stand()

    await client.put(
        "/api/managers/0/catalog", content=b"{}", headers={"if-match": '"e"', "content-type": "text/plain"}
    )

    (seen,) = asked(manager)
    assert (seen.line, seen.body) == ("PUT /api/catalog HTTP/1.1", b"{}")
    assert (seen.headers["if-match"], seen.headers["content-type"]) == ('"e"', "text/plain")


async def test_a_models_name_arrives_as_it_is(stand: Stand) -> None:
    manager, _, client = await stand()

    await client.post("/api/managers/0/models/maker%2Fmodel%3A7b%3Fx%20y/load?wait_s=5")

    assert asked(manager)[0].line == "POST /api/models/maker/model%3A7b%3Fx%20y/load?wait_s=5 HTTP/1.1"


async def test_what_the_manager_refuses_is_refused_in_its_words(stand: Stand) -> None:
    _, _, client = await stand(refuses)

    reply = await client.get("/api/managers/0/models/nobody")

    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "model_not_found")


@pytest.mark.parametrize("script", [wants_another_token, drops])
async def test_what_is_between_proxy_and_manager_is_no_fault_of_the_clients_key(
    stand: Stand, script: Script
) -> None:
    _, _, client = await stand(script)

    reply = await client.get("/api/managers/0/status")

    assert (reply.status_code, reply.json()["error"]["code"]) == (503, "manager_unavailable")
    assert "retry-after" in reply.headers
    assert "www-authenticate" not in reply.headers


async def test_a_manager_that_is_away_is_told_as_such(house: House) -> None:
    proxy = await house.proxy()

    async with proxy.client() as client:
        reply = await client.get("/api/managers/0/status")

    assert (reply.status_code, reply.json()["error"]["code"]) == (503, "manager_unavailable")


async def test_events_come_as_they_happen_and_the_manager_is_left_with_its_listener(stand: Stand) -> None:
    left = asyncio.Event()

    async def tells(wire: Wire) -> None:
        await wire.begin_stream()
        await wire.chunk(EVENT)
        await wire.hangup()
        left.set()

    _, _, client = await stand(tells)

    async with client.stream("GET", "/api/managers/0/events") as reply:
        async with asyncio.timeout(SOON_S):
            first = await anext(reply.aiter_raw())
    async with asyncio.timeout(SOON_S):
        await left.wait()

    assert first == EVENT
    assert reply.headers["content-type"] == "text/event-stream"


async def test_a_key_that_is_revoked_hears_no_more(stand: Stand) -> None:
    says_more = asyncio.Event()

    async def tells(wire: Wire) -> None:
        await wire.begin_stream()
        await wire.chunk(EVENT)
        await says_more.wait()
        await wire.chunk(b"secret")
        await wire.hangup()

    _, proxy, client = await stand(tells, auth="on")
    key, gate = await new_key(proxy, "mine", Role.OPERATE), proxy.parts.gate

    async with client.stream("GET", "/api/managers/0/events", headers={"authorization": key}) as reply:
        pieces = reply.aiter_raw()
        await anext(pieces)
        (record,) = [one for one in gate.ring.records if one.name == "mine"]
        await asyncio.to_thread(gate.keys.revoke, record.id, gate.now())
        await asyncio.to_thread(gate.refresh)
        says_more.set()
        with pytest.raises(httpx.RemoteProtocolError):
            await anext(pieces)


async def test_a_reply_that_breaks_off_does_not_end_politely(house: House, stand: Stand) -> None:
    async def breaks(wire: Wire) -> None:
        await wire.begin_stream()
        await wire.chunk(EVENT)
        wire.drop()

    _, proxy, _ = await stand(breaks)
    line = await house.line(proxy)

    line.writer.write(b"GET /api/managers/0/events HTTP/1.1\r\nhost: x\r\n\r\n")
    reply = await line.everything()

    assert EVENT in reply
    assert not reply.endswith(b"0\r\n\r\n")


async def test_each_manager_is_asked_by_its_number(house: House) -> None:
    managers = [await house.engine(as_a_manager(answers)) for _ in range(2)]
    proxy = await proxy_at(house, *(manager.url for manager in managers))

    async with proxy.client() as client:
        await client.get("/api/managers/1/status")

    assert [len(asked(manager)) for manager in managers] == [0, 1]


@pytest.mark.parametrize(
    "path",
    [
        "0/status/..",
        "0/models/../keys",
        "0/models/%2e%2e/%2e%2e/control",
        "0/models/..%2f..%2fcontrol/load",
        "0/models/a/./b",
        "0/models//load",
        "0//status",
        "0/status/",
        "0/",
        "0",
        "",
        "0/nothing",
        "0/metrics",
        "0/../status",
        "1/status",
        "-1/status",
        "00000/status",
        "%D9%A0/status",
        "x/status",
    ],
)
async def test_what_is_not_listed_never_reaches_a_manager(house: House, stand: Stand, path: str) -> None:
    manager, proxy, _ = await stand()
    line = await house.line(proxy)

    for method in ("GET", "POST", "PUT", "DELETE"):
        line.writer.write(
            f"{method} /api/managers/{path} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n".encode()
        )
        head = await line.head()
        assert head.startswith("HTTP/1.1 404 "), head
        size = int(head.lower().split("content-length: ")[1].split("\r\n")[0])
        await line.reader.readexactly(size)

    assert asked(manager) == []


@pytest.mark.parametrize(
    ("method", "path", "role"),
    [
        ("GET", "status", Role.OPERATE),
        ("GET", "events", Role.OPERATE),
        ("GET", "models/a/logs", Role.OPERATE),
        ("GET", "models/a/b/explain", Role.OPERATE),
        ("GET", "catalog/schema", Role.OPERATE),
        ("GET", "catalog", Role.ADMIN),
        ("POST", "models/a/b/load", Role.OPERATE),
        ("POST", "models/a/pull", Role.OPERATE),
        ("POST", "catalog/check", Role.ADMIN),
        ("PUT", "models/a/b", Role.ADMIN),
        ("PUT", "catalog", Role.ADMIN),
        ("DELETE", "models/a", Role.ADMIN),
        ("DELETE", "files/maker/repo", Role.ADMIN),
    ],
)
def test_each_thing_needs_its_role(method: str, path: str, role: Role) -> None:
    found = errand(method, path)

    assert found is not None
    assert found.role is role
    assert found.edits is (role is Role.ADMIN and method != "GET")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "status"),
        ("POST", "models/a/explode"),
        ("POST", "models/load"),
        ("PUT", "status"),
        ("PUT", "models"),
        ("DELETE", "catalog"),
        ("DELETE", "files"),
        ("GET", "files/a"),
        ("GET", "docs"),
        ("GET", "openapi.json"),
        ("HEAD", "status"),
        ("PATCH", "models/a"),
    ],
)
def test_nothing_else_is_passed_on(method: str, path: str) -> None:
    assert errand(method, path) is None


@pytest.mark.parametrize(
    ("role", "looks", "loads", "edits"),
    [(Role.USE, 403, 403, 403), (Role.OPERATE, 202, 202, 403), (Role.ADMIN, 202, 202, 202)],
)
async def test_keys_may_do_what_their_role_allows(
    stand: Stand, role: Role, looks: int, loads: int, edits: int
) -> None:
    _, proxy, client = await stand(auth="on")
    key = {"authorization": await new_key(proxy, "mine", role)}

    look = await client.get("/api/managers/0/status", headers=key)
    load = await client.post("/api/managers/0/models/a/load", headers=key)
    edit = await client.put("/api/managers/0/models/a", headers=key, content=b"{}")
    nobody = await client.get("/api/managers/0/status")

    assert (look.status_code, load.status_code, edit.status_code) == (looks, loads, edits)
    assert nobody.status_code == 401


async def test_a_key_for_some_models_operates_no_others(house: House) -> None:
    _, _, proxy = await house.serving(answers, auth="on")
    key = {"authorization": await new_key(proxy, "some", Role.OPERATE, "chat")}

    async with proxy.client() as client:
        alias = await client.post("/api/managers/0/models/gpt-4o/load", headers=key)
        other = await client.post("/api/managers/0/models/eyes/load", headers=key)
        log = await client.get("/api/managers/0/models/eyes/logs", headers=key)

    assert "permission_denied" not in alias.text
    assert (other.status_code, other.json()["error"]["code"]) == (403, "permission_denied")
    assert log.status_code == 403


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "catalog"),
        ("PUT", "models/a"),
        ("DELETE", "models/a"),
        ("DELETE", "files/a"),
        ("POST", "catalog/check"),
    ],
)
async def test_where_editing_is_off_nothing_is_changed(stand: Stand, method: str, path: str) -> None:
    manager, _, client = await stand(edit_models="off")

    reply = await client.request(method, f"/api/managers/0/{path}", content=b"{}")
    look = await client.get("/api/managers/0/catalog")

    assert (reply.status_code, reply.json()["error"]["code"]) == (403, "not_allowed")
    assert "SWITCHYARD_EDIT_MODELS" in reply.json()["error"]["message"]
    assert look.status_code == 202
    assert len(asked(manager)) == 1


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_strange_pages_change_nothing_where_no_key_is_asked_for(stand: Stand, method: str) -> None:
    manager, _, client = await stand()

    strange = await client.request(
        method, "/api/managers/0/models/a/load", headers={"origin": "https://elsewhere.example.com"}
    )
    rebound = await client.request(
        method, "/api/managers/0/models/a/load", headers={"host": "rebound.example.com"}
    )

    assert (strange.status_code, rebound.status_code) == (403, 403)
    assert asked(manager) == []


async def test_a_body_over_the_limit_is_refused_here(stand: Stand) -> None:
    manager, _, client = await stand(body_limit_mib="1")

    reply = await client.put("/api/managers/0/catalog", content=b" " * (1024 * 1024 + 1))

    assert reply.status_code == 413
    assert asked(manager) == []
