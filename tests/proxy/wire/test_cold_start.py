"""A request whose model is not there yet: held, then answered with signs of life, then served or told."""

import asyncio
import json
from typing import Any

import pytest

from switchyard_contracts.errors import ErrorBody, ErrorCode
from switchyard_contracts.grants import Unwant, Want
from tests.proxy.conftest import House
from tests.proxy.engines import DONE, Held, chat_chunk, dies_unanswered, says, says_json, streams
from tests.proxy.managers import NeverAnswers, RefusesTickets
from tests.proxy.running import Line, RunningProxy

CHAT = "/v1/chat/completions"
QUICK = {"commit_after_s": 0.05, "heartbeat_s": 0.05}


def asked(**more: Any) -> bytes:
    return json.dumps({"model": "chat", "stream": True, "messages": [], **more}).encode()


def events(text: bytes) -> list[Any]:
    """The data of a stream's events; the chunked framing is read past."""
    data = [line[6:] for line in text.split(b"\n") if line.startswith(b"data: ")]
    return [json.loads(one) for one in data if one.strip() != b"[DONE]"]


async def until_said(line: Line, mark: bytes) -> bytes:
    return await line.until(mark)


async def test_before_the_commit_a_failure_has_its_real_status(house: House) -> None:
    error = ErrorBody.of(ErrorCode.MODEL_LOAD_FAILED, "cannot start it: no memory")
    manager = await house.manager(kind=RefusesTickets, error=error)
    proxy = await house.proxy(manager)

    async with proxy.client() as client:
        reply = await client.post(CHAT, content=asked())

    assert reply.status_code == 503
    assert reply.headers["x-should-retry"] == "false"
    assert reply.json()["error"]["code"] == "model_load_failed"


async def test_a_streamed_request_that_waits_is_answered_and_kept_alive_with_empty_chunks(house: House) -> None:
    engine = await house.engine(streams([chat_chunk("hi"), chat_chunk(None, "stop"), DONE]))
    manager = await house.manager(engine, kind=NeverAnswers)
    proxy = await house.proxy(manager, **QUICK)
    line = await house.line(proxy)

    await line.post(CHAT, asked())
    head = await line.head()
    await line.until(b'"delta":{}')
    await line.until(b'"delta":{}')
    await manager.grant("chat")
    rest = await line.until(b"[DONE]\n\n")

    assert head.startswith("HTTP/1.1 200 OK")
    assert "text/event-stream" in head
    assert "x-accel-buffering: no" in head
    assert '"content": "hi"' in rest.decode() or '"content":"hi"' in rest.decode()


async def test_the_id_is_the_same_from_the_first_beat_to_the_last_chunk(house: House) -> None:
    engine = await house.engine(streams([chat_chunk("hi"), chat_chunk(None, "stop"), DONE]))
    manager = await house.manager(engine, kind=NeverAnswers)
    proxy = await house.proxy(manager, **QUICK)
    line = await house.line(proxy)

    await line.post(CHAT, asked())
    await line.head()
    first = await line.until(b"\n\n")
    await manager.grant("chat")
    rest = await line.until(b"[DONE]\n\n")

    identities = {(chunk["id"], chunk["created"], chunk["model"]) for chunk in events(first + rest)}
    assert len(identities) == 1


async def test_no_stream_has_ids_or_retry_lines_and_no_beat_begins_with_ping(house: House) -> None:
    engine = await house.engine(streams([chat_chunk("hi"), DONE]))
    manager = await house.manager(engine, kind=NeverAnswers)
    proxy = await house.proxy(manager, **QUICK, heartbeat="comment")
    line = await house.line(proxy)

    await line.post(CHAT, asked())
    await line.head()
    first = await line.until(b": keepalive\n\n")
    await manager.grant("chat")
    said = first + await line.until(b"[DONE]\n\n")

    assert b"\nid:" not in said
    assert b"retry:" not in said
    assert b": ping" not in said


async def test_after_the_commit_a_failure_is_an_event_and_never_a_polite_end(house: House) -> None:
    manager = await house.manager(kind=NeverAnswers)
    proxy = await house.proxy(manager, **QUICK, load_wait_s=0.3)
    line = await house.line(proxy)

    await line.post(CHAT, asked())
    await line.head()
    said = await line.until(b"[DONE]\n\n")

    assert events(said)[-1]["error"]["code"] == "model_load_timeout"


async def test_an_engines_refusal_after_the_commit_is_passed_in_its_own_words(house: House) -> None:
    words = {
        "error": {"message": "too long by 7 tokens", "type": "BadRequestError", "param": None, "code": 400}
    }
    engine = await house.engine(says_json(words, status=400))
    manager = await house.manager(engine, kind=NeverAnswers)
    proxy = await house.proxy(manager, **QUICK)
    line = await house.line(proxy)

    await line.post(CHAT, asked())
    await line.head()
    await line.until(b"\n\n")
    await manager.grant("chat")
    said = await line.until(b"[DONE]\n\n")

    assert events(said)[-1] == words


