"""One proxy, several managers, each the owner of its own machine: who is asked, and who instead."""

import asyncio
import json

import pytest

from switchyard_contracts.errors import ErrorBody, ErrorCode
from switchyard_contracts.grants import Unwant, Want
from switchyard_contracts.status import Phase
from tests.proxy.conftest import MODELS, House
from tests.proxy.engines import Held, ScriptedEngine, chat_chunk, dies_unanswered, says_json
from tests.proxy.managers import GrantsWhatIsWanted, NeverAnswers, RefusesTickets
from tests.proxy.running import RunningProxy
from tests.proxy.wire.scenes import closed_accounts, proxy_at

CHAT = "/v1/chat/completions"
HELLO = {"model": "chat", "messages": []}
NO_MEMORY = ErrorBody.of(ErrorCode.MODEL_LOAD_FAILED, "cannot start it: no memory")


async def named(house: House, name: str) -> ScriptedEngine:
    return await house.engine(says_json({"by": name}))


async def both(house: House, *managers: GrantsWhatIsWanted, **more: object) -> RunningProxy:
    proxy = await proxy_at(house, *(manager.url for manager in managers), **more)
    await proxy.until(met=True)
    async with asyncio.timeout(5):
        while any(not site.known.models for site in proxy.parts.sites.all):
            await asyncio.sleep(0.001)
    return proxy


def in_phase(manager: GrantsWhatIsWanted, phase: Phase) -> None:
    manager.models = [model.model_copy(update={"phase": phase}) for model in manager.models]


async def test_a_model_that_only_one_machine_has_is_asked_of_that_one(house: House) -> None:
    a, b = await house.manager(await named(house, "a")), await house.manager(await named(house, "b"))
    a.models = [model for model in MODELS if model.name != "chat"]
    proxy = await both(house, a, b)

    async with proxy.client() as client:
        reply = await client.post(CHAT, json=HELLO)

    assert reply.json() == {"by": "b"}
    assert a.of(Want) == []


async def test_the_machine_that_serves_a_model_already_is_asked(house: House) -> None:
    a, b = await house.manager(await named(house, "a")), await house.manager(await named(house, "b"))
    in_phase(a, Phase.STOPPED)
    proxy = await both(house, a, b)

    async with proxy.client() as client:
        replies = [(await client.post(CHAT, json=HELLO)).json() for _ in range(2)]

    assert replies == [{"by": "b"}] * 2
    assert a.of(Want) == []


async def test_a_machine_that_is_away_is_not_asked(house: House) -> None:
    a, b = await house.manager(await named(house, "a")), await house.manager(await named(house, "b"))
    in_phase(b, Phase.STOPPED)
    proxy = await both(house, a, b)
    await a.vanish()
    async with asyncio.timeout(5):
        while proxy.parts.sites.all[0].link.connected:
            await asyncio.sleep(0.001)

    async with proxy.client() as client:
        reply = await client.post(CHAT, json=HELLO)

    assert reply.json() == {"by": "b"}


async def test_a_request_whose_manager_goes_away_is_asked_of_another(house: House) -> None:
    silent, b = await house.manager(kind=NeverAnswers), await house.manager(await named(house, "b"))
    in_phase(b, Phase.STOPPED)
    proxy = await both(house, silent, b, manager_wait_s=0.1)
    accounts = closed_accounts(proxy)

    async with proxy.client() as client, asyncio.TaskGroup() as tasks:
        asking = tasks.create_task(client.post(CHAT, json=HELLO))
        await silent.hear(Want)
        await silent.vanish()

    assert asking.result().json() == {"by": "b"}
    assert [(account.outcome, account.code) for account in accounts] == [("ok", None)]


async def test_a_model_that_one_machine_cannot_load_is_asked_of_another(house: House) -> None:
    a = await house.manager(kind=RefusesTickets, error=NO_MEMORY)
    b = await house.manager(await named(house, "b"))
    in_phase(b, Phase.STOPPED)
    proxy = await both(house, a, b)

    async with proxy.client() as client:
        reply = await client.post(CHAT, json=HELLO)

    assert reply.json() == {"by": "b"}
    assert len(a.of(Want)) == 1


