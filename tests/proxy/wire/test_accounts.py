"""Every request has one account, closed once, which says how it went: outcome, status, code, tokens."""

import asyncio
import json

import pytest

from switchyard_contracts.errors import ErrorBody, ErrorCode
from switchyard_contracts.grants import Want
from switchyard_proxy.accounting.account import Account
from tests.proxy.conftest import House
from tests.proxy.engines import (
    DONE,
    Held,
    Script,
    Wire,
    chat_chunk,
    dies_after,
    dies_unanswered,
    event,
    says,
    says_json,
    streams,
)
from tests.proxy.managers import NeverAnswers, RefusesTickets
from tests.proxy.wire.scenes import closed_accounts, until_closed

CHAT = "/v1/chat/completions"
HELLO = {"model": "gpt-4o", "messages": []}
STREAM = json.dumps(HELLO | {"stream": True}).encode()
USAGE = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
QUICK = {"commit_after_s": 0.03, "heartbeat_s": 0.03}
REFUSAL = {"error": {"message": "too long", "type": "BadRequestError", "param": None, "code": 400}}


async def account_of(house: House, *scripts: Script, body: bytes, **settings: object) -> Account:
    """Of one request to an engine of such scripts."""
    _, _, proxy = await house.serving(*scripts, **settings)
    accounts = closed_accounts(proxy)
    async with proxy.client() as client:
        await client.post(CHAT, content=body)
    await until_closed(accounts, 1)
    await proxy.until_idle()
    assert len(accounts) == 1
    return accounts[0]


async def test_an_answer(house: House) -> None:
    account = await account_of(house, says_json({"usage": USAGE}), body=json.dumps(HELLO).encode())

    assert (account.outcome, account.status, account.code) == ("ok", 200, None)
    assert (account.asked, account.model, account.route) == ("gpt-4o", "chat", CHAT)
    assert account.usage is not None
    assert (account.usage.tokens_in, account.usage.tokens_out) == (7, 2)
    assert account.began <= account.queued <= account.leased <= account.first <= account.ended  # type: ignore[operator]


async def test_a_stream_is_counted_though_the_client_did_not_ask_for_that(house: House) -> None:
    last = event({"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [], "usage": USAGE})

    account = await account_of(house, streams([chat_chunk("hi"), last, DONE]), body=STREAM)

    assert (account.outcome, account.status, account.streams) == ("ok", 200, True)
    assert account.usage is not None
    assert account.usage.tokens_out == 2


async def test_an_engines_refusal(house: House) -> None:
    account = await account_of(house, says_json(REFUSAL, 400), body=STREAM)

    assert (account.outcome, account.status) == ("engine_error", 400)


async def test_an_error_that_broke_off_and_was_made_good_by_another_engine_is_none(house: House) -> None:
    async def breaks_off(wire: Wire) -> None:
        await wire.head(500, content_length="100")
        await wire.write(b'{"error":')
        wire.drop()

    account = await account_of(house, breaks_off, says_json({}), body=json.dumps(HELLO).encode())

    assert (account.outcome, account.status, account.retried) == ("ok", 200, True)


async def test_a_stream_that_breaks(house: House) -> None:
    account = await account_of(house, dies_after([chat_chunk("a")]), body=STREAM)

    assert (account.outcome, account.code, account.status) == ("failed", "stream_broken", 200)


async def test_an_engine_that_never_answers(house: House) -> None:
    account = await account_of(house, dies_unanswered, body=STREAM)

    assert (account.outcome, account.code, account.status) == ("failed", "backend_unavailable", 502)
    assert account.retried


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "invalid_json"),
        (b'{"model":"nobody"}', 404, "model_not_found"),
        (b'{"model":"paint"}', 400, "unsupported_endpoint"),
    ],
)
async def test_a_request_that_is_refused(house: House, body: bytes, status: int, code: str) -> None:
    account = await account_of(house, says_json({}), body=body)

    assert (account.outcome, account.status, account.code) == ("refused", status, code)


async def test_a_load_that_failed(house: House) -> None:
    error = ErrorBody.of(ErrorCode.MODEL_LOAD_FAILED, "cannot start it: no memory")
    manager = await house.manager(kind=RefusesTickets, error=error)
    proxy = await house.proxy(manager)
    accounts = closed_accounts(proxy)

    async with proxy.client() as client:
        await client.post(CHAT, json=HELLO)

    await until_closed(accounts, 1)
    assert (accounts[0].outcome, accounts[0].status, accounts[0].code) == ("failed", 503, "model_load_failed")


