"""A model that takes only so many requests at a time: who waits, how, and who is told that he cannot."""

import asyncio
import json

from switchyard_contracts.grants import Want
from switchyard_proxy.wire.answer import Answer
from tests.proxy.conftest import House
from tests.proxy.engines import DONE, Held, chat_chunk, says_json
from tests.proxy.managers import NeverAnswers
from tests.proxy.running import Line, RunningProxy
from tests.proxy.wire.scenes import closed_accounts, new_key, serve_as

CHAT = "/v1/chat/completions"
SOON_S = 5.0


def asked(**more: object) -> bytes:
    return json.dumps({"model": "chat", "messages": [], **more}).encode()


async def limited(house: House, *scripts: object, limit: int = 1, **more: object) -> RunningProxy:
    engine = await house.engine(*scripts)  # type: ignore[arg-type]
    manager = await house.manager(engine)
    serve_as(
        manager, "chat", max_concurrency=limit, **{key: more.pop(key) for key in ("max_queue",) if key in more}
    )
    return await house.proxy(manager, **more)


async def until_waiting(proxy: RunningProxy, count: int) -> None:
    async with asyncio.timeout(SOON_S):
        while proxy.parts.lines.waiting != count:
            await asyncio.sleep(0.001)


async def asking(house: House, proxy: RunningProxy, *headers: str, **more: object) -> Line:
    line = await house.line(proxy)
    await line.post(CHAT, asked(**more), *headers)
    return line


async def test_no_more_run_at_a_time_than_the_model_may_serve(house: House) -> None:
    held = Held()
    proxy = await limited(house, held, says_json({"by": "next"}))
    first = await asking(house, proxy)
    async with asyncio.timeout(SOON_S):
        await held.begun.wait()

    second = await asking(house, proxy)
    await until_waiting(proxy, 1)
    ran = proxy.parts.sites.in_flight
    held.go_on.set()

    assert ran == 1
    assert (await first.head()).startswith("HTTP/1.1 200")
    assert (await second.head()).startswith("HTTP/1.1 200")
    await proxy.until_idle()


async def test_a_full_line_is_refused_with_its_numbers_and_a_time_to_come_back(house: House) -> None:
    held = Held()
    proxy = await limited(house, held, max_queue=1)
    await asking(house, proxy)
    async with asyncio.timeout(SOON_S):
        await held.begun.wait()
    await asking(house, proxy)
    await until_waiting(proxy, 1)

    async with proxy.client() as client:
        reply = await client.post(CHAT, content=asked())
    held.go_on.set()

    assert reply.status_code == 503
    assert reply.json()["error"]["code"] == "overloaded"
    assert "1 wait already (at most 1) and 1 run" in reply.json()["error"]["message"]
    assert 1 <= int(reply.headers["retry-after"]) <= 59


async def test_a_client_that_leaves_the_line_leaves_nothing_behind(house: House) -> None:
    held = Held()
    proxy = await limited(house, held, says_json({"by": "third"}))
    accounts = closed_accounts(proxy)
    first = await asking(house, proxy)
    async with asyncio.timeout(SOON_S):
        await held.begun.wait()
    second = await asking(house, proxy)
    await until_waiting(proxy, 1)
    third = await asking(house, proxy)
    await until_waiting(proxy, 2)

    await second.hang_up()
    await until_waiting(proxy, 1)
    held.go_on.set()

    assert (await first.head()).startswith("HTTP/1.1 200")
    assert b"third" in await third.until(b"}")
    await proxy.until_idle()
    assert sorted(account.outcome for account in accounts) == ["client_left", "ok", "ok"]


async def test_a_running_client_that_leaves_hands_its_turn_on_once(house: House) -> None:
    held = Held(first=chat_chunk("a"))
    proxy = await limited(house, held, Held(first=chat_chunk("b")), says_json({}))
    first = await asking(house, proxy, stream=True)
    await first.until(b'"a"')
    second, third = await asking(house, proxy, stream=True), await asking(house, proxy)
    await until_waiting(proxy, 2)

    await first.hang_up()
    await second.until(b'"b"')
    await asyncio.sleep(0.05)
    still_waiting = proxy.parts.lines.waiting
    await second.hang_up()

    assert still_waiting == 1
    assert (await third.head()).startswith("HTTP/1.1 200")
    await proxy.until_idle()


