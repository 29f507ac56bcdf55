"""A proxy that was granted engines behind a gate: its clients see what they would see without one."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest

from switchyard_contracts.gate import KEY_HEADER, Gate
from switchyard_contracts.grants import Broken, Granted
from tests.proxy.conftest import MODELS, House
from tests.proxy.engines import Held, Script, ScriptedEngine, dies_after, dies_unanswered, says, streams
from tests.proxy.gate.gates import TOKEN, RunningGate
from tests.proxy.managers import StartsAnotherEngine
from tests.proxy.running import RunningProxy

ASKED = json.dumps({"model": "chat", "messages": []}).encode()
STREAM = json.dumps({"model": "chat", "messages": [], "stream": True}).encode()


@dataclass
class GrantsPastTheGate(StartsAnotherEngine):
    """Of an engine that is reported broken, the next takes the place; none is granted but past the gate."""

    gate: Gate = field(default_factory=lambda: Gate("", ""))

    async def grant(self, model: str) -> str:
        grant, engine = f"g{next(self._numbers)}", self.endpoints[model]
        endpoint, headers = self.gate.endpoint(f"{model}-1", engine), self.gate.headers(f"{model}-1", engine)
        await self.say(Granted(model=model, grant=grant, endpoint=endpoint, headers=headers | self.headers))
        return grant


@dataclass
class Town:
    house: House
    stack: AsyncExitStack
    manager: GrantsPastTheGate | None = None

    async def __call__(self, *scripts: Script, token: str = TOKEN) -> tuple[list[ScriptedEngine], RunningProxy]:
        """An engine for each script; the later ones take over from the earlier."""
        engines = [await self.house.engine(script) for script in scripts]
        gate = await RunningGate().start()
        self.stack.push_async_callback(gate.stop)
        first, *others = [engine.url for engine in engines]
        self.manager = await GrantsPastTheGate(
            list(MODELS),
            {model.name: first for model in MODELS},
            {"authorization": "Bearer of-this-run"},
            replacements=others,
            gate=Gate(gate.url, token),
        ).start()
        self.stack.push_async_callback(self.manager.close)
        return engines, await self.house.proxy(self.manager)


@pytest.fixture
async def town(house: House) -> AsyncIterator[Town]:
    async with AsyncExitStack() as stack:
        yield Town(house, stack)


async def test_an_answer_comes_through_both(town: Town) -> None:
    (engine,), proxy = await town(says(b'{"hi": 1}'))
    line = await town.house.line(proxy)
    await line.post("/v1/chat/completions", ASKED, f"{KEY_HEADER}: of-the-client")

    assert (await line.head()).startswith("HTTP/1.1 200 ")
    assert engine.seen[0].headers["authorization"] == "Bearer of-this-run"
    assert engine.seen[0].body == ASKED
    assert KEY_HEADER not in engine.seen[0].headers


async def test_a_stream_comes_as_it_was_sent(town: Town) -> None:
    pieces = [b"data: {}\n\n", b"data: [DONE]\n\n"]
    _, proxy = await town(streams(pieces))
    line = await town.house.line(proxy)
    await line.post("/v1/chat/completions", STREAM, "connection: close")

    said = await line.everything()

    assert b"data: {}\n\n" in said
    assert b"data: [DONE]\n\n" in said
    assert said.endswith(b"0\r\n\r\n")


async def test_an_engine_that_died_before_it_answered_is_asked_for_anew(town: Town) -> None:
    _, proxy = await town(dies_unanswered, says(b'{"from": "the next"}'))
    line = await town.house.line(proxy)
    await line.post("/v1/chat/completions", ASKED, "connection: close")

    assert (await line.everything()).endswith(b'{"from": "the next"}')
    assert town.manager is not None
    assert len(town.manager.of(Broken)) == 1


async def test_an_engine_that_dies_in_a_stream_is_told_and_reported(town: Town) -> None:
    _, proxy = await town(dies_after([b"data: {}\n\n"]), says(b"{}"))
    line = await town.house.line(proxy)
    await line.post("/v1/chat/completions", STREAM, "connection: close")

    said = await line.everything()

    assert b"data: {}\n\n" in said
    assert b'"stream_broken"' in said
    assert town.manager is not None
    await town.manager.hear(Broken)


async def test_a_client_that_leaves_is_gone_for_the_engine_within_a_second(town: Town) -> None:
    held = Held(first=b"data: {}\n\n")
    _, proxy = await town(held)
    line = await town.house.line(proxy)
    await line.post("/v1/chat/completions", STREAM)
    await line.until(b"data: {}\n\n")

    await line.hang_up()

    async with asyncio.timeout(1.0):
        await held.gone.wait()


@pytest.mark.parametrize("path", ["/upstream/paint/v1/jobs", "/upstream/chat/v1/models"])
async def test_what_is_passed_on_for_clients_passes_the_gate(town: Town, path: str) -> None:
    (engine,), proxy = await town(says(b"{}"))
    async with proxy.client() as client:
        await client.post(path.replace("jobs", "chat/completions").replace("models", "completions"), json={})
        assert (await client.get(path)).status_code == 200

    assert engine.seen[1].line == f"GET /v1/{path.partition('/v1/')[2]} HTTP/1.1"


async def test_an_engines_metrics_stay_on_its_machine(town: Town) -> None:
    (engine,), proxy = await town(says(b"{}"))
    async with proxy.client() as client:
        await client.post("/v1/chat/completions", content=ASKED)
        reply = await client.get("/upstream/chat/metrics")

    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "unknown_url")
    assert len(engine.seen) == 1


async def test_a_gate_that_has_another_token_is_named_to_the_client(town: Town) -> None:
    (engine,), proxy = await town(says(b"{}"), token="another")
    async with proxy.client() as client:
        reply = await client.post("/v1/chat/completions", content=ASKED)

    assert (reply.status_code, reply.json()["error"]["code"]) == (403, "engine_key_refused")
    assert engine.seen == []
