"""Where requests go, and what is listed: R1 to R9 of the wire contract."""

import time

import httpx
import pytest

from tests.clients.conftest import Yard, each
from tests.clients.engine import form_of
from tests.clients.programs import Program
from tests.clients.speech import PICTURE

HELLO = {"model": "chat", "messages": [{"role": "user", "content": "hi"}]}
LISTED = ["chat", "eyes", "paint"]
OPENAI = ("openai2", "openai3", "openai-node")


@pytest.mark.contract("R1")
@each(*OPENAI)
async def test_every_model_is_listed_while_no_engine_answers(yard: Yard, client: Program) -> None:
    await yard.opens(load_s=60)
    await yard.engine.die()

    saw = await client.does("models", base_url=yard.v1)

    assert saw.error is None
    assert saw.models == LISTED
    assert yard.manager.loads == []


@pytest.mark.contract("R1")
@pytest.mark.parametrize("manager_is_there", [True, False])
async def test_the_list_comes_within_100_ms_with_everything_behind_it_down(
    yard: Yard, *, manager_is_there: bool
) -> None:
    await yard.opens(load_s=60)
    await yard.engine.die()
    if not manager_is_there:
        await yard.manager.vanish()
        await yard.proxy.until(met=False)

    async with yard.proxy.client() as http:
        took = []
        for _ in range(3):
            began = time.perf_counter()
            reply = await http.get("/v1/models")
            took.append(time.perf_counter() - began)

    assert [model["id"] for model in reply.json()["data"]] == LISTED
    assert min(took) < 0.1


@pytest.mark.contract("R2")
@each(*OPENAI)
async def test_a_model_whose_name_has_a_slash_is_retrieved(yard: Yard, client: Program) -> None:
    await yard.opens()

    saw = await client.does("model", base_url=yard.v1, model="org/chat")

    assert saw.error is None
    assert saw.id in {"chat", "org/chat"}


@pytest.mark.contract("R2")
@pytest.mark.parametrize("path", ["/v1/models/org%2Fchat", "/v1/models/org/chat", "/models/org%2Fchat"])
async def test_the_slash_may_be_encoded_or_raw(yard: Yard, path: str) -> None:
    await yard.opens()

    async with yard.proxy.client() as http:
        reply = await http.get(path)

    assert reply.status_code == 200
    assert reply.json()["object"] == "model"


@pytest.mark.contract("R3")
@pytest.mark.parametrize("path", ["/v1/chat/completions?beta=true", "/v1/messages?beta=true&x=%2F"])
async def test_query_strings_play_no_part_in_routing(yard: Yard, path: str) -> None:
    await yard.opens()

    async with yard.proxy.client() as http:
        reply = await http.post(path, json=HELLO | {"max_tokens": 9})

    assert reply.status_code == 200
    assert yard.speaks.asked[0].line.startswith(f"POST {path.partition('?')[0]}")


@pytest.mark.contract("R4")
@pytest.mark.parametrize("path", ["/v1/images/edits", "/images/edits"])
async def test_a_form_whose_file_comes_before_the_model_is_routed(yard: Yard, path: str) -> None:
    await yard.opens()
    content = bytes(range(256)) * 4096
    fields = [
        ("image", ("a.png", content, "image/png")),
        ("prompt", (None, "a lighthouse")),
        ("model", (None, "paint")),
    ]

    async with yard.proxy.client() as http:
        reply = await http.post(path, files=fields)

    assert reply.status_code == 200, reply.text
    assert reply.json()["data"] == [{"b64_json": PICTURE}]
    parts = form_of(yard.speaks.asked[0])
    assert [part.name for part in parts] == ["image", "prompt", "model"]
    assert parts[0].content == content


UNKNOWN = b'"x_y":{"z":[1,2.50,1e3,"\\u00e9\\/"], "z":null}'
ODD = b'{ "model" : "%b",\n ' + UNKNOWN + b' ,"messages":[ {"role":"user","content":"hi"}]%b}'


@pytest.mark.contract("R5")
@pytest.mark.parametrize("name", [b"chat", b"gpt-4o"])
async def test_a_body_reaches_the_engine_byte_for_byte_but_for_an_alias(yard: Yard, name: bytes) -> None:
    await yard.opens()

    async with yard.proxy.client() as http:
        reply = await http.post("/v1/chat/completions", content=ODD % (name, b""))

    assert reply.status_code == 200
    assert yard.speaks.asked[0].body == ODD % (b"chat", b"")


@pytest.mark.contract("R5")
async def test_unknown_fields_of_a_streamed_request_are_the_same_bytes(yard: Yard) -> None:
    await yard.opens()

    async with yard.proxy.client() as http:
        reply = await http.post("/v1/chat/completions", content=ODD % (b"chat", b', "stream":true'))

    assert reply.status_code == 200
    assert UNKNOWN in yard.speaks.asked[0].body


@pytest.mark.contract("R5")
@each(*OPENAI)
async def test_fields_that_only_the_engine_knows_reach_it(yard: Yard, client: Program) -> None:
    await yard.opens()
    extra = {"top_k": 20, "chat_template_kwargs": {"enable_thinking": False}}

    saw = await client.does("chat", base_url=yard.v1, model="chat", extra=extra)

    assert saw.text == "Hello there"
    assert yard.speaks.asked[0].json | extra == yard.speaks.asked[0].json


