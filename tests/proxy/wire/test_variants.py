"""What the catalog changes in a request, and the names that lead to such changes; all else stays as it was."""

from switchyard_contracts.catalog import Engine
from switchyard_contracts.grants import Models
from switchyard_contracts.serving import Rewrite, Routing, Variant, Virtual
from switchyard_contracts.status import Phase
from tests.proxy.conftest import House
from tests.proxy.engines import ScriptedEngine, says_json
from tests.proxy.managers import GrantsWhatIsWanted
from tests.proxy.running import RunningProxy
from tests.proxy.wire.scenes import closed_accounts, serve_as, until_closed

CHAT = "/v1/chat/completions"
PLAIN = Routing()
THINKING = Variant(rewrite=Rewrite(set={"chat_template_kwargs": {"enable_thinking": True}}))


class Routes(GrantsWhatIsWanted):
    """Says what holds for all of its models, too."""

    routing = Routing()

    async def _greet(self) -> None:
        await super()._greet()
        await self.say(Models(models=tuple(self.models), routing=self.routing))


async def served(
    house: House, routing: Routing = PLAIN, **serving: object
) -> tuple[ScriptedEngine, RunningProxy]:
    engine = await house.engine(says_json({}))
    manager = await house.manager(engine, kind=Routes)
    manager.routing = routing  # type: ignore[attr-defined]
    serve_as(manager, "chat", **serving)
    return engine, await house.proxy(manager)


async def test_a_variant_sets_its_fields_and_is_the_model_to_the_engine(house: House) -> None:
    engine, proxy = await served(house, variants={"thinking": THINKING})
    accounts = closed_accounts(proxy)

    async with proxy.client() as client:
        reply = await client.post(CHAT, json={"model": "gpt-4o:thinking", "messages": [], "seed": 1})

    assert reply.status_code == 200
    assert engine.seen[0].json == {
        "model": "chat",
        "messages": [],
        "seed": 1,
        "chat_template_kwargs": {"enable_thinking": True},
    }
    await until_closed(accounts, 1)
    assert (accounts[0].asked, accounts[0].model) == ("gpt-4o:thinking", "chat")


async def test_the_models_own_changes_are_made_without_a_variant(house: House) -> None:
    rewrite = Rewrite(strip=("user",), default={"temperature": 0.2}, set={"top_k": 5})
    engine, proxy = await served(house, rewrite=rewrite)

    async with proxy.client() as client:
        await client.post(CHAT, json={"model": "chat", "user": "x", "temperature": 1, "top_k": 9})

    assert engine.seen[0].json == {"model": "chat", "temperature": 1, "top_k": 5}


async def test_fields_that_no_change_names_keep_their_bytes(house: House) -> None:
    engine, proxy = await served(house, rewrite=Rewrite(set={"top_k": 5}))

    async with proxy.client() as client:
        await client.post(CHAT, content=b'{"model":"chat","n":1.50, "big":%b,"t":"\\u00e9"}' % (b"9" * 400))

    body = engine.seen[0].body
    assert b"1.50" in body
    assert b"9" * 400 in body
    assert b"\\u00e9" in body


async def test_our_own_engine_hears_which_client_it_works_for(house: House) -> None:
    engine = await house.engine(says_json({}), says_json({}))
    manager = await house.manager(engine)
    manager.models = [
        one.model_copy(update={"engine": Engine.IMAGE_SERVER}) if one.name == "chat" else one
        for one in manager.models
    ]
    proxy = await house.proxy(manager)

    async with proxy.client() as client:
        await client.post(CHAT, json={"model": "chat", "messages": []}, headers={"host": "home.lan"})

    told = engine.seen[0].headers
    assert told["x-switchyard-client"] == "127.0.0.1"
    assert told["x-forwarded-host"] == "home.lan"
    assert told["x-forwarded-prefix"] == "/upstream/chat"


async def test_an_unknown_variant_is_an_unknown_model(house: House) -> None:
    _, proxy = await served(house, variants={"thinking": THINKING})

    async with proxy.client() as client:
        reply = await client.post(CHAT, json={"model": "chat:thinkin", "messages": []})

    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "model_not_found")
    assert "'chat:thinking'" in reply.json()["error"]["message"]


async def test_a_request_that_names_no_model_gets_the_default_one(house: House) -> None:
    engine, proxy = await served(house, Routing(default_model="chat"))

    async with proxy.client() as client:
        reply = await client.post(CHAT, content=b'{"messages":[]}')

    assert reply.status_code == 200
    assert engine.seen[0].json == {"model": "chat", "messages": []}


async def test_a_virtual_model_prefers_what_is_loaded(house: House) -> None:
    engine = await house.engine(says_json({}))
    manager = await house.manager(engine, kind=Routes)
    manager.routing = Routing(virtual=(Virtual(name="best", candidates=("chat", "eyes")),))  # type: ignore[attr-defined]
    manager.models = [
        model.model_copy(update={"phase": Phase.STOPPED if model.name == "chat" else Phase.READY})
        for model in manager.models
    ]
    proxy = await house.proxy(manager)

    async with proxy.client() as client:
        await client.post(CHAT, json={"model": "best", "messages": []})

    assert engine.seen[0].json["model"] == "eyes"


async def test_a_variant_is_listed_and_retrieved(house: House) -> None:
    _, proxy = await served(house, variants={"thinking": THINKING})

    async with proxy.client() as client:
        listed = (await client.get("/v1/models")).json()["data"]
        one = await client.get("/v1/models/chat:thinking")

    assert "chat:thinking" in [model["id"] for model in listed]
    assert (one.status_code, one.json()["id"]) == (200, "chat:thinking")


async def test_a_model_that_has_variants_is_itself_under_its_own_names(house: House) -> None:
    _, proxy = await served(house, variants={"thinking": THINKING})

    async with proxy.client() as client:
        found = [(await client.get(f"/v1/models/{name}")).json()["id"] for name in ("chat", "gpt-4o")]

    assert found == ["chat", "chat"]


async def test_an_adapter_is_a_model_of_its_own_to_clients_and_to_the_engine(house: House) -> None:
    adapter = Variant(served_as="chat:sql", aliases=("sql-coder",))
    engine, proxy = await served(house, variants={"sql": adapter})

    async with proxy.client() as client:
        for name in ("sql-coder", "gpt-4o:sql"):
            assert (await client.post(CHAT, json={"model": name, "messages": []})).status_code == 200
        listed = (await client.get("/v1/models")).json()["data"]
        retrieved = [
            (await client.get(f"/v1/models/{name}")).json() for name in ("chat:sql", "sql-coder", "gpt-4o:sql")
        ]

    assert [one.json["model"] for one in engine.seen] == ["chat:sql", "chat:sql"]
    (entry,) = [one for one in listed if one["id"] == "chat:sql"]
    assert (entry["variant_of"], entry["aliases"]) == ("chat", ["sql-coder"])
    assert retrieved == [entry, entry, entry]
