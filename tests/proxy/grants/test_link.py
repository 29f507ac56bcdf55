"""The connection to the manager, over a real websocket."""

import asyncio

import httpx
import pytest

from switchyard_contracts.grants import PROTOCOL, Hello, Want
from switchyard_proxy.grants.link import Backoff, Manager
from tests.proxy.conftest import House
from tests.proxy.engines import Held, says_json
from tests.proxy.managers import NeverAnswers
from tests.proxy.running import RunningProxy, settings_with

HELLO = {"model": "chat", "messages": []}


@pytest.mark.parametrize(
    ("url", "control"),
    [("http://m:8079", "ws://m:8079/control"), ("https://m.example", "wss://m.example/control")],
)
def test_the_control_address_follows_from_the_managers(url: str, control: str) -> None:
    assert Manager(url).control_url == control


def test_waits_longer_after_each_failure_but_never_beyond_the_last() -> None:
    delays = Backoff(first_s=0.2, last_s=5.0).delays()

    taken = [next(delays) for _ in range(20)]

    assert 0.1 <= taken[0] <= 0.2
    assert all(2.5 <= delay <= 5.0 for delay in taken[5:])
    assert len(set(taken[5:])) > 1


async def test_says_hello_first_and_brings_the_token(house: House) -> None:
    manager = await house.manager(token="secret")

    await house.proxy(manager, token="secret")

    assert isinstance(manager.heard[0], Hello)
    assert manager.heard[0].holds == ()


async def test_a_wrong_token_is_no_connection_and_is_said_once(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    manager = await house.manager(token="secret")
    proxy = await RunningProxy(settings_with(manager=manager.url, token="wrong")).start()

    async with asyncio.timeout(5):
        while "it wants another token" not in caplog.text:
            await asyncio.sleep(0.001)
    await asyncio.sleep(0.05)  # several attempts more
    connected = proxy.parts.sites.connected
    await proxy.stop()

    assert not connected
    assert caplog.text.count("it wants another token") == 1


async def test_a_manager_of_another_protocol_is_not_trusted_with_anything(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    manager = await house.manager(protocol=PROTOCOL + 1)
    proxy = await RunningProxy(settings_with(manager=manager.url)).start()

    await manager.hear(Hello, times=2)
    connected = proxy.parts.sites.connected
    await proxy.stop()

    assert not connected
    assert f"it speaks protocol {PROTOCOL + 1}, we speak {PROTOCOL}" in caplog.text


async def test_finds_a_manager_that_comes_later(house: House) -> None:
    manager = await house.manager()
    await manager.vanish()
    proxy = await RunningProxy(settings_with(manager=manager.url)).start()
    before = proxy.parts.sites.connected

    await manager.start()
    await proxy.until(met=True)
    await proxy.stop()

    assert not before


async def test_comes_back_with_what_it_holds_and_what_runs_on_it(house: House) -> None:
    held = Held(first=b"data: 1\n\n")
    engine, manager, proxy = await house.serving(held)
    line = await house.line(proxy)
    await line.post("/v1/chat/completions", b'{"model":"chat"}')
    await line.until(b"data: 1\n\n")

    await manager.vanish()
    await proxy.until(met=False)
    another = await house.manager(engine, port=manager.port)
    hello = await another.hear(Hello)

    assert [(held.model, held.grant, held.in_flight) for held in hello.holds] == [("chat", "g1", 1)]
    assert another.of(Want) == []


async def test_asks_again_for_whoever_still_waits(house: House) -> None:
    manager = await house.manager(kind=NeverAnswers)
    proxy = await house.proxy(manager)

    async with proxy.client() as client, asyncio.TaskGroup() as tasks:
        task = tasks.create_task(quietly(client))
        first = await manager.hear(Want)
        await manager.vanish()
        another = await house.manager(kind=NeverAnswers, port=manager.port)
        again = await another.hear(Want)
        task.cancel()

    assert again.ticket == first.ticket
    assert again.deadline_s is not None
    assert again.deadline_s <= 600


async def quietly(client: httpx.AsyncClient) -> None:
    await client.post("/v1/chat/completions", json=HELLO)


async def test_a_word_that_is_no_message_ends_the_connection_and_it_is_made_again(house: House) -> None:
    _, manager, proxy = await house.serving(says_json({}))
    assert manager._socket is not None

    await manager._socket.send('{"kind":"dance"}')
    await manager.hear(Hello, times=2)
    await proxy.until(met=True)

    async with proxy.client() as client:
        assert (await client.post("/v1/chat/completions", json=HELLO)).status_code == 200