@pytest.mark.contract("R6")
@pytest.mark.parametrize(
    "path", ["/v1/chat/completions", "/v1/models", "/v1/messages", "/v1/images/edits", "/v1/responses/resp_1"]
)
async def test_a_browser_may_ask_beforehand_without_a_key(yard: Yard, path: str) -> None:
    await yard.opens(api_key="sk-right", allowed_origins="*")
    asking = "authorization, content-type, x-stainless-arch, x-whatever"
    headers = {
        "origin": "http://desk.lan:3000",
        "access-control-request-method": "POST",
        "access-control-request-headers": asking,
    }

    async with yard.proxy.client() as http:
        reply = await http.options(path, headers=headers)

    assert 200 <= reply.status_code < 300
    allowed = {name.strip().lower() for name in reply.headers["access-control-allow-headers"].split(",")}
    assert {name.strip() for name in asking.split(",")} <= allowed
    assert reply.headers["access-control-allow-origin"] in {"*", "http://desk.lan:3000"}


@pytest.mark.contract("R6")
async def test_a_browser_may_read_what_clients_retry_by(yard: Yard) -> None:
    await yard.opens(api_key="sk-right", allowed_origins="*")
    headers = {"origin": "http://desk.lan:3000", "authorization": "Bearer sk-right"}

    async with yard.proxy.client() as http:
        reply = await http.post("/v1/chat/completions", json=HELLO, headers=headers)

    assert reply.status_code == 200
    exposed = reply.headers["access-control-expose-headers"].lower()
    assert "x-request-id" in exposed
    assert "retry-after" in exposed


@pytest.mark.contract("R7")
@pytest.mark.parametrize("header", ["authorization", "x-api-key", "api-key"])
async def test_a_key_is_taken_from_any_of_three_headers(yard: Yard, header: str) -> None:
    await yard.opens(api_key="sk-right")
    right, wrong = (
        ("Bearer sk-right", "Bearer sk-wrong") if header == "authorization" else ("sk-right", "sk-wrong")
    )

    async with yard.proxy.client() as http:
        let_in = await http.post("/v1/chat/completions", json=HELLO, headers={header: right})
        kept_out = await http.post("/v1/chat/completions", json=HELLO, headers={header: wrong})

    assert (let_in.status_code, kept_out.status_code) == (200, 401)
    assert "sk-right" not in str(yard.speaks.asked[0].headers)


@pytest.mark.contract("R7")
@pytest.mark.parametrize(
    ("client", "do"),
    [
        ("openai2", "chat"),
        ("openai3", "chat"),
        ("openai-node", "chat"),
        ("ai-sdk", "chat"),
        ("langchain", "chat"),
        ("anthropic", "message"),
        ("ai-sdk", "message"),
    ],
    indirect=["client"],
)
async def test_each_client_gives_its_key_in_its_own_way(yard: Yard, client: Program, do: str) -> None:
    await yard.opens(api_key="sk-right")
    base = yard.url if client.name == "anthropic" else yard.v1

    let_in = await client.does(do, base_url=base, model="chat", key="sk-right")
    kept_out = await client.does(do, base_url=base, model="chat", key="sk-wrong")

    assert let_in.error is None
    assert let_in.text == "Hello there"
    assert kept_out.error is not None
    assert kept_out.error.status == 401


@pytest.mark.contract("R8")
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("path", ["/v1/nothing", "/nothing/at/all", "/v1/chat/completions/x/y/z", "/v1/files"])
async def test_an_unknown_path_is_told_in_json(yard: Yard, method: str, path: str) -> None:
    await yard.opens()

    async with yard.proxy.client() as http:
        reply = await http.request(method, path)

    assert reply.status_code == 404
    assert reply.headers["content-type"].startswith("application/json")
    assert reply.json()["error"]["code"] == "unknown_url"


@pytest.mark.contract("R9")
@pytest.mark.parametrize("suffix", ["", "/v1", "/v1/"])
@each("openai2", "openai3", "openai-node", "ai-sdk", "langchain")
async def test_a_base_address_works_with_and_without_v1(yard: Yard, client: Program, suffix: str) -> None:
    await yard.opens()

    saw = await client.does("chat", base_url=yard.url + suffix, model="chat")

    assert saw.error is None
    assert saw.text == "Hello there"


@pytest.mark.contract("R9")
@pytest.mark.parametrize(
    ("client", "suffix"), [("anthropic", ""), ("ai-sdk", ""), ("ai-sdk", "/v1")], indirect=["client"]
)
async def test_so_it_does_for_messages(yard: Yard, client: Program, suffix: str) -> None:
    await yard.opens()

    saw = await client.does("message", base_url=yard.url + suffix, model="chat")

    assert saw.error is None
    assert saw.text == "Hello there"


@pytest.mark.contract("R9")
@each("openai2", "openai3", "openai-node", "ai-sdk")
async def test_embeddings_come_as_each_client_asks_for_them(yard: Yard, client: Program) -> None:
    await yard.opens()

    saw = await client.does("embed", base_url=yard.v1, model="chat")

    assert saw.error is None
    assert saw.vector == [1.0, 2.0]


@pytest.mark.contract("R9")
async def test_the_plainest_client_finds_the_list_at_either_address(yard: Yard) -> None:
    await yard.opens()

    async with httpx.AsyncClient(trust_env=False) as http:
        lists = [(await http.get(f"{yard.url}{path}")).json() for path in ("/models", "/v1/models")]

    assert [[model["id"] for model in each["data"]] for each in lists] == [LISTED, LISTED]
