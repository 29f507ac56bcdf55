"""What moves, as the page hears it: whole at first, then what changed, and to nobody more than is theirs."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from switchyard_contracts.errors import Reason
from switchyard_contracts.grants import Loading, Models
from switchyard_contracts.status import Failure, GpuStatus, ManagerStatus, ModelStatus, Phase
from switchyard_proxy.access.callers import Role
from switchyard_proxy.api import live
from switchyard_proxy.api.live import View, changes
from switchyard_proxy.grants import machines
from tests.proxy.conftest import House
from tests.proxy.engines import says_json
from tests.proxy.managers import GrantsWhatIsWanted
from tests.proxy.running import SOON_S, RunningProxy
from tests.proxy.wire.scenes import new_key, proxy_at

GPU = GpuStatus(uuid="GPU-1", name="A card", total_mib=24_000, reserve_mib=512)
FAILED = Failure(reason=Reason.LOAD_FAILED, message="cannot", advice="mend it", log_tail=("secret line",))


@dataclass
class TellsOfItsMachine(GrantsWhatIsWanted):
    """Answers what its machine has, and counts how often it is asked."""

    looks: int = 0
    tells: tuple[ModelStatus, ...] = ()
    answers: bool = True

    def _check(self, connection: ServerConnection, request: Request) -> Response | None:
        if request.path != "/api/status":
            return super()._check(connection, request)
        self.looks += 1
        if not self.answers:
            return connection.respond(500, "no")
        status = ManagerStatus(
            manager="box",
            version="1",
            runtime="process",
            gpus=(GPU,),
            models=self.tells,
            trouble=(f"look {self.looks}",),
        )
        return connection.respond(200, status.model_dump_json())


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (live, machines):
        monkeypatch.setattr(module, "LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(live, "SETTLE_S", 0.001)


@dataclass(frozen=True)
class Event:
    id: int
    kind: str
    data: Any


@contextlib.asynccontextmanager
async def listening(proxy: RunningProxy, key: str | None = None) -> AsyncIterator[AsyncIterator[Event]]:
    headers = {} if key is None else {"authorization": key}
    async with proxy.client() as client, client.stream("GET", "/api/live", headers=headers) as reply:
        assert reply.status_code == 200
        assert reply.headers["content-type"].startswith("text/event-stream")
        yield events(reply)


async def events(reply: httpx.Response) -> AsyncIterator[Event]:
    said: dict[str, str] = {}
    async for line in reply.aiter_lines():
        if line:
            name, _, value = line.partition(": ")
            said[name] = value
        elif "event" in said:
            yield Event(int(said["id"]), said["event"], json.loads(said["data"]))
            said = {}


async def until(heard: AsyncIterator[Event], met: Callable[[Event], bool]) -> Event:
    async with asyncio.timeout(SOON_S):
        async for event in heard:
            if met(event):
                return event
    raise AssertionError("the stream ended")


async def say(manager: GrantsWhatIsWanted, *models: ModelStatus) -> None:
    await manager.say(Models(models=models))


async def test_the_first_word_is_everything(house: House) -> None:
    _, _, proxy = await house.serving(says_json({}))

    async with listening(proxy) as heard:
        first = await anext(heard)

    assert (first.id, first.kind) == (1, "state")
    assert [(model["site"], model["name"]) for model in first.data["models"]] == [
        (0, "chat"),
        (0, "eyes"),
        (0, "paint"),
    ]
    assert first.data["models"][0]["phase"] == "ready"
    assert first.data["sites"][0]["connected"] is True


async def test_what_changes_is_told_and_nothing_else(house: House) -> None:
    _, manager, proxy = await house.serving(says_json({}))
    chat, eyes, _ = manager.models

    async with listening(proxy) as heard:
        await anext(heard)
        await say(manager, chat.model_copy(update={"phase": Phase.DRAINING}), eyes)
        event = await until(heard, lambda event: event.kind == "models")

    assert [(model["name"], model["phase"]) for model in event.data["changed"]] == [("chat", "draining")]
    assert event.data["gone"] == [{"site": 0, "name": "paint"}]
    assert event.id > 1


async def test_how_far_a_load_is_comes_with_the_model(house: House) -> None:
    _, manager, proxy = await house.serving(says_json({}))
    chat = manager.models[0].model_copy(update={"phase": Phase.LOADING})

    async with listening(proxy) as heard:
        await anext(heard)
        await say(manager, chat, *manager.models[1:])
        await manager.say(Loading(model="chat", phase=Phase.LOADING, elapsed_s=4.5, progress="62 %"))
        event = await until(
            heard, lambda event: event.kind == "models" and event.data["changed"][0]["progress"] == "62 %"
        )

    assert event.data["changed"][0]["elapsed_s"] == 4.5


async def test_a_manager_that_leaves_is_told_of_and_its_models_stay(house: House) -> None:
    _, manager, proxy = await house.serving(says_json({}))

    async with listening(proxy) as heard:
        await anext(heard)
        await manager.vanish()
        event = await until(heard, lambda event: event.kind in ("sites", "models"))

    assert event.kind == "sites"
    assert event.data["sites"][0]["connected"] is False


async def test_operators_hear_of_machines_and_users_do_not(house: House) -> None:
    manager = await house.manager(kind=TellsOfItsMachine)
    proxy = await house.proxy(manager, auth="on")
    user, operator = await new_key(proxy, "user"), await new_key(proxy, "operator", Role.OPERATE)

    async with listening(proxy, user) as heard:
        first = await anext(heard)
        await say(manager, *manager.models[:2])
        after = await until(heard, lambda event: True)
    async with listening(proxy, operator) as heard:
        event = await until(heard, lambda event: event.kind == "machines")

    assert (first.data["machines"], after.kind) == ([], "models")
    (machine,) = event.data["machines"]
    assert (machine["site"], machine["name"], machine["connected"]) == (0, "box", True)
    assert machine["gpus"][0]["uuid"] == "GPU-1"
    assert machine["at"] > 0
    assert machine["models"] == []


async def test_what_changes_with_time_comes_with_the_machine(house: House) -> None:
    manager = await house.manager(kind=TellsOfItsMachine)
    assert isinstance(manager, TellsOfItsMachine)
    manager.tells = (manager.models[0].model_copy(update={"idle_s": 7.5}), manager.models[1])
    proxy = await house.proxy(manager, auth="on")
    key = await new_key(proxy, "some", Role.OPERATE, "chat")

    async with listening(proxy, key) as heard:
        event = await until(heard, lambda event: event.kind == "machines")

    (model,) = event.data["machines"][0]["models"]
    assert (model["name"], model["idle_s"]) == ("chat", 7.5)
    assert "serving" not in model


async def test_managers_are_asked_only_while_an_operator_listens(house: House) -> None:
    manager = await house.manager(kind=TellsOfItsMachine)
    assert isinstance(manager, TellsOfItsMachine)
    proxy = await house.proxy(manager)

    before = manager.looks
    async with listening(proxy) as one, listening(proxy) as other:
        await until(one, lambda event: event.kind == "machines")
        await until(other, lambda event: event.kind == "machines")
    async with asyncio.timeout(SOON_S):
        while proxy.parts.machines._lookers:
            await asyncio.sleep(0.001)
    await asyncio.sleep(0.05)
    left = manager.looks
    await asyncio.sleep(0.1)

    assert (before, manager.looks) == (0, left)


async def test_a_machine_that_answers_no_more_is_shown_as_it_was_and_marked(house: House) -> None:
    manager = await house.manager(kind=TellsOfItsMachine)
    assert isinstance(manager, TellsOfItsMachine)
    proxy = await house.proxy(manager)

    async with listening(proxy) as heard:
        await until(heard, lambda event: event.kind == "machines")
        manager.answers = False
        event = await until(
            heard, lambda event: event.kind == "machines" and not event.data["machines"][0]["connected"]
        )

    assert event.data["machines"][0]["name"] == "box"


async def test_a_key_hears_of_its_own_models_and_of_no_log(house: House) -> None:
    _, manager, proxy = await house.serving(says_json({}), auth="on")
    key = await new_key(proxy, "some", Role.USE, "chat")
    failed = manager.models[0].model_copy(update={"phase": Phase.FAILED, "failure": FAILED, "gpus": ("GPU-1",)})

    async with listening(proxy, key) as heard:
        first = await anext(heard)
        await say(manager, failed, *manager.models[1:])
        event = await until(heard, lambda event: event.kind == "models")

    assert [model["name"] for model in first.data["models"]] == ["chat"]
    (model,) = event.data["changed"]
    assert model["failure"]["message"] == "cannot"
    assert model["failure"]["log_tail"] == []
    assert "gpus" not in model


async def test_two_machines_may_have_a_model_of_one_name(house: House) -> None:
    managers = [await house.manager(), await house.manager()]
    proxy = await proxy_at(house, *(manager.url for manager in managers))
    await proxy.until(met=True)

    async with listening(proxy) as heard:
        first = await anext(heard)

    named = [(model["site"], model["name"]) for model in first.data["models"] if model["name"] == "chat"]
    assert named == [(0, "chat"), (1, "chat")]


async def test_the_stream_ends_when_the_proxy_stops(house: House) -> None:
    _, _, proxy = await house.serving(says_json({}))

    async with listening(proxy) as heard:
        await anext(heard)
        proxy.app.stop()
        async with asyncio.timeout(SOON_S):
            rest = [event async for event in heard]

    assert all(event.kind == "machines" for event in rest)


async def test_a_key_that_is_revoked_hears_no_more(house: House) -> None:
    _, _, proxy = await house.serving(says_json({}), auth="on")
    key, gate = await new_key(proxy, "mine"), proxy.parts.gate

    async with listening(proxy, key) as heard:
        await anext(heard)
        (record,) = [one for one in gate.ring.records if one.name == "mine"]
        await asyncio.to_thread(gate.keys.revoke, record.id, gate.now())
        await asyncio.to_thread(gate.refresh)
        async with asyncio.timeout(SOON_S):
            assert [event async for event in heard] == []


async def test_a_key_is_needed(house: House) -> None:
    _, _, proxy = await house.serving(says_json({}), auth="on")

    async with proxy.client() as client:
        reply = await client.get("/api/live")

    assert (reply.status_code, reply.json()["error"]["code"]) == (401, "invalid_api_key")


def test_what_is_the_same_is_not_told_again() -> None:
    view = View({(0, "a"): {"name": "a"}}, ({"site": 0},), [{"site": 0}])

    assert changes(view, view) == []
