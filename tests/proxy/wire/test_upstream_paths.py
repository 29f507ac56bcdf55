"""`/upstream/{model}/…`: an engine's own paths, as they are. A look loads nothing and waits for nobody."""

import asyncio
import json

import pytest

from switchyard_contracts.errors import ErrorBody, ErrorCode
from switchyard_contracts.grants import FromProxy, Refused, Want
from switchyard_contracts.status import Phase
from switchyard_proxy.access.callers import Role
from tests.proxy.conftest import House
from tests.proxy.engines import DONE, Held, Wire, chat_chunk, dies_unanswered, says, says_json
from tests.proxy.managers import GrantsWhatIsWanted, NeverAnswers
from tests.proxy.wire.scenes import closed_accounts, new_key, proxy_at, serve_as

TEXT = b"vllm:num_requests_running 0\n"


class RefusesLooks(GrantsWhatIsWanted):
    """As a manager whose model left, or died, while the question was on its way."""

    async def answer(self, word: FromProxy) -> None:
        if not isinstance(word, Want) or not word.looks:
            await super().answer(word)
        else:
            error = ErrorBody.of(ErrorCode.NOT_POSSIBLE_NOW, "cannot look: it is not loaded")
            await self.say(Refused(model=word.model, ticket=word.ticket, error=error))


async def test_a_look_at_an_engine_passes_with_its_query(house: House) -> None:
    engine, _, proxy = await house.serving(says_json({}), says(TEXT, kind="text/plain"))
    async with proxy.client() as client:
        await client.post("/v1/chat/completions", json={"model": "chat", "messages": []})

        reply = await client.get("/upstream/chat/metrics?name=x%2Fy")

    assert reply.content == TEXT
    assert engine.seen[1].line == "GET /metrics?name=x%2Fy HTTP/1.1"


async def test_a_look_does_not_load_a_model(house: House) -> None:
    manager = await house.manager(kind=NeverAnswers)
    manager.models[:] = [model.model_copy(update={"phase": Phase.STOPPED}) for model in manager.models]
    proxy = await house.proxy(manager)

    async with proxy.client() as client:
        reply = await client.get("/upstream/chat/metrics")

    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "not_possible_now")
    assert manager.of(Want) == []


async def test_a_model_that_is_ready_can_be_looked_at_before_this_proxy_has_used_it(house: House) -> None:
    _, manager, proxy = await house.serving(says(TEXT, kind="text/plain"))

    async with proxy.client() as client:
        reply = await client.get("/upstream/chat/metrics")

    assert reply.content == TEXT
    assert [want.looks for want in manager.of(Want)] == [True]


async def test_a_model_that_left_just_now_is_not_loaded_for_a_look(house: House) -> None:
    _, manager, proxy = await house.serving(kind=RefusesLooks)

    async with proxy.client() as client:
        reply = await client.get("/upstream/chat/metrics")

    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "not_possible_now")
    assert [want.looks for want in manager.of(Want)] == [True]


async def test_head_has_the_engines_headers_and_ends_there(house: House) -> None:
    async def only_a_head(wire: Wire) -> None:
        await wire.head(content_length="28", x_engine="yes")

    engine, _, proxy = await house.serving(says_json({}), only_a_head, says(TEXT))
    accounts = closed_accounts(proxy)
    async with proxy.client() as client:
        await client.post("/v1/chat/completions", json={"model": "chat", "messages": []})

        head = await client.head("/upstream/chat/health")
        after = await client.get("/upstream/chat/metrics")

    assert (head.status_code, head.headers["x-engine"], head.content) == (200, "yes", b"")
    assert after.content == TEXT
    assert engine.seen[1].line == "HEAD /health HTTP/1.1"
    await proxy.until_idle()
    assert [account.outcome for account in accounts] == ["ok"] * 3


async def test_head_of_an_engine_that_refuses_it_ends_as_well(house: House) -> None:
    async def refused(wire: Wire) -> None:
        await wire.head(405, content_length="31")

    _, _, proxy = await house.serving(says_json({}), refused)
    async with proxy.client() as client:
        await client.post("/v1/chat/completions", json={"model": "chat", "messages": []})

        reply = await client.head("/upstream/chat/health")

    assert reply.status_code == 405


async def test_a_question_may_load_a_model_and_passes_byte_for_byte(house: House) -> None:
    engine, manager, proxy = await house.serving(says_json({"tokens": [1]}))
    body = b'{ "model" : "whatever", "content":"hi" }'

    async with proxy.client() as client:
        reply = await client.post("/upstream/org/chat/tokenize", content=body)

    assert reply.json() == {"tokens": [1]}
    assert engine.seen[0].body == body
    assert engine.seen[0].line == "POST /tokenize HTTP/1.1"
    assert len(manager.of(Want)) == 1


