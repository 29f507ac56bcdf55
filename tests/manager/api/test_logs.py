"""Logs over HTTP: as text, and as they grow."""

import asyncio
from contextlib import aclosing
from pathlib import Path

from switchyard_manager.api.log_lines import Followed
from switchyard_manager.api.logs import follow_log
from switchyard_manager.api.sse import KEEP_ALIVE
from tests.manager.api.conftest import House, Open, Serve, frames


def write(house: House, text: str, *, new_run: bool = False) -> None:
    if new_run:
        house.desk.logs.fresh("m").close()
    with house.desk.logs.current("m").open("a") as opened:
        opened.write(text)


async def test_the_last_lines_are_plain_text_of_either_run(open_house: Open) -> None:
    house = await open_house({"m": {}})
    await asyncio.to_thread(write, house, "old 1\nold 2\n", new_run=True)
    await asyncio.to_thread(write, house, "new 1\nnew 2\nnew 3\n", new_run=True)

    new = await house.http.get("/api/models/m/logs", params={"lines": 2})
    old = await house.http.get("/api/models/m/logs", params={"run": "previous"})

    assert new.headers["content-type"] == "text/plain; charset=utf-8"
    assert (new.text, old.text) == ("new 2\nnew 3\n", "old 1\nold 2\n")


async def test_a_model_that_never_ran_has_said_nothing(open_house: Open) -> None:
    house = await open_house({"m": {}})

    reply = await house.http.get("/api/models/m/logs")

    assert (reply.status_code, reply.text) == (200, "")


async def test_a_followed_log_goes_on_and_says_when_a_new_run_begins(open_house: Open, serve: Serve) -> None:
    house = await open_house({"m": {}})
    await asyncio.to_thread(write, house, "one\ntwo\n", new_run=True)

    async with (
        serve(house) as client,
        client.stream("GET", "/api/models/m/logs", params={"follow": "true", "lines": 1}) as reply,
        aclosing(frames(reply)) as told,  # type: ignore[type-var]
    ):
        first = await anext(told)
        await asyncio.to_thread(write, house, 'three "quoted"\n')
        second = await anext(told)
        await asyncio.to_thread(write, house, "four\n", new_run=True)
        then = [await anext(told) for _ in range(2)]

    assert (first.event, first.said) == ("line", "two")
    assert second.said == 'three "quoted"'
    assert [frame.event for frame in then] == ["new_run", "line"]
    assert then[1].said == "four"


async def test_the_previous_run_cannot_be_followed(open_house: Open) -> None:
    house = await open_house({"m": {}})

    reply = await house.http.get("/api/models/m/logs", params={"follow": "true", "run": "previous"})

    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == "run"


async def test_a_silent_log_is_kept_alive(tmp_path: Path) -> None:
    log = Followed(tmp_path / "current.log", tmp_path / "previous.log", 10)

    async with aclosing(follow_log(log, keep_alive_s=0.01)) as told:
        assert await anext(told) == KEEP_ALIVE
