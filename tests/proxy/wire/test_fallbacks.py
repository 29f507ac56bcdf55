"""Models that stand in for one that cannot be had."""

import asyncio
import json
import time

from switchyard_contracts.errors import ErrorBody, ErrorCode
from switchyard_contracts.grants import FromProxy, Refused, Want
from switchyard_proxy.access.callers import Role
from tests.proxy.conftest import House
from tests.proxy.engines import DONE, chat_chunk, dies_after, dies_unanswered, says_json, streams
from tests.proxy.managers import GrantsWhatIsWanted, NeverAnswers
from tests.proxy.running import RunningProxy
from tests.proxy.wire.scenes import closed_accounts, new_key, serve_as, until_closed

CHAT = "/v1/chat/completions"
HELLO = {"model": "chat", "messages": []}
NO_MEMORY = ErrorBody.of(ErrorCode.MODEL_LOAD_FAILED, "cannot start it: no memory")
TOO_MANY = ErrorBody.of(ErrorCode.OVERLOADED, "cannot queue it")


class CannotLoadChat(GrantsWhatIsWanted):
    """Every other model comes up."""

    why = NO_MEMORY

    async def answer(self, word: FromProxy) -> None:
        if isinstance(word, Want) and word.model == "chat":
            await self.say(Refused(model="chat", ticket=word.ticket, error=self.why))
        else:
            await super().answer(word)


async def with_fallback(
    house: House, kind: type[GrantsWhatIsWanted] = CannotLoadChat, **more: object
) -> tuple[GrantsWhatIsWanted, RunningProxy]:
    engine = await house.engine(says_json({"by": "eyes"}))
    manager = await house.manager(engine, kind=kind)
    serve_as(manager, "chat", fallbacks=("nobody", "paint", "eyes"))
    return manager, await house.proxy(manager, **more)


async def test_a_model_that_cannot_be_loaded_is_stood_in_for_by_one_that_fits(house: House) -> None:
    _, proxy = await with_fallback(house)
    accounts = closed_accounts(proxy)

    async with proxy.client() as client:
        reply = await client.post(CHAT, json=HELLO)

    assert reply.json() == {"by": "eyes"}
    await until_closed(accounts, 1)
    account = accounts[0]
    assert (account.outcome, account.code, account.asked, account.model) == ("ok", None, "chat", "eyes")
    assert account.fell_back


async def test_the_stand_in_is_asked_by_its_own_name(house: House) -> None:
    engine = await house.engine(says_json({}))
    manager = await house.manager(engine, kind=CannotLoadChat)
    serve_as(manager, "chat", fallbacks=("eyes",))
    proxy = await house.proxy(manager)

    async with proxy.client() as client:
        await client.post(CHAT, json=HELLO)

    assert engine.seen[0].json["model"] == "eyes"


async def test_a_model_whose_engine_dies_twice_is_stood_in_for(house: House) -> None:
    dying, healthy = await house.engine(dies_unanswered), await house.engine(says_json({"by": "eyes"}))
    manager = await house.manager(dying)
    manager.endpoints["eyes"] = healthy.url
    serve_as(manager, "chat", fallbacks=("eyes",))
    proxy = await house.proxy(manager)

    async with proxy.client() as client:
        reply = await client.post(CHAT, json=HELLO)

    assert reply.json() == {"by": "eyes"}
    assert len(dying.seen) == 2


async def test_a_model_that_is_only_busy_is_not_stood_in_for(house: House) -> None:
    manager, proxy = await with_fallback(house)
    manager.why = TOO_MANY  # type: ignore[attr-defined]

    async with proxy.client() as client:
        reply = await client.post(CHAT, json=HELLO)

    assert (reply.status_code, reply.json()["error"]["code"]) == (503, "overloaded")


async def test_a_stream_that_broke_is_never_gone_on_with_by_another_model(house: House) -> None:
    breaking = await house.engine(dies_after([chat_chunk("a")]))
    manager = await house.manager(breaking)
    serve_as(manager, "chat", fallbacks=("eyes",))
    proxy = await house.proxy(manager)

    async with proxy.client() as client:
        reply = await client.post(CHAT, json=HELLO | {"stream": True})

    assert "stream_broken" in reply.text
    assert len(breaking.seen) == 1


async def test_a_stream_that_waited_too_long_goes_on_with_the_stand_in_under_one_identity(house: House) -> None:
    class NeverLoadsChat(GrantsWhatIsWanted):
        async def answer(self, word: FromProxy) -> None:
            if not (isinstance(word, Want) and word.model == "chat"):
                await super().answer(word)

    engine = await house.engine(streams([chat_chunk("hi"), DONE]))
    manager = await house.manager(engine, kind=NeverLoadsChat)
    serve_as(manager, "chat", fallbacks=("eyes",))
    proxy = await house.proxy(manager, commit_after_s=0.03, heartbeat_s=0.03, load_wait_s=0.2)
    line = await house.line(proxy)
    await line.post(CHAT, json.dumps(HELLO | {"stream": True}).encode())

    said = (await line.until(b"[DONE]\n\n")).decode()

    chunks = [json.loads(one[6:]) for one in said.split("\n") if one.startswith("data: {")]
    assert len({chunk["id"] for chunk in chunks}) == 1
    assert chunks[-1]["choices"][0]["delta"]["content"] == "hi"


async def test_a_stand_in_has_its_own_time_to_load(house: House) -> None:
    engine = await house.engine(says_json({"by": "eyes"}))
    slow = await house.manager(engine, kind=NeverAnswers)
    serve_as(slow, "chat", fallbacks=("eyes",))
    proxy = await house.proxy(slow, load_wait_s=0.2)

    async with proxy.client() as client, asyncio.TaskGroup() as tasks:
        asking = tasks.create_task(client.post(CHAT, json=HELLO))
        await slow.hear(Want, times=2)
        await asyncio.sleep(0.05)
        await slow.grant("eyes")

    assert asking.result().json() == {"by": "eyes"}


async def test_no_stand_in_waits_longer_than_the_client(house: House) -> None:
    slow = await house.manager(kind=NeverAnswers)
    serve_as(slow, "chat", fallbacks=("eyes",))
    proxy = await house.proxy(slow)
    began = time.monotonic()

    async with proxy.client() as client:
        reply = await client.post(CHAT, json=HELLO, headers={"x-stainless-timeout": "0.2"})

    assert time.monotonic() - began < 1.5
    assert (reply.status_code, reply.json()["error"]["code"]) == (504, "model_load_timeout")


async def test_a_stand_in_that_the_key_may_not_use_is_not_asked(house: House) -> None:
    manager, proxy = await with_fallback(house, auth="on")
    key = await new_key(proxy, "one", Role.USE, "chat")

    async with proxy.client(headers={"authorization": key}) as client:
        reply = await client.post(CHAT, json=HELLO)

    assert (reply.status_code, reply.json()["error"]["code"]) == (503, "model_load_failed")
    assert {want.model for want in manager.of(Want)} == {"chat"}


async def test_a_client_that_leaves_while_the_first_loads_asks_for_no_stand_in(house: House) -> None:
    manager, proxy = await with_fallback(house, kind=NeverAnswers)
    line = await house.line(proxy)
    await line.post(CHAT, json.dumps(HELLO).encode())
    await manager.hear(Want)

    await line.hang_up()
    await proxy.until_idle()

    assert {want.model for want in manager.of(Want)} == {"chat"}
