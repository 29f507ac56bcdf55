"""What clients are told when something fails: E1 to E6 of the wire contract."""

import asyncio
import itertools
from typing import Any

import httpx
import pytest

from switchyard_contracts.serving import Serving
from tests.clients import speech
from tests.clients.conftest import Yard, each
from tests.clients.loads import CoolsDown
from tests.clients.programs import Program, Saw
from tests.clients.reading import ROUTES, STREAMED, read
from tests.clients.speech import Answer
from tests.proxy.engines import Wire, dies_unanswered

CHAT = "/v1/chat/completions"
HELLO = STREAMED["chat"]
VLLM_SAYS = {
    "error": {
        "message": "This model's maximum context length is 8192 tokens.",
        "type": "BadRequestError",
        "param": None,
        "code": 400,
    }
}
TALKERS = ("openai2", "openai3", "openai-node", "ai-sdk", "langchain")
WRONG: list[tuple[dict[str, Any], int, str]] = [
    ({"content": b"{"}, 400, "invalid_json"),
    ({"content": b"[]"}, 400, "invalid_json"),
    ({"json": {"messages": []}}, 400, "missing_required_parameter"),
    ({"json": {"model": "nobody", "messages": []}}, 404, "model_not_found"),
    ({"json": {"model": "paint", "messages": []}}, 400, "unsupported_endpoint"),
    ({"json": HELLO, "headers": {"authorization": "Bearer sk-wrong"}}, 401, "invalid_api_key"),
]


@pytest.mark.contract("E1")
@pytest.mark.parametrize(("asked", "status", "code"), WRONG)
@pytest.mark.parametrize("path", [CHAT, "/v1/completions", "/v1/responses"])
async def test_a_refusal_has_all_four_keys(
    yard: Yard, path: str, asked: dict[str, Any], status: int, code: str
) -> None:
    await yard.opens(api_key="sk-right")

    async with yard.proxy.client(headers={"authorization": "Bearer sk-right"}) as http:
        reply = await http.post(path, **asked)

    assert reply.status_code == status
    assert_four_keys(reply, code)


def assert_four_keys(reply: httpx.Response, code: str | None = None) -> None:
    assert reply.headers["content-type"].startswith("application/json")
    error = reply.json()["error"]
    assert {"message", "type", "param", "code"} <= set(error)
    assert isinstance(error["message"], str)
    assert isinstance(error["code"], str)
    assert code in {None, error["code"]}


@pytest.mark.contract("E1")
@pytest.mark.parametrize(("asked", "status", "code"), WRONG)
async def test_on_messages_a_refusal_has_anthropics_shape(
    yard: Yard, asked: dict[str, Any], status: int, code: str
) -> None:
    await yard.opens(api_key="sk-right")

    async with yard.proxy.client(headers={"authorization": "Bearer sk-right"}) as http:
        reply = await http.post("/v1/messages", **asked)

    assert reply.status_code == status
    told = reply.json()
    assert told["type"] == "error"
    assert isinstance(told["error"]["type"], str)
    assert told["error"]["message"].startswith("cannot")


@pytest.mark.contract("E1")
async def test_an_engine_that_is_gone_is_told_in_the_dialect_of_the_route(yard: Yard) -> None:
    await yard.opens()
    yard.engine.scripts[:] = [dies_unanswered]

    async with yard.proxy.client() as http:
        chat = await http.post(CHAT, json=HELLO)
        messages = await http.post("/v1/messages", json=STREAMED["messages"])

    assert chat.status_code == 502
    assert_four_keys(chat, "backend_unavailable")
    assert messages.status_code in {502, 529}
    assert messages.json()["type"] == "error"