async def test_a_stream_that_we_began_and_could_not_serve_has_the_status_that_was_sent(house: House) -> None:
    manager = await house.manager(kind=NeverAnswers)
    proxy = await house.proxy(manager, **QUICK, load_wait_s=0.2)
    accounts = closed_accounts(proxy)
    line = await house.line(proxy)

    await line.post(CHAT, STREAM)
    await line.until(b"0\r\n\r\n")

    await until_closed(accounts, 1)
    assert (accounts[0].outcome, accounts[0].status) == ("failed", 200)
    assert accounts[0].code == "model_load_timeout"
    assert accounts[0].beats >= 1


@pytest.mark.parametrize("first", [b"", chat_chunk("a")], ids=["before its first byte", "in the stream"])
async def test_a_client_that_left(house: House, first: bytes) -> None:
    held = Held(first=first)
    _, _, proxy = await house.serving(held)
    accounts = closed_accounts(proxy)
    line = await house.line(proxy)
    await line.post(CHAT, STREAM)
    async with asyncio.timeout(5):
        await held.begun.wait()

    await line.hang_up()

    await until_closed(accounts, 1)
    assert [account.outcome for account in accounts] == ["client_left"]


async def test_a_client_that_left_the_queue(house: House) -> None:
    manager = await house.manager(kind=NeverAnswers)
    proxy = await house.proxy(manager)
    accounts = closed_accounts(proxy)
    line = await house.line(proxy)
    await line.post(CHAT, STREAM)
    await manager.hear(Want)

    await line.hang_up()

    await until_closed(accounts, 1)
    assert [(account.outcome, account.leased) for account in accounts] == [("client_left", None)]


async def test_a_client_whose_connection_goes_while_we_say_that_its_stream_broke_has_one_account(
    house: House,
) -> None:
    _, _, proxy = await house.serving(dies_after([chat_chunk("a")]))
    accounts = closed_accounts(proxy)
    lines = [await house.line(proxy) for _ in range(10)]
    for line in lines:
        await line.post(CHAT, STREAM)

    for line in lines:
        await line.hang_up()

    await until_closed(accounts, 10)
    await proxy.until_idle()
    assert len(accounts) == 10


async def test_retries_that_nobody_can_have_counted_are_not_believed(house: House) -> None:
    _, _, proxy = await house.serving(says_json({}))
    accounts = closed_accounts(proxy)

    async with proxy.client() as client:
        for said in ("9" * 5000, "9" * 20, "-1", "two", "3"):
            reply = await client.post(CHAT, json=HELLO, headers={"x-stainless-retry-count": said})
            assert reply.status_code == 200

    await until_closed(accounts, 5)
    assert [account.retries for account in accounts] == [0, 0, 0, 0, 3]


async def test_a_stream_was_asked_for_and_the_engine_sends_none_after_we_began(house: House) -> None:
    engine = await house.engine(says(b'{"choices":[]}'))
    manager = await house.manager(engine, kind=NeverAnswers)
    proxy = await house.proxy(manager, **QUICK)
    accounts = closed_accounts(proxy)
    line = await house.line(proxy)

    await line.post(CHAT, STREAM)
    await line.until(b'"delta":{}')
    await manager.grant("chat")
    said = await line.until(b"0\r\n\r\n")

    assert b"backend_unavailable" in said
    await until_closed(accounts, 1)
    assert (accounts[0].outcome, accounts[0].code) == ("failed", "backend_unavailable")


async def test_an_answer_in_stead_of_a_stream_before_we_began_passes_as_it_is(house: House) -> None:
    account = await account_of(house, says(b'{"choices":[]}'), body=STREAM)

    assert (account.outcome, account.status) == ("ok", 200)


async def test_captured_bodies_can_be_looked_at_and_hold_no_secret(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Once for each endpoint, FastAPI looks up its source for what it calls a fault's context.
    monkeypatch.setattr("fastapi.routing._extract_endpoint_context", lambda _: {})
    _, _, proxy = await house.serving(says_json({"choices": [], "answer": "yes"}), captures="all")
    body = {"model": "chat", "messages": [], "api_key": "sk-hidden"}

    async with proxy.client() as client:
        headers = {"x-request-id": "look-1", "authorization": "Bearer sk-mine"}
        await client.post("/v1/chat/completions", json=body, headers=headers)
        async with asyncio.timeout(10):
            while await asyncio.to_thread(proxy.parts.ledger.capture, "look-1") is None:
                await asyncio.sleep(0.05)
        seen = await client.get("/api/requests/look-1/capture")

    assert "chat/completions" in seen.text
    assert '"answer"' in seen.text.replace("\\", "")
    assert "sk-hidden" not in seen.text
    assert "sk-mine" not in seen.text