async def test_a_streamed_request_in_line_hears_signs_of_life(house: House) -> None:
    held = Held()
    proxy = await limited(house, held, says_json({}), commit_after_s=0.03, heartbeat_s=0.03)
    await asking(house, proxy)
    async with asyncio.timeout(SOON_S):
        await held.begun.wait()

    second = await asking(house, proxy, stream=True)
    head = await second.head()
    await second.until(b'"delta":{}')
    await second.until(b'"delta":{}')
    held.go_on.set()

    assert "text/event-stream" in head


async def test_a_client_with_a_clock_of_its_own_is_told_before_it_runs_out_in_the_line(house: House) -> None:
    held = Held()
    proxy = await limited(house, held)
    await asking(house, proxy)
    async with asyncio.timeout(SOON_S):
        await held.begun.wait()

    async with proxy.client() as client:
        reply = await client.post(CHAT, content=asked(), headers={"x-stainless-timeout": "0.1"})
    held.go_on.set()

    assert reply.status_code == 503
    assert reply.json()["error"]["code"] == "overloaded"
    assert proxy.parts.lines.waiting == 0


async def test_one_busy_client_does_not_keep_another_key_out_of_its_turn(house: House) -> None:
    order: list[str] = []
    go_on = asyncio.Event()

    async def slow(wire: object) -> None:
        await go_on.wait()
        order.append(wire.seen.json["user"])  # type: ignore[attr-defined]
        await says_json({})(wire)  # type: ignore[arg-type]

    proxy = await limited(house, slow, auth="on", api_key="operator")
    busy = await new_key(proxy, "busy")
    other = await new_key(proxy, "other")
    lines = [await asking(house, proxy, f"authorization: {busy}", user="busy") for _ in range(4)]
    await until_waiting(proxy, 3)
    lines.append(await asking(house, proxy, f"authorization: {other}", user="other"))
    await until_waiting(proxy, 4)

    go_on.set()
    for line in lines:
        await line.head()

    assert order.index("other") <= 2


async def test_a_plain_request_that_waits_long_past_its_first_blank_costs_nothing(
    house: House, monkeypatch: object
) -> None:
    """What may not be said yet must not be asked for again and again."""
    looks = 0
    waits = Answer.waits

    async def counted(answer: Answer) -> None:
        nonlocal looks
        looks += 1
        await waits(answer)

    monkeypatch.setattr(Answer, "waits", counted)  # type: ignore[attr-defined]
    manager = await house.manager(kind=NeverAnswers)
    proxy = await house.proxy(manager, whitespace_after_s=0.02)

    line = await asking(house, proxy)
    await manager.hear(Want)
    await asyncio.sleep(0.15)
    await line.hang_up()

    assert looks <= 10


async def test_a_plain_request_in_line_long_past_its_first_blank_costs_nothing(
    house: House, monkeypatch: object
) -> None:
    looks = 0
    waits = Answer.waits

    async def counted(answer: Answer) -> None:
        nonlocal looks
        looks += 1
        await waits(answer)

    held = Held(first=chat_chunk("a"), rest=DONE)
    proxy = await limited(house, held, whitespace_after_s=0.02)
    first = await asking(house, proxy, stream=True)
    await first.until(b'"a"')
    monkeypatch.setattr(Answer, "waits", counted)  # type: ignore[attr-defined]

    await asking(house, proxy)
    await until_waiting(proxy, 1)
    await asyncio.sleep(0.15)
    seen = looks
    held.go_on.set()

    assert seen <= 10


async def test_a_proxy_that_stops_tells_those_who_stand_in_line(house: House) -> None:
    held = Held()
    proxy = await limited(house, held)
    first = await asking(house, proxy)
    async with asyncio.timeout(SOON_S):
        await held.begun.wait()
    second = await asking(house, proxy)
    await until_waiting(proxy, 1)

    proxy.app.stop()

    assert (await first.head()).startswith("HTTP/1.1 503")
    assert (await second.head()).startswith("HTTP/1.1 503")