@pytest.mark.contract("E1")
@pytest.mark.parametrize(
    ("client", "kinds"),
    [
        ("openai2", ("NotFoundError", "BadRequestError", "AuthenticationError")),
        ("openai3", ("NotFoundError", "BadRequestError", "AuthenticationError")),
        ("openai-node", ("NotFoundError", "BadRequestError", "AuthenticationError")),
        ("ai-sdk", ("APICallError",) * 3),
        ("langchain", ("ModelNotFoundError", "InvalidRequestError", "AuthenticationError")),
    ],
    indirect=["client"],
)
async def test_each_client_knows_our_refusals(yard: Yard, client: Program, kinds: tuple[str, ...]) -> None:
    await yard.opens(api_key="sk-right")
    asked = [("nobody", "sk-right"), ("paint", "sk-right"), ("chat", "sk-wrong")]

    seen = [await client.does("chat", base_url=yard.v1, model=model, key=key) for model, key in asked]

    assert [saw.error and saw.error.status for saw in seen] == [404, 400, 401]
    assert all(said.endswith(kind) for kind, said in zip(kinds, map(kind_of, seen), strict=True)), seen
    assert all("cannot" in saw.error.message for saw in seen if saw.error)


def kind_of(saw: Saw) -> str:
    return "" if saw.error is None else str(saw.error.kind)


@pytest.mark.contract("E1")
async def test_anthropics_client_knows_our_refusals(yard: Yard, anthropic: Program) -> None:
    await yard.opens(api_key="sk-right")
    asked = [("nobody", "sk-right"), ("paint", "sk-right"), ("chat", "sk-wrong")]

    seen = [await anthropic.does("message", base_url=yard.url, model=model, key=key) for model, key in asked]

    assert list(map(kind_of, seen)) == ["NotFoundError", "BadRequestError", "AuthenticationError"]
    assert all(saw.error.body["type"] == "error" for saw in seen if saw.error)


@pytest.mark.contract("E1")
@pytest.mark.parametrize("route", ["chat", "completions", "responses"])
async def test_an_engines_own_error_passes_as_it_is(yard: Yard, route: str) -> None:
    await yard.opens()
    yard.speaks.refuses = (400, VLLM_SAYS)

    whole = await read(yard, route)

    assert whole.status == 400
    assert b"maximum context length" in whole.content
    assert b'"code": 400' in whole.content


@pytest.mark.contract("E2")
async def test_whoever_should_wait_is_told_how_long_within_a_minute(yard: Yard) -> None:
    await yard.opens(load_wait_s=0.2, manager_wait_s=0.1, load_s=30)

    async with yard.proxy.client() as http:
        too_slow = await http.post(CHAT, json=HELLO)
        await yard.manager.vanish()
        await yard.proxy.until(met=False)
        nobody = await http.post(CHAT, json=HELLO)

    assert (too_slow.status_code, nobody.status_code) == (504, 503)
    for reply in (too_slow, nobody):
        assert 1 <= int(reply.headers["retry-after"]) <= 59


@pytest.mark.contract("E2")
async def test_a_full_queue_tells_when_to_come_back(yard: Yard) -> None:
    await yard.opens(load_s=30)
    yard.manager.models = [
        model.model_copy(update={"serving": Serving(max_queue=1), "expected_s": 400.0})
        for model in yard.manager.models
    ]
    await yard.manager._becomes("chat", yard.manager.models[0].phase)

    async with yard.proxy.client() as http, asyncio.TaskGroup() as group:
        first = group.create_task(http.post(CHAT, json=HELLO))
        async with asyncio.timeout(5):
            while not yard.manager.loads:
                await asyncio.sleep(0.005)
        second = await http.post(CHAT, json=HELLO)
        first.cancel()

    assert second.status_code in {429, 503}
    assert 1 <= int(second.headers["retry-after"]) <= 59
    assert_four_keys(second)


@pytest.mark.contract("E2")
async def test_an_engine_that_was_gone_for_a_moment_is_asked_again_when_we_said(
    yard: Yard, programs: dict[str, Program]
) -> None:
    await yard.opens()
    names = ("openai2", "openai3", "openai-node")
    yard.engine.scripts[:] = [*(dies_unanswered for _ in range(2 * len(names))), yard.speaks]

    seen = await asyncio.gather(
        *(programs[name].does("chat", base_url=yard.v1, model="chat", retries=1) for name in names)
    )

    assert [saw.error for saw in seen] == [None] * 3
    assert [saw.attempts for saw in seen] == [2] * 3
    assert all(4.5 <= saw.took_s < 10 for saw in seen)