async def test_a_kept_picture_can_be_fetched_by_its_name(house: House) -> None:
    engine, _, proxy = await house.serving(says_json({}), says_json({}))
    async with proxy.client() as client:
        await client.post("/v1/chat/completions", json={"model": "chat", "messages": []})

        reply = await client.get("/upstream/chat/v1/images/files/aB3_-x.png")

    assert reply.status_code == 200
    assert engine.seen[1].line == "GET /v1/images/files/aB3_-x.png HTTP/1.1"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "sleep"),
        ("POST", "wake_up"),
        ("POST", "collective_rpc"),
        ("POST", "reset_prefix_cache"),
        ("GET", "is_sleeping"),
        ("POST", "metrics"),
        ("GET", "v1/chat/completions"),
        ("POST", "tokenize/"),
        ("POST", "v1/../sleep"),
        ("POST", "v1/jobs/../sleep"),
        ("POST", "v1/jobs/.."),
        ("GET", "v1/images/files/../../sleep"),
        ("GET", "v1/images/files/.."),
        ("POST", "v1/images/files/aB3.png"),
        ("POST", "v1/jobs/%2e%2e/sleep"),
        ("POST", "%2e%2e/sleep"),
        ("GET", ""),
    ],
)
async def test_what_is_not_on_the_list_never_reaches_an_engine(house: House, method: str, path: str) -> None:
    engine, manager, proxy = await house.serving(says_json({}))
    line = await house.line(proxy)

    line.writer.write(
        f"{method} /upstream/chat/{path} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n".encode()
    )
    head = await line.head()

    assert head.startswith("HTTP/1.1 404")
    assert engine.seen == []
    assert manager.of(Want) == []


async def test_media_addresses_are_refused_on_the_engines_own_paths_as_well(house: House) -> None:
    engine, _, proxy = await house.serving(says_json({}))
    part = {"type": "image_url", "image_url": {"url": "http://169.254.169.254/latest"}}
    body = {"model": "x", "messages": [{"role": "user", "content": [part]}]}

    async with proxy.client() as client:
        reply = await client.post("/upstream/eyes/v1/chat/completions", json=body)

    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "media_url_not_allowed")
    assert engine.seen == []


async def test_a_form_passes_as_it_is(house: House) -> None:
    engine, _, proxy = await house.serving(says_json({}))

    async with proxy.client() as client:
        reply = await client.post(
            "/upstream/chat/v1/audio/transcriptions",
            data={"language": "en"},
            files={"file": ("a.wav", b'RIFF "image_url"')},
        )

    assert reply.status_code == 200
    assert engine.seen[0].headers["content-type"].startswith("multipart/form-data; boundary=")
    assert b"RIFF" in engine.seen[0].body


async def test_an_unknown_model_names_only_what_the_key_may_use(house: House) -> None:
    engine = await house.engine(says_json({}))
    manager = await house.manager(engine)
    proxy = await house.proxy(manager, auth="on")
    key = await new_key(proxy, "one", Role.USE, "chat")

    async with proxy.client(headers={"authorization": key}) as client:
        unknown = await client.get("/upstream/nobody/metrics")
        another = await client.get("/upstream/paint/metrics")

    assert unknown.status_code == 404
    assert "chat" in unknown.text
    assert "paint" not in unknown.text
    assert another.status_code == 403


async def test_a_look_needs_no_turn_of_a_model_that_is_at_its_limit(house: House) -> None:
    held = Held(first=chat_chunk("a"), rest=DONE)
    engine = await house.engine(held, says(TEXT, kind="text/plain"))
    manager = await house.manager(engine)
    serve_as(manager, "chat", max_concurrency=1)
    proxy = await house.proxy(manager)
    line = await house.line(proxy)
    await line.post("/v1/chat/completions", json.dumps({"model": "chat", "stream": True}).encode())
    await line.until(b'"a"')

    async with proxy.client() as client:
        reply = await client.get("/upstream/chat/metrics")
    held.go_on.set()

    assert reply.content == TEXT


async def test_a_look_at_an_engine_that_died_does_not_bring_it_up(house: House) -> None:
    _, manager, proxy = await house.serving(says_json({}), dies_unanswered, kind=RefusesLooks)
    async with proxy.client() as client:
        await client.post("/v1/chat/completions", json={"model": "chat", "messages": []})

        reply = await client.get("/upstream/chat/metrics")

    assert reply.status_code == 409
    assert [want.looks for want in manager.of(Want)] == [False, True]


async def test_a_streamed_pass_through_that_breaks_ends_in_an_error(house: House) -> None:
    async def dies(wire: Wire) -> None:
        await wire.begin_stream()
        await wire.chunk(chat_chunk("a"))
        wire.drop()

    _, _, proxy = await house.serving(dies)
    line = await house.line(proxy)

    await line.post("/upstream/chat/v1/chat/completions", b'{"stream":true,"messages":[]}')
    said = await line.until(b"0\r\n\r\n")

    assert b"event: error" in said
    assert b"stream_broken" in said


async def test_a_request_before_the_managers_first_word_waits_for_it(house: House) -> None:
    engine = await house.engine(says_json({"ok": True}))
    gone = await house.manager(engine)
    await gone.vanish()
    proxy = await proxy_at(house, gone.url)

    async with proxy.client() as client, asyncio.TaskGroup() as tasks:
        asking = tasks.create_task(client.post("/upstream/chat/tokenize", json={}))
        await asyncio.sleep(0.05)
        await house.manager(engine, port=gone.port)

    assert asking.result().json() == {"ok": True}