async def test_beats_go_on_while_the_engine_thinks(house: House) -> None:
    held = Held(first=b"", rest=chat_chunk("late") + DONE)
    engine = await house.engine(held)
    manager = await house.manager(engine)
    proxy = await house.proxy(manager, **QUICK)
    line = await house.line(proxy)

    await line.post(CHAT, asked())
    await line.head()
    beats = [await line.until(b'"delta":{}') for _ in range(3)]
    held.go_on.set()
    said = await line.until(b"[DONE]\n\n")

    assert len(beats) == 3
    assert b"late" in said


async def test_beats_fill_a_pause_between_two_chunks_and_have_the_engines_identity(house: House) -> None:
    held = Held(first=chat_chunk("one"), rest=chat_chunk("two") + DONE)
    engine = await house.engine(held)
    manager = await house.manager(engine)
    proxy = await house.proxy(manager, **QUICK)
    line = await house.line(proxy)

    await line.post(CHAT, asked())
    await line.head()
    said = await line.until(b'"delta":{}')
    held.go_on.set()
    said += await line.until(b"[DONE]\n\n")

    assert {chunk["id"] for chunk in events(said)} == {"chatcmpl-1"}


async def test_beats_never_split_an_event_that_comes_in_halves(house: House) -> None:
    chunk = chat_chunk("whole")
    held = Held(first=chunk + chunk[:20], rest=chunk[20:] + DONE)
    engine = await house.engine(held)
    manager = await house.manager(engine)
    proxy = await house.proxy(manager, **QUICK)
    line = await house.line(proxy)

    await line.post(CHAT, asked())
    await line.head()
    said = await line.until(b'"delta":{}')
    said += await line.until(b'"delta":{}')
    held.go_on.set()
    said += await line.until(b"[DONE]\n\n")

    words = [one["choices"][0]["delta"].get("content") for one in events(said)]
    assert [word for word in words if word] == ["whole", "whole"]


async def test_with_beats_off_nothing_is_said_before_the_engine_speaks(house: House) -> None:
    engine = await house.engine(streams([chat_chunk("hi"), DONE]))
    manager = await house.manager(engine, kind=NeverAnswers)
    proxy = await house.proxy(manager, **QUICK, heartbeat="off")
    line = await house.line(proxy)

    await line.post(CHAT, asked())
    await manager.hear(Want)
    await asyncio.sleep(0.2)
    await manager.grant("chat")
    head = await line.head()
    said = await line.until(b"[DONE]\n\n")

    assert head.startswith("HTTP/1.1 200")
    assert len(events(said)) == 1


async def test_a_plain_reply_begins_with_blanks_only_once_an_engine_makes_it(house: House) -> None:
    held = asyncio.Event()

    async def slow(wire: Any) -> None:
        await held.wait()
        await says(b'{"choices":[]}')(wire)

    engine = await house.engine(slow)
    manager = await house.manager(engine, kind=NeverAnswers)
    proxy = await house.proxy(manager, whitespace_after_s=0.05, heartbeat_s=0.05)
    line = await house.line(proxy)

    await line.post(CHAT, asked(stream=False))
    await manager.hear(Want)
    await asyncio.sleep(0.2)
    silent = not line.reader._buffer  # type: ignore[attr-defined]
    await manager.grant("chat")
    head = await line.head()
    await line.until(b"\n\r\n")
    held.set()
    rest = await line.until(b"0\r\n\r\n")

    assert silent
    assert "application/json" in head
    assert b'{"choices":[]}' in rest


async def test_a_stream_that_lost_its_engine_before_the_first_byte_is_served_by_the_next(house: House) -> None:
    engine = await house.engine(dies_unanswered, streams([chat_chunk("second"), DONE]))
    manager = await house.manager(engine)
    proxy = await house.proxy(manager)

    async with proxy.client() as client:
        reply = await client.post(CHAT, content=asked())

    assert reply.status_code == 200
    assert "second" in reply.text
    assert len(engine.seen) == 2


async def test_a_stream_whose_engine_died_after_its_head_goes_on_with_the_next(house: House) -> None:
    async def says_only_its_head(wire: Any) -> None:
        await wire.begin_stream()
        wire.drop()

    engine = await house.engine(says_only_its_head, streams([chat_chunk("second"), DONE]))
    manager = await house.manager(engine)
    proxy = await house.proxy(manager)

    async with proxy.client() as client:
        reply = await client.post(CHAT, content=asked())

    assert reply.status_code == 200
    assert "second" in reply.text


# Clients' own clocks


@pytest.mark.parametrize("name", ["x-stainless-timeout", "x-stainless-read-timeout", "x-switchyard-timeout-s"])
async def test_a_request_that_hears_nothing_is_told_before_its_clients_clock_runs_out(
    house: House, name: str
) -> None:
    manager = await house.manager(kind=NeverAnswers)
    proxy = await house.proxy(manager)

    async with proxy.client() as client:
        reply = await client.post(CHAT, content=asked(stream=False), headers={name: "0.2"})

    assert reply.status_code == 504
    assert reply.json()["error"]["code"] == "model_load_timeout"
    assert 1 <= int(reply.headers["retry-after"]) <= 59