@pytest.mark.contract("E3")
@each("openai2", "openai3", "openai-node")
@pytest.mark.parametrize("stream", [False, True])
async def test_a_failure_for_good_is_asked_for_once(yard: Yard, client: Program, *, stream: bool) -> None:
    await yard.opens(fails_with="no driver", kind=CoolsDown, commit_after_s=5)

    saw = await client.does("chat", base_url=yard.v1, model="chat", retries=2, stream=stream)

    assert saw.error is not None
    assert (saw.error.status, saw.error.code) == (503, "model_load_failed")
    assert "no driver" in saw.error.message
    assert saw.attempts == 1


@pytest.mark.contract("E3")
async def test_it_says_so_in_a_header(yard: Yard) -> None:
    await yard.opens(fails_with="no driver", kind=CoolsDown)

    async with yard.proxy.client() as http:
        replies = [await http.post(ROUTES[route], json=STREAMED[route]) for route in ("chat", "messages")]

    assert [reply.headers["x-should-retry"] for reply in replies] == ["false", "false"]


@pytest.mark.contract("E4")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/models"),
        ("GET", "/v1/models/nobody"),
        ("GET", "/health"),
        ("GET", "/nothing"),
        ("POST", CHAT),
        ("POST", "/v1/messages"),
        ("OPTIONS", CHAT),
    ],
)
@pytest.mark.parametrize("given", [None, "my-own-id-17"])
async def test_every_reply_has_a_request_id_and_the_clients_own_where_it_gave_one(
    yard: Yard, method: str, path: str, given: str | None
) -> None:
    await yard.opens()
    headers = {"x-request-id": given} if given else {}

    async with yard.proxy.client() as http:
        replies = [await http.request(method, path, headers=headers, content=body) for body in (None, b"{}")]

    ids = [reply.headers["x-request-id"] for reply in replies]
    assert all(ids)
    assert given is None or ids == [given, given]


@pytest.mark.contract("E4")
@each("openai2", "openai3", "openai-node", "ai-sdk")
@pytest.mark.parametrize("stream", [False, True])
async def test_clients_show_the_request_id(yard: Yard, client: Program, *, stream: bool) -> None:
    await yard.opens()
    asked = {"base_url": yard.v1, "headers": {"x-request-id": "mine"}, "stream": stream}

    served = await client.does("chat", model="chat", **asked)
    refused = await client.does("chat", model="nobody", **asked)

    if not (client.name == "ai-sdk" and stream):  # which shows no headers of a stream
        assert served.request_id == "mine"
    assert refused.error is not None
    assert refused.error.request_id == "mine"


@pytest.mark.contract("E5")
@each(*TALKERS)
async def test_an_engine_that_dies_mid_stream_is_an_error_for_the_client(yard: Yard, client: Program) -> None:
    await yard.opens()
    yard.speaks.dies_after = 3

    saw = await client.does("chat", base_url=yard.v1, model="chat", stream=True)

    assert saw.error is not None
    assert saw.text == "Hello"


@pytest.mark.contract("E5")
@pytest.mark.parametrize(
    ("client", "do"),
    [
        ("openai2", "completion"),
        ("openai3", "completion"),
        ("openai-node", "completion"),
        ("ai-sdk", "respond"),
        ("anthropic", "message"),
        ("anthropic", "helper"),
        ("ai-sdk", "message"),
    ],
    indirect=["client"],
)
async def test_so_it_is_in_every_dialect(yard: Yard, client: Program, do: str) -> None:
    await yard.opens()
    yard.speaks.dies_after = 4
    base = yard.url if client.name == "anthropic" else yard.v1
    if do == "completion":
        yard.speaks.dies_after = 2

    saw = await client.does(do, base_url=base, model="chat", stream=True)

    assert saw.error is not None, saw


@pytest.mark.contract("E5")
@each("openai2", "openai3", "openai-node")
async def test_a_response_that_breaks_is_an_error_or_tells_that_it_failed(yard: Yard, client: Program) -> None:
    await yard.opens()
    yard.speaks.dies_after = 5

    saw = await client.does("respond", base_url=yard.v1, model="chat", stream=True)

    assert saw.error is not None or {"error", "response.failed"} & set(saw.types)
    assert "response.completed" not in saw.types