async def test_a_model_that_no_machine_can_load_is_told_in_the_last_ones_words(house: House) -> None:
    a = await house.manager(kind=RefusesTickets, error=NO_MEMORY)
    b = await house.manager(kind=RefusesTickets, error=NO_MEMORY)
    proxy = await both(house, a, b)

    async with proxy.client() as client:
        reply = await client.post(CHAT, json=HELLO)

    assert reply.status_code == 503
    assert reply.headers["x-should-retry"] == "false"
    assert (len(a.of(Want)), len(b.of(Want))) == (1, 1)


async def test_a_refusal_that_is_the_requests_own_fault_is_not_taken_elsewhere(house: House) -> None:
    full = ErrorBody.of(ErrorCode.OVERLOADED, "cannot queue it")
    a = await house.manager(kind=RefusesTickets, error=full, retry_after_s=7)
    b = await house.manager(await named(house, "b"))
    in_phase(b, Phase.STOPPED)
    proxy = await both(house, a, b)

    async with proxy.client() as client:
        reply = await client.post(CHAT, json=HELLO)

    assert (reply.status_code, reply.headers["retry-after"]) == (503, "7")


async def test_the_machine_that_runs_less_is_asked_of_two_that_serve(house: House) -> None:
    held = Held(first=chat_chunk("a"))
    a = await house.manager(await house.engine(held, says_json({"by": "a"})))
    b = await house.manager(await named(house, "b"))
    proxy = await both(house, a, b)
    line = await house.line(proxy)
    await line.post(CHAT, json.dumps(HELLO).encode())
    await line.until(b'"a"')

    await b.grant("chat")
    async with asyncio.timeout(5):
        while not proxy.parts.sites.all[1].leases.grants:
            await asyncio.sleep(0.001)
    async with proxy.client() as client:
        reply = await client.post(CHAT, json=HELLO)

    assert reply.json() == {"by": "b"}


async def test_an_engine_that_dies_unanswered_is_replaced_by_another_machines(house: House) -> None:
    a, b = (
        await house.manager(await house.engine(dies_unanswered)),
        await house.manager(await named(house, "b")),
    )
    in_phase(a, Phase.STOPPED)
    in_phase(b, Phase.STARTING)
    proxy = await both(house, a, b)
    await a.grant("chat")
    async with asyncio.timeout(5):
        while not proxy.parts.sites.all[0].leases.grants:
            await asyncio.sleep(0.001)

    async with proxy.client() as client:
        reply = await client.post(CHAT, json=HELLO)

    assert reply.json() == {"by": "b"}


async def test_a_client_that_leaves_while_it_waits_elsewhere_leaves_nothing_behind(house: House) -> None:
    a = await house.manager(kind=RefusesTickets, error=NO_MEMORY)
    silent = await house.manager(kind=NeverAnswers)
    in_phase(silent, Phase.STOPPED)
    proxy = await both(house, a, silent)
    line = await house.line(proxy)
    await line.post(CHAT, json.dumps(HELLO).encode())
    await silent.hear(Want)

    await line.hang_up()

    await silent.hear(Unwant)
    await proxy.until_idle()


@pytest.mark.parametrize("stays", [0, 1])
async def test_while_one_manager_is_away_the_other_ones_models_are_served(house: House, stays: int) -> None:
    a, b = await house.manager(await named(house, "a")), await house.manager(await named(house, "b"))
    a.models = [model for model in MODELS if model.name == "chat"]
    b.models = [model for model in MODELS if model.name == "paint"]
    proxy = await both(house, a, b, manager_wait_s=0.03)
    gone, here = (b, a) if stays == 0 else (a, b)
    await gone.vanish()

    async with proxy.client() as client:
        listed = await client.get("/v1/models")
        chat = await client.post(CHAT, json=HELLO)
        paint = await client.post("/v1/images/generations", json={"model": "paint", "prompt": "x"})

    assert {model["id"] for model in listed.json()["data"]} >= {"chat", "paint"}
    assert (chat.status_code, paint.status_code) == ((200, 503) if here is a else (503, 200))