async def test_a_stream_that_is_kept_alive_may_wait_past_its_clients_clock(house: House) -> None:
    engine = await house.engine(streams([chat_chunk("hi"), DONE]))
    manager = await house.manager(engine, kind=NeverAnswers)
    proxy = await house.proxy(manager, **QUICK)
    line = await house.line(proxy)

    await line.post(CHAT, asked(), "x-stainless-timeout: 0.1")
    await line.head()
    for _ in range(5):
        await line.until(b'"delta":{}')
    await manager.grant("chat")

    assert b"hi" in await line.until(b"[DONE]\n\n")


# A client that asks again


async def leaves_and_asks_again(
    house: House, proxy: RunningProxy, manager: NeverAnswers, *, same: bool = True
) -> Line:
    first = await house.line(proxy)
    await first.post(CHAT, asked(stream=False), "x-stainless-retry-count: 0")
    await manager.hear(Want)
    await first.hang_up()
    second = await house.line(proxy)
    body = asked(stream=False) if same else asked(stream=False, seed=1)
    await second.post(CHAT, body, "x-stainless-retry-count: 1")
    return second


async def test_an_sdk_that_asks_again_waits_on_where_it_was(house: House) -> None:
    engine = await house.engine(says_json({"choices": []}))
    manager = await house.manager(engine, kind=NeverAnswers)
    proxy = await house.proxy(manager)

    second = await leaves_and_asks_again(house, proxy, manager)
    await asyncio.sleep(0.05)
    tickets = {want.ticket for want in manager.of(Want)}
    await manager.grant("chat")
    head = await second.head()

    assert len(tickets) == 1
    assert head.startswith("HTTP/1.1 200")
    assert len(engine.seen) == 1


async def test_another_request_gets_a_place_of_its_own(house: House) -> None:
    manager = await house.manager(kind=NeverAnswers)
    proxy = await house.proxy(manager)

    await leaves_and_asks_again(house, proxy, manager, same=False)
    await manager.hear(Want, times=2)

    assert len({want.ticket for want in manager.of(Want)}) == 2


async def test_a_place_whose_client_does_not_come_back_is_given_up(house: House) -> None:
    manager = await house.manager(kind=NeverAnswers)
    proxy = await house.proxy(manager, retry_attach_s=0.1)
    line = await house.line(proxy)

    await line.post(CHAT, asked(stream=False), "x-stainless-retry-count: 0")
    await manager.hear(Want)
    await line.hang_up()
    kept = proxy.parts.sites.waiting
    await manager.hear(Unwant)

    assert kept == 1
    assert proxy.parts.sites.waiting == 0


async def test_a_client_that_counts_no_retries_gives_its_place_up_at_once(house: House) -> None:
    manager = await house.manager(kind=NeverAnswers)
    proxy = await house.proxy(manager)
    line = await house.line(proxy)

    await line.post(CHAT, asked(stream=False))
    await manager.hear(Want)
    await line.hang_up()

    await manager.hear(Unwant)


async def test_a_lease_that_comes_for_nobody_goes_back(house: House) -> None:
    engine = await house.engine(says_json({}))
    manager = await house.manager(engine, kind=NeverAnswers)
    proxy = await house.proxy(manager)
    line = await house.line(proxy)

    await line.post(CHAT, asked(stream=False), "x-stainless-retry-count: 0")
    await manager.hear(Want)
    await line.hang_up()
    await asyncio.sleep(0.02)
    await manager.grant("chat")
    await manager.hear(Unwant)

    assert (proxy.parts.sites.in_flight, proxy.parts.sites.waiting) == (0, 0)
    assert proxy.parts.places.kept == 0


async def test_two_clients_that_ask_the_same_are_two(house: House) -> None:
    engine = await house.engine(says_json({"choices": []}))
    manager = await house.manager(engine, kind=NeverAnswers)
    proxy = await house.proxy(manager)
    lines = [await house.line(proxy) for _ in range(2)]

    for line, count in zip(lines, (0, 1), strict=True):
        await line.post(CHAT, asked(stream=False), f"x-stainless-retry-count: {count}")
    await manager.hear(Want, times=2)
    await manager.grant("chat")
    heads = [await line.head() for line in lines]

    assert all(head.startswith("HTTP/1.1 200") for head in heads)
    assert len({want.ticket for want in manager.of(Want)}) == 2


# The queue has an end


async def test_f_queue_k32_a_full_queue_refuses_with_its_numbers(house: House) -> None:
    manager = await house.manager(kind=NeverAnswers)
    manager.models = [
        model.model_copy(update={"serving": model.serving.model_copy(update={"max_queue": 2})})
        for model in manager.models
    ]
    proxy = await house.proxy(manager)
    waiting = [await house.line(proxy) for _ in range(2)]
    for line in waiting:
        await line.post(CHAT, asked(stream=False))
    await manager.hear(Want, times=2)

    async with proxy.client() as client:
        reply = await client.post(CHAT, content=asked(stream=False))

    assert reply.status_code == 503
    assert reply.json()["error"]["code"] == "overloaded"
    assert "2 wait already (at most 2)" in reply.json()["error"]["message"]
    assert 5 <= int(reply.headers["retry-after"]) <= 30
