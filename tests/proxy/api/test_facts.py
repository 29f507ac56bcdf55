"""What the page is told before anything else: little to strangers, enough to those who have a key."""

import pytest

from switchyard_contracts.grants import Models
from switchyard_contracts.serving import Routing, Virtual
from switchyard_proxy.access.callers import Role
from tests.proxy.conftest import House
from tests.proxy.engines import says_json
from tests.proxy.running import PAGE
from tests.proxy.wire.scenes import new_key


async def test_where_no_key_is_asked_for_everybody_is_told_everything(house: House) -> None:
    _, manager, proxy = await house.serving(says_json({}))

    async with proxy.client() as client:
        told = (await client.get("/api/ui")).json()

    assert (told["keys"], told["role"], told["name"], told["editing"]) == (False, "admin", "anyone", True)
    assert told["page"] == PAGE.version
    assert told["limits"] == {"body_mib": 64, "upload_mib": 512}
    assert told["levels"] == {"warning": 20_000, "critical": 50_000}
    (site,) = told["sites"]
    assert (site["site"], site["connected"], site["url"]) == (0, True, manager.url)


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer sk-wrong"}])
async def test_without_a_key_that_fits_only_the_house_is_described(
    house: House, headers: dict[str, str]
) -> None:
    _, _, proxy = await house.serving(says_json({}), auth="on")

    async with proxy.client() as client:
        reply = await client.get("/api/ui", headers=headers)

    told = reply.json()
    assert reply.status_code == 200
    assert (told["keys"], told["role"], told["name"], told["sites"]) == (True, None, None, [])
    assert told["editing"] is False


@pytest.mark.parametrize(
    ("role", "edits", "knows"),
    [(Role.USE, False, False), (Role.OPERATE, False, True), (Role.ADMIN, True, True)],
)
async def test_a_key_is_told_what_it_may_do(house: House, role: Role, *, edits: bool, knows: bool) -> None:
    _, manager, proxy = await house.serving(says_json({}), auth="on")
    key = await new_key(proxy, "mine", role)

    async with proxy.client() as client:
        told = (await client.get("/api/ui", headers={"authorization": key})).json()

    assert (told["role"], told["name"], told["editing"]) == (role.name.lower(), "mine", edits)
    assert told["sites"][0]["url"] == (manager.url if knows else None)


async def test_nobody_edits_where_the_operator_switched_that_off(house: House) -> None:
    _, _, proxy = await house.serving(says_json({}), edit_models="off")

    async with proxy.client() as client:
        told = (await client.get("/api/ui")).json()

    assert told["editing"] is False


async def test_a_key_for_some_models_is_told_no_other_names(house: House) -> None:
    _, manager, proxy = await house.serving(says_json({}), auth="on")
    mixed = Virtual(name="best", candidates=("gpt-4o", "eyes"))
    hidden = Virtual(name="other", candidates=("eyes", "nobody"))
    routing = Routing(default_model="eyes", virtual=(mixed, hidden))
    heard = proxy.parts.fleet.next_news()
    await manager.say(Models(models=tuple(manager.models), routing=routing))
    await heard.wait()
    some, all_of_them = await new_key(proxy, "some", Role.USE, "chat"), await new_key(proxy, "all")

    async with proxy.client() as client:
        (one,) = (await client.get("/api/ui", headers={"authorization": some})).json()["sites"]
        (other,) = (await client.get("/api/ui", headers={"authorization": all_of_them})).json()["sites"]

    assert one["default_model"] is None
    assert [(row["name"], row["candidates"]) for row in one["virtual"]] == [("best", ["gpt-4o"])]
    assert other["default_model"] == "eyes"
    assert [row["name"] for row in other["virtual"]] == ["best", "other"]


@pytest.mark.parametrize(
    "headers", [{"host": "rebound.example.com"}, {"origin": "https://elsewhere.example.com"}]
)
async def test_strange_names_and_pages_are_refused(house: House, headers: dict[str, str]) -> None:
    _, _, proxy = await house.serving(says_json({}))

    async with proxy.client() as client:
        reply = await client.get("/api/ui", headers=headers)

    assert reply.status_code == 403
