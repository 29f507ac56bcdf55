"""What was downloaded, and having it removed."""

import asyncio
from typing import Any

from tests.manager.api.conftest import House, Open

MODELS: dict[str, dict[str, Any]] = {name: {"path": None, "repo": "org/m"} for name in ("m", "n")}


def put(house: House) -> None:
    blob = house.desk.cache.blob("org/m", "e1")
    blob.parent.mkdir(parents=True)
    blob.write_bytes(b"weights")


async def test_where_nothing_was_downloaded_there_is_nothing(open_house: Open) -> None:
    house = await open_house(MODELS)

    said = (await house.http.get("/api/files")).json()

    assert (said["repositories"], said["free_bytes"]) == ([], None)


async def test_each_repository_says_what_it_takes_and_who_needs_it(open_house: Open) -> None:
    house = await open_house(MODELS)
    await asyncio.to_thread(put, house)

    said = (await house.http.get("/api/files")).json()

    (kept,) = said["repositories"]
    assert (kept["repo"], kept["bytes"], kept["models"]) == ("org/m", 7, ["m", "n"])
    assert said["free_bytes"] > 0


async def test_what_is_removed_is_gone_when_the_answer_comes(open_house: Open) -> None:
    house = await open_house(MODELS)
    await asyncio.to_thread(put, house)

    said = await house.http.delete("/api/files/org%2Fm")

    assert (said.status_code, said.json()) == (200, {"repositories": ["org/m"], "freed_bytes": 7})
    assert await asyncio.to_thread(house.desk.cache.contents) == ()


async def test_nobody_removes_what_there_is_not(open_house: Open) -> None:
    house = await open_house(MODELS)

    said = await house.http.delete("/api/files/nothing")

    assert (said.status_code, said.json()["error"]["code"]) == (404, "model_not_found")
