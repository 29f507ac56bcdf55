"""Entries of models.json over the network: written as the operator would, checked whole, effective at once."""

import asyncio
import contextlib
import json
from typing import Any

import pytest

from switchyard_contracts.errors import ErrorEnvelope
from switchyard_contracts.events import EventKind
from switchyard_contracts.status import Phase
from switchyard_manager import catalog_file
from tests.manager.api.conftest import House, Open

ENTRY = {"type": "text", "engine": "vllm", "repo": "maker/new"}


async def written(house: House) -> dict[str, Any]:
    models: dict[str, Any] = json.loads(await asyncio.to_thread(house.file.read_text))["models"]
    return models


async def test_a_new_model_is_there_at_once(open_house: Open) -> None:
    house = await open_house({"m": {}})

    reply = await house.http.put("/api/models/new", json=ENTRY)
    loaded = await house.http.post("/api/models/new/load", params={"wait_s": 10})

    assert (reply.status_code, reply.json()["changed"]) == (201, True)
    assert reply.json()["status"]["name"] == "new"
    assert loaded.status_code == 200
    assert (await written(house))["new"] == ENTRY


async def test_a_name_with_slashes_is_written_as_it_is(open_house: Open) -> None:
    house = await open_house({"m": {}})

    reply = await house.http.put("/api/models/maker/model:7b/load", json=ENTRY)

    assert reply.status_code == 201
    assert "maker/model:7b/load" in await written(house)


async def test_a_change_acts_at_once_and_the_same_again_changes_nothing(open_house: Open) -> None:
    house = await open_house({"m": {}})
    entry = {"type": "text", "engine": "vllm", "path": "/x", "aliases": ["mine"]}

    first = await house.http.put("/api/models/m", json=entry)
    again = await house.http.put("/api/models/m", json=entry)

    assert (first.status_code, again.status_code) == (200, 200)
    assert (first.json()["changed"], again.json()["changed"]) == (True, False)
    assert (await house.http.get("/api/models/mine")).json()["name"] == "m"


async def test_all_faults_are_said_at_once_with_their_places_and_the_file_stays(open_house: Open) -> None:
    house = await open_house({"m": {}})
    before = await asyncio.to_thread(house.file.read_bytes)

    reply = await house.http.put("/api/models/new", json={**ENTRY, "typ": "text", "vram_mib": -1})

    error = ErrorEnvelope.model_validate(reply.json()).error
    assert (reply.status_code, error.code) == (400, "invalid_value")
    assert "models.new.typ" in error.message
    assert "models.new.vram_mib" in error.message
    assert error.param in {"models.new.typ", "models.new.vram_mib"}
    assert await asyncio.to_thread(house.file.read_bytes) == before


async def test_what_can_run_programs_is_not_set_over_the_network(open_house: Open) -> None:
    house = await open_house({"m": {}})

    reply = await house.http.put("/api/models/new", json={**ENTRY, "env": {"LD_PRELOAD": "/x"}})

    error = ErrorEnvelope.model_validate(reply.json()).error
    assert (reply.status_code, error.code, error.param) == (403, "not_allowed", "env")
    assert "SWITCHYARD_ALLOW_REMOTE_SPECS=1" in error.message
    assert "new" not in await written(house)


async def test_the_operator_may_allow_it(open_house: Open) -> None:
    house = await open_house({"m": {}}, allows_remote_specs=True)

    reply = await house.http.put("/api/models/new", json={**ENTRY, "env": {"A": "b"}})

    assert reply.status_code == 201


async def test_a_removed_model_is_gone_once_its_engine_is(open_house: Open) -> None:
    house = await open_house({"m": {}, "n": {}})
    await house.http.post("/api/models/m/load", params={"wait_s": 10})

    reply = await house.http.delete("/api/models/m")
    again = await house.http.delete("/api/models/m")

    assert (reply.status_code, reply.json()["changed"]) == (200, True)
    assert again.status_code == 404
    await house.until(lambda: house.desk.model("m") is None)
    assert house.runtime.machine.alive() == []
    assert list(await written(house)) == ["n"]


async def test_the_last_model_is_not_removed(open_house: Open) -> None:
    house = await open_house({"m": {}})

    reply = await house.http.delete("/api/models/m")

    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "invalid_value")
    assert house.status("m").phase is Phase.STOPPED


async def test_many_edits_at_once_are_all_done(open_house: Open) -> None:
    house = await open_house({"m": {}})

    async with asyncio.TaskGroup() as all_of_them:
        edits = [
            all_of_them.create_task(house.http.put(f"/api/models/new-{number}", json=ENTRY))
            for number in range(8)
        ]

    assert {edit.result().status_code for edit in edits} == {201}
    assert len(await written(house)) == 9
    assert len(house.world.catalog.models) == 9


async def test_a_file_that_cannot_be_read_is_said_to_be_so(open_house: Open) -> None:
    house = await open_house({"m": {}})
    await asyncio.to_thread(house.file.unlink)

    reply = await house.http.put("/api/models/new", json=ENTRY)

    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "not_possible_now")


@pytest.mark.parametrize("times", [1, 3])
async def test_whoever_follows_the_file_finds_nothing_new_after_an_edit(open_house: Open, times: int) -> None:
    house = await open_house({"m": {}})
    found: list[str] = []

    def tell(catalog: Any) -> None:
        found.append(",".join(catalog.models))
        house.editor.tell(catalog)

    async with asyncio.TaskGroup() as own:
        following = own.create_task(
            catalog_file.follow(house.file, tell, lambda _: None, known=house.world.catalog)
        )
        for number in range(times):
            await house.http.put(f"/api/models/new-{number}", json=ENTRY)
        with contextlib.suppress(TimeoutError):
            await house.until(lambda: bool(found) and found[-1].endswith(f"new-{times - 1}"))
        following.cancel()
    await house.http.post("/api/models/m/pin")  # all that was posted before has been heard

    told = [event for event in house.world.chronicle.recent if event.kind is EventKind.CATALOG]
    assert found
    assert len(told) == times
