"""Streams that outlive their connection, for whoever asked for that: U1 to U4 of the wire contract."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.clients.conftest import Yard, each
from tests.clients.programs import Program
from tests.clients.reading import ROUTES, STREAMED, Event, text_of
from tests.clients.speech import Answer

WORDS = Answer(tuple(f"word{number} é " for number in range(30)))
OPENAI = ("openai2", "openai3", "openai-node")
PACE_S = 0.01


@dataclass
class Reader:
    """Reads whole events with their numbers, and is cut off after so many bytes of a connection."""

    got: dict[int, Event] = field(default_factory=dict)
    repeated: list[int] = field(default_factory=list)
    over: bool = False

    @staticmethod
    def number_of(event: Event) -> int | None:
        number = event.field("id")
        return None if number is None else int(number)

    @property
    def last(self) -> int:
        return max(self.got, default=0)

    async def read(self, reply: httpx.Response, limit: int) -> None:
        held = bytearray()
        async for piece in reply.aiter_raw():
            held += piece
            over_limit = len(held) > limit
            self._take(bytes(held[:limit]))
            if over_limit:
                return
        self.over = True

    def _take(self, content: bytes) -> None:
        """Everything of this connection so far: only whole events count, as for any client."""
        whole = content[: content.rfind(b"\n\n") + 2] if b"\n\n" in content else b""
        for event in map(Event, whole.split(b"\n\n")):
            number = self.number_of(event)
            if number is None:
                continue
            known = self.got.get(number)
            if known is not None and known.raw != event.raw:
                self.repeated.append(number)
            self.got[number] = event

    def said(self) -> list[Any]:
        return [self.got[number].json for number in sorted(self.got)]


async def begin(yard: Yard, reader: Reader, limit: int, *, route: str = "chat", **headers: str) -> str:
    """Ask, read that much, and go away. Returns the stream's name."""
    headers = headers or {"x-resumable": "1"}
    body = STREAMED[route] | {"stream": True}
    async with (
        yard.proxy.client() as http,
        http.stream("POST", ROUTES[route], json=body, headers=headers) as reply,
    ):
        await reader.read(reply, limit)
        return str(reply.headers["x-stream-id"])


async def go_on(yard: Yard, name: str, reader: Reader, way: str, limit: int) -> None:
    ways = {
        "last-event-id": ({"last-event-id": str(reader.last)}, {}),
        "starting_after": ({}, {"starting_after": str(reader.last)}),
        "from": ({}, {"from": str(reader.last + 1)}),
    }
    headers, params = ways[way]
    async with (
        yard.proxy.client() as http,
        http.stream("GET", f"/v1/streams/{name}", headers=headers, params=params) as reply,
    ):
        assert reply.status_code == 200, await reply.aread()
        assert reply.headers["content-type"].startswith("text/event-stream")
        await reader.read(reply, limit)


@pytest.mark.contract("U1")
@pytest.mark.parametrize("route", ["chat", "completions", "messages"])
@pytest.mark.parametrize("way", ["last-event-id", "starting_after", "from"])
@pytest.mark.parametrize("store", ["memory", "sqlite"])
async def test_a_stream_cut_at_any_byte_goes_on_without_gap_or_repeat(
    yard: Yard, route: str, way: str, store: str
) -> None:
    await yard.opens(stream_store=store)
    yard.speaks.answer = WORDS
    yard.speaks.pace_s = PACE_S
    cuts = random.Random(f"{route} {way}")
    reader = Reader()

    name = await begin(yard, reader, cuts.randrange(1, 900), route=route)
    for _ in range(200):
        await go_on(yard, name, reader, way, cuts.randrange(1, 2500))
        if reader.over:
            break

    assert reader.over
    assert reader.repeated == []
    assert sorted(reader.got) == list(range(1, reader.last + 1))
    assert text_of(route, reader.said()) == WORDS.text
    assert len(yard.speaks.asked) == 1


class ReaderOfAResponse(Reader):
    """Whose events have numbers of their own, from 0 on."""

    @staticmethod
    def number_of(event: Event) -> int | None:
        return None if event.field("data") is None else int(event.json["sequence_number"])