# What Open WebUI does is: relay the body and show it, an `error` of any event, or that a body was not whole.
@pytest.mark.contract("E5")
@pytest.mark.parametrize("route", ["chat", "completions", "responses", "messages", "pictures"])
@pytest.mark.parametrize("cut", [None, 61])
async def test_a_stream_that_broke_never_ends_in_good_order_without_an_error(
    yard: Yard, route: str, cut: int | None
) -> None:
    await yard.opens()
    yard.speaks.cut = cut
    yard.speaks.dies_after = 1 if cut is None else 3

    whole = await read(yard, route)

    told = [
        event for event in whole.said if isinstance(event, dict) and (event.get("error") or event.get("code"))
    ]
    failed = [
        event for event in whole.said if isinstance(event, dict) and event.get("type") == "response.failed"
    ]
    assert told or failed or not whole.ended
    assert all(event.json for event in whole.events if not event.is_comment)


@pytest.mark.contract("E5")
@each("openai2", "openai-node")
async def test_an_engine_that_ends_its_reply_by_closing_may_not_have_died_before_its_end(
    yard: Yard, client: Program
) -> None:
    """Without a length or chunks a dead engine's reply looks whole: only the events tell that it is not."""
    await yard.opens()

    async def closes(wire: Wire) -> None:
        await wire.head(kind="text/event-stream", connection="close")
        await wire.write(b"".join(speech.chat_stream(Answer(), wire.seen.json)[:3]))
        wire.close()

    yard.engine.scripts[:] = [closes]

    saw = await client.does("chat", base_url=yard.v1, model="chat", stream=True)

    assert saw.error is not None


@pytest.mark.contract("E5")
async def test_a_plain_reply_that_breaks_is_not_whole(
    yard: Yard, openai2: Program, openai_node: Program
) -> None:
    await yard.opens()

    async def cut_short(wire: Wire) -> None:
        await wire.head(content_length="5000")
        await wire.write(b'{"id":')
        wire.close()

    yard.engine.scripts[:] = [cut_short]

    seen = [await client.does("chat", base_url=yard.v1, model="chat") for client in (openai2, openai_node)]

    assert all(saw.error is not None for saw in seen)


@pytest.mark.contract("E6")
async def test_ten_retries_of_a_failed_load_start_the_model_once(
    yard: Yard, openai2: Program, openai_node: Program
) -> None:
    await yard.opens(load_s=0.1, fails_with="no driver", kind=CoolsDown)
    clients = itertools.cycle((openai2, openai_node))

    seen = [await next(clients).does("chat", base_url=yard.v1, model="chat", retries=2) for _ in range(10)]

    assert {saw.error.code for saw in seen if saw.error} == {"model_load_failed"}
    assert sum(saw.attempts for saw in seen) == 10
    assert yard.manager.loads == ["chat"]


@pytest.mark.contract("E6")
@pytest.mark.parametrize("stream", [False, True])
async def test_so_do_ten_at_once(yard: Yard, *, stream: bool) -> None:
    await yard.opens(load_s=0.1, fails_with="no driver", kind=CoolsDown, commit_after_s=5)

    replies = await asyncio.gather(*(read(yard, "chat", stream=stream) for _ in range(10)))

    assert {reply.status for reply in replies} == {503}
    assert yard.manager.loads == ["chat"]


# Attaching a retry to the place of the attempt before it must not take a stranger's place.
@pytest.mark.contract("E6")
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("retry_count", ["0", "1"])
async def test_clients_that_ask_the_same_at_the_same_time_are_all_served(
    yard: Yard, programs: dict[str, Program], retry_count: str, *, stream: bool
) -> None:
    await yard.opens(load_s=1.0)
    asked = {"base_url": yard.v1, "model": "chat", "stream": stream}
    headers = {"x-stainless-retry-count": retry_count}

    seen = await asyncio.gather(
        *(
            programs[name].does("chat", **asked, headers=headers)
            for name in ("openai2", "openai3", "openai-node")
        )
    )

    assert [saw.error for saw in seen] == [None] * 3
    assert [saw.text for saw in seen] == ["Hello there"] * 3