@pytest.mark.contract("U1")
@pytest.mark.contract("U2")
@pytest.mark.parametrize("store", ["memory", "sqlite"])
@pytest.mark.parametrize("load_s", [None, 0.5])
async def test_a_response_cut_at_any_byte_goes_on_without_gap_or_repeat(
    yard: Yard, store: str, load_s: float | None
) -> None:
    await yard.opens(stream_store=store, load_s=load_s)
    yard.speaks.answer = WORDS
    yard.speaks.pace_s = PACE_S
    cuts = random.Random(store)
    reader = ReaderOfAResponse()
    body = STREAMED["responses"] | {"stream": True, "background": True}

    async with yard.proxy.client() as http:
        async with http.stream("POST", ROUTES["responses"], json=body) as reply:
            await reader.read(reply, 1500)
        name = reader.got[0].json["response"]["id"]
        for _ in range(200):
            query = {"stream": "true", "starting_after": reader.last}
            async with http.stream("GET", f"/v1/responses/{name}", params=query) as reply:
                assert reply.status_code == 200, await reply.aread()
                await reader.read(reply, cuts.randrange(1, 2500))
            if reader.over:
                break

    assert reader.over
    assert reader.repeated == []
    assert sorted(reader.got) == list(range(reader.last + 1))
    assert text_of("responses", reader.said()) == WORDS.text
    assert len(yard.speaks.asked) == 1


@pytest.mark.contract("U1")
async def test_readers_join_late_and_together(yard: Yard) -> None:
    await yard.opens()
    yard.speaks.answer = WORDS
    yard.speaks.pace_s = PACE_S
    first = Reader()
    name = await begin(yard, first, 700)
    readers = [Reader() for _ in range(5)]

    await asyncio.gather(*(go_on(yard, name, reader, "from", 10**9) for reader in readers))

    assert all(text_of("chat", reader.said()) == WORDS.text for reader in readers)
    assert len({tuple(reader.got) for reader in readers}) == 1


@pytest.mark.contract("U1")
async def test_a_conversations_id_asks_for_the_same(yard: Yard) -> None:
    await yard.opens()
    yard.speaks.answer = WORDS
    yard.speaks.pace_s = PACE_S
    reader = Reader()

    await begin(yard, reader, 700, **{"x-conversation-id": "conv-1"})
    async with (
        yard.proxy.client() as http,
        http.stream("GET", "/v1/stream", params={"conv_id": "conv-1", "from": reader.last + 1}) as reply,
    ):
        assert reply.status_code == 200, await reply.aread()
        await reader.read(reply, 10**9)

    assert text_of("chat", reader.said()) == WORDS.text


@pytest.mark.contract("U1")
async def test_an_event_source_goes_on_by_itself(yard: Yard, programs: dict[str, Program]) -> None:
    """undici's, which knows nothing but an address, by way of somebody who cuts its first connection."""
    await yard.opens()
    yard.speaks.answer = WORDS
    yard.speaks.pace_s = PACE_S
    name = await begin(yard, Reader(), 700)

    async with cutting(yard.proxy.port, after=2000) as port:
        saw = await programs["openai-node"].does("listen", url=f"http://127.0.0.1:{port}/v1/streams/{name}")

    assert saw.error is None
    assert saw.text == WORDS.text
    assert saw.numbers == sorted(set(saw.numbers))


@asynccontextmanager
async def cutting(port: int, after: int) -> AsyncIterator[int]:
    """A way to the proxy on which the first connection breaks after so many bytes of the reply."""
    limits = iter([after])

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        limit = next(limits, None)
        behind, ahead = await asyncio.open_connection("127.0.0.1", port)
        try:
            ahead.write(await reader.readuntil(b"\r\n\r\n"))
            while (limit is None or limit > 0) and (piece := await behind.read(500)):
                writer.write(piece)
                await writer.drain()
                limit = None if limit is None else limit - len(piece)
        finally:
            ahead.close()
            writer.close()

    async with await asyncio.start_server(relay, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.contract("U1")
async def test_deleting_a_stream_stops_the_engine(yard: Yard) -> None:
    await yard.opens()
    yard.speaks.stalls_after = 4
    reader = Reader()
    name = await begin(yard, reader, 400)

    async with yard.proxy.client() as http:
        reply = await http.delete(f"/v1/streams/{name}")

    assert reply.is_success, reply.text
    async with asyncio.timeout(1):
        await yard.speaks.gone.wait()


@pytest.mark.contract("U2")
@each(*OPENAI)
@pytest.mark.parametrize("helper", [True, False])
async def test_a_response_in_the_background_is_taken_up_again(
    yard: Yard, client: Program, *, helper: bool
) -> None:
    await yard.opens()
    yard.speaks.answer = WORDS
    yard.speaks.pace_s = PACE_S
    asks = {"background": True, "store": True}
    before = await client.does(
        "respond", base_url=yard.v1, model="chat", stream=True, asks=asks, leave_after=12
    )
    assert before.error is None

    after = await client.does(
        "retrieve",
        base_url=yard.v1,
        id=before.id,
        stream=True,
        helper=helper,
        starting_after=before.numbers[-1],
    )

    assert after.error is None
    assert after.numbers[0] == before.numbers[-1] + 1
    assert after.types[-1] == "response.completed"
    assert before.text + after.text == WORDS.text
    if helper:
        assert after.final == WORDS.text
    assert len(yard.speaks.asked) == 1


@pytest.mark.contract("U2")
@each(*OPENAI)
async def test_it_can_be_read_whole_from_the_start_and_asked_for_when_done(yard: Yard, client: Program) -> None:
    await yard.opens()
    yard.speaks.answer = WORDS
    begun = await client.does("respond", base_url=yard.v1, model="chat", asks={"background": True})
    assert begun.error is None
    assert begun.status in {"queued", "in_progress", "completed"}

    replayed = await client.does("retrieve", base_url=yard.v1, id=begun.id, stream=True, helper=True)
    done = await client.does("retrieve", base_url=yard.v1, id=begun.id)

    assert (replayed.error, done.error) == (None, None)
    assert replayed.numbers == list(range(replayed.numbers[0], replayed.numbers[0] + len(replayed.numbers)))
    assert replayed.text == WORDS.text
    assert (done.status, done.text) == ("completed", WORDS.text)


@pytest.mark.contract("U2")
@each("openai2", "openai3", "openai-node")
async def test_it_waits_in_the_background_for_a_model_that_loads(yard: Yard, client: Program) -> None:
    await yard.opens(load_s=0.8)

    begun = await client.does("respond", base_url=yard.v1, model="chat", asks={"background": True})
    replayed = await client.does("retrieve", base_url=yard.v1, id=begun.id, stream=True)

    assert begun.status == "queued"
    assert replayed.error is None
    assert replayed.types[-1] == "response.completed"
    assert replayed.text == "Hello there"


@pytest.mark.contract("U2")
@pytest.mark.contract("S7")
@each(*OPENAI)
@pytest.mark.parametrize("asks", [{"background": True}, {"store": True}, {}])
async def test_a_response_whose_model_had_to_load_is_found_by_the_id_that_its_stream_began_with(
    yard: Yard, client: Program, asks: dict[str, bool]
) -> None:
    await yard.opens(load_s=0.5)

    begun = await client.does("respond", base_url=yard.v1, model="chat", stream=True, asks=asks)
    whole = await client.does("retrieve", base_url=yard.v1, id=begun.ids[0])
    replayed = await client.does("retrieve", base_url=yard.v1, id=begun.ids[0], stream=True, helper=True)

    assert begun.error is None
    assert len(begun.ids) == 1
    assert (whole.error, whole.status, whole.text) == (None, "completed", "Hello there")
    assert replayed.error is None
    assert replayed.types[0] == "response.created"
    assert replayed.final == "Hello there"


@pytest.mark.contract("U3")
@each(*OPENAI)
async def test_the_stream_of_a_response_that_failed_ends(yard: Yard, client: Program) -> None:
    await yard.opens()
    yard.speaks.dies_after = 6
    begun = await client.does("respond", base_url=yard.v1, model="chat", asks={"background": True})

    again = await client.does("retrieve", base_url=yard.v1, id=begun.id, stream=True, timeout=5)
    whole = await client.does("retrieve", base_url=yard.v1, id=begun.id)

    assert again.error is None or again.error.kind == "APIError"
    assert "response.completed" not in again.types
    assert again.error is not None or again.types[-1] in {"response.failed", "error"}
    assert whole.status == "failed"


@pytest.mark.contract("U3")
@each(*OPENAI)
async def test_the_stream_of_a_response_that_was_cancelled_ends(yard: Yard, client: Program) -> None:
    await yard.opens()
    yard.speaks.stalls_after = 6
    begun = await client.does("respond", base_url=yard.v1, model="chat", asks={"background": True})
    async with asyncio.timeout(5):
        await yard.speaks.begun.wait()

    cancelled = await client.does("cancel", base_url=yard.v1, id=begun.id)
    again = await client.does("retrieve", base_url=yard.v1, id=begun.id, stream=True, timeout=5)

    assert cancelled.error is None
    assert cancelled.status == "cancelled"
    async with asyncio.timeout(1):
        await yard.speaks.gone.wait()
    assert again.took_s < 4
    assert "response.completed" not in again.types


@pytest.mark.contract("U3")
@pytest.mark.parametrize("how", ["failed", "cancelled"])
async def test_so_does_the_stream_of_a_chat(yard: Yard, how: str) -> None:
    await yard.opens()
    if how == "failed":
        yard.speaks.dies_after = 4
    else:
        yard.speaks.stalls_after = 4
    reader = Reader()
    name = await begin(yard, reader, 400)
    if how == "cancelled":
        async with yard.proxy.client() as http:
            await http.delete(f"/v1/streams/{name}")

    again = Reader()
    async with asyncio.timeout(5), yard.proxy.client() as http:
        reply = await http.get(f"/v1/streams/{name}")
    if reply.status_code == 200:
        again._take(reply.content)
        assert [said for said in again.said() if said != "[DONE]"][-1].get("error"), reply.content
    else:
        assert (how, reply.status_code) == ("cancelled", 404)


@pytest.mark.contract("U4")
@pytest.mark.parametrize("load_s", [None, 0.5])
@pytest.mark.parametrize("do", ["chat", "completion", "respond"])
@each(*OPENAI)
async def test_no_client_stumbles_over_ids_that_it_asked_for(
    yard: Yard, client: Program, do: str, load_s: float | None
) -> None:
    await yard.opens(load_s=load_s)
    yard.speaks.pace_s = 0.15  # time for beats between events, too

    saw = await client.does(do, base_url=yard.v1, model="chat", stream=True, headers={"x-resumable": "1"})

    assert saw.error is None
    assert saw.text == "Hello there"


@pytest.mark.contract("U4")
@pytest.mark.parametrize(
    ("client", "do"),
    [("anthropic", "message"), ("ai-sdk", "chat"), ("ai-sdk", "respond")],
    indirect=["client"],
)
async def test_neither_do_these(yard: Yard, client: Program, do: str) -> None:
    await yard.opens(load_s=0.5)
    yard.speaks.pace_s = 0.15
    base = yard.url if client.name == "anthropic" else yard.v1

    saw = await client.does(do, base_url=base, model="chat", stream=True, headers={"x-resumable": "1"})

    assert saw.error is None
    assert saw.text == "Hello there"


@pytest.mark.contract("U4")
async def test_ids_are_there_and_beats_have_one_line_end(yard: Yard) -> None:
    await yard.opens(load_s=0.5)
    yard.speaks.pace_s = 0.3
    reader = Reader()
    content = bytearray()

    async with (
        yard.proxy.client() as http,
        http.stream(
            "POST", ROUTES["chat"], json=STREAMED["chat"] | {"stream": True}, headers={"x-resumable": "1"}
        ) as reply,
    ):
        async for piece in reply.aiter_raw():
            content += piece
    reader._take(bytes(content))

    assert reader.got
    assert b"retry:" not in content
    blocks = bytes(content).split(b"\n\n")[:-1]  # what a blank line ends
    assert [block for block in blocks if b"data:" not in block] == [], "a blank line must follow data only"
