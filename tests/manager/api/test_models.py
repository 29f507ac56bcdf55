"""The operator's wishes over HTTP: answered with what came of them, and the same when they are asked twice."""

import asyncio

import httpx
import pytest

from switchyard_contracts.errors import Reason
from switchyard_contracts.status import Failure, Phase
from switchyard_manager.gpu import Reading
from tests.manager.api.conftest import House, Open
from tests.manager.conftest import gpu
from tests.manager.runtimes.contract import Acts


def error_of(reply: httpx.Response) -> dict[str, str]:
    assert reply.json()["source"] == "switchyard"
    error: dict[str, str] = reply.json()["error"]
    return error


async def test_every_model_is_listed_and_each_is_found_by_name_and_alias(open_house: Open) -> None:
    house = await open_house({"m": {"aliases": ["mine"]}, "n": {}})

    listed = (await house.http.get("/api/models")).json()
    by_alias = (await house.http.get("/api/models/mine")).json()

    assert [model["name"] for model in listed] == ["m", "n"]
    assert by_alias["name"] == "m"


@pytest.mark.parametrize("name", ["a/b", "a%2Fb"])
async def test_a_name_with_a_slash_is_a_name(open_house: Open, name: str) -> None:
    house = await open_house({"a/b": {}})

    loaded = await house.http.post(f"/api/models/{name}/load", params={"wait_s": 10})
    one = await house.http.get(f"/api/models/{name}")
    explained = await house.http.get(f"/api/models/{name}/explain")
    logs = await house.http.get(f"/api/models/{name}/logs")

    assert (loaded.status_code, loaded.json()["model"]) == (200, "a/b")
    assert (one.json()["name"], one.json()["phase"]) == ("a/b", "ready")
    assert explained.json()["model"] == "a/b"
    assert logs.status_code == 200


async def test_a_load_is_answered_when_the_model_is_ready(open_house: Open) -> None:
    house = await open_house({"m": {}})

    reply = await house.http.post("/api/models/m/load", params={"wait_s": 10})

    assert reply.status_code == 200
    assert reply.json()["changed"] is True
    assert reply.json()["status"]["phase"] == "ready"


async def test_a_load_without_waiting_is_accepted_and_asking_again_changes_nothing(open_house: Open) -> None:
    house = await open_house({"m": {}})
    house.engines.loading.add("m")

    first = await house.http.post("/api/models/m/load")
    again = await house.http.post("/api/models/m/load")

    assert (first.status_code, again.status_code) == (202, 202)
    assert (first.json()["changed"], again.json()["changed"]) == (True, False)
    assert len(house.runtime.started) <= 1


async def test_a_load_that_takes_longer_than_the_wait_goes_on(open_house: Open) -> None:
    house = await open_house({"m": {}})
    house.engines.loading.add("m")

    reply = await house.http.post("/api/models/m/load", params={"wait_s": 0.05})
    house.engines.loading.clear()

    assert reply.status_code == 202
    assert reply.json()["status"]["phase"] != "ready"
    await house.until_phase("m", Phase.READY)


async def test_a_load_that_fails_is_answered_with_the_reason(open_house: Open) -> None:
    house = await open_house({"m": {}})
    house.runtime.acts["m"] = Acts(exits=1, says=("ValueError: something is wrong",))

    reply = await house.http.post("/api/models/m/load", params={"wait_s": 10})

    assert reply.status_code == 503
    assert error_of(reply)["code"] == "model_load_failed"
    failure = house.status("m").failure
    assert isinstance(failure, Failure)
    assert error_of(reply)["message"] == failure.sentence()


async def test_a_load_refused_in_the_very_step_that_heard_of_it_is_answered(open_house: Open) -> None:
    house = await open_house({"big": {"vram_mib": 90_000}}, reading=Reading((gpu(),)))

    reply = await house.http.post("/api/models/big/load", params={"wait_s": 10})

    assert reply.status_code == 503
    assert "90000 MiB" in error_of(reply)["message"]
    failure = house.status("big").failure
    assert failure is not None
    assert failure.reason is Reason.INSUFFICIENT_VRAM


@pytest.mark.parametrize("verb", ["cancel", "unload"])
async def test_whoever_waits_is_told_when_the_load_is_called_off(open_house: Open, verb: str) -> None:
    house = await open_house({"m": {}})
    house.engines.loading.add("m")

    async with asyncio.TaskGroup() as both:
        waiting = both.create_task(house.http.post("/api/models/m/load", params={"wait_s": 20}))
        await house.until_phase("m", Phase.LOADING)
        calling_off = both.create_task(house.http.post(f"/api/models/m/{verb}"))

    assert calling_off.result().json()["changed"] is True
    assert waiting.result().status_code == 503
    assert "operator" in error_of(waiting.result())["message"]


async def test_whoever_waits_for_a_model_that_is_still_leaving_is_told_when_it_is_called_off(
    open_house: Open,
) -> None:
    house = await open_house({"m": {}})
    house.want("m")
    await house.until_phase("m", Phase.READY)
    await house.until(lambda: house.status("m").in_flight == 1)
    await house.http.post("/api/models/m/unload")
    await house.until_phase("m", Phase.DRAINING)

    async with asyncio.TaskGroup() as both:
        waiting = both.create_task(house.http.post("/api/models/m/load", params={"wait_s": 20}))
        await house.until(lambda: house.status("m").waiting == 1)
        both.create_task(house.http.post("/api/models/m/unload"))

    assert waiting.result().status_code == 503
    assert "called it off" in error_of(waiting.result())["message"]


async def test_whoever_leaves_while_waiting_leaves_the_load_be(open_house: Open) -> None:
    house = await open_house({"m": {}})
    house.engines.loading.add("m")

    async with asyncio.TaskGroup() as own:
        leaving = own.create_task(house.http.post("/api/models/m/load", params={"wait_s": 20}))
        await house.until_phase("m", Phase.LOADING)
        leaving.cancel()
    house.engines.loading.clear()

    await house.until_phase("m", Phase.READY)


async def test_nobody_listens_any_more_once_a_wait_is_over(open_house: Open) -> None:
    house = await open_house({"m": {}})
    before = len(house.world.chronicle._listeners)

    await house.http.post("/api/models/m/load", params={"wait_s": 10})
    await house.http.post("/api/models/nobody/load", params={"wait_s": 10})

    assert len(house.world.chronicle._listeners) == before


@pytest.mark.parametrize("verb", ["load", "wake"])
async def test_what_waits_ends_when_the_server_does(open_house: Open, verb: str) -> None:
    house = await open_house({"m": {}})
    house.engines.loading.add("m")
    await house.http.post("/api/models/m/load")
    house.streams.close()

    reply = await house.http.post(f"/api/models/m/{verb}", params={"wait_s": 3600})

    assert reply.status_code == 202


async def test_a_model_sleeps_and_wakes_as_it_is_told_and_twice_is_once(open_house: Open) -> None:
    models = {"m": {"vram_mib": 1000, "extra_args": ["--naps"]}}
    house = await open_house(models, reading=Reading((gpu(),), ram_total_mib=64_000, ram_available_mib=60_000))
    await house.http.post("/api/models/m/load", params={"wait_s": 10})

    slept = await house.http.post("/api/models/m/sleep")
    await house.until_phase("m", Phase.ASLEEP)
    again = await house.http.post("/api/models/m/sleep")
    woken = await house.http.post("/api/models/m/wake", params={"wait_s": 10})

    assert (slept.json()["changed"], again.json()["changed"]) == (True, False)
    assert (woken.status_code, woken.json()["status"]["phase"]) == (200, "ready")


async def test_a_pin_is_set_and_taken_back_and_twice_is_once(open_house: Open) -> None:
    house = await open_house({"m": {}})

    replies = [
        (await house.http.post(f"/api/models/m/{verb}")).json() for verb in ("pin", "pin", "unpin", "unpin")
    ]

    assert [reply["changed"] for reply in replies] == [True, False, True, False]
    assert [reply["status"]["pinned"] for reply in replies] == [True, True, False, False]


async def test_what_cannot_be_done_now_is_said_with_the_way_out(open_house: Open) -> None:
    house = await open_house({"m": {}})

    reply = await house.http.post("/api/models/m/wake")

    assert reply.status_code == 409
    assert error_of(reply)["code"] == "not_possible_now"
    assert "load it" in error_of(reply)["message"]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("GET", "/explain"), ("GET", "/logs"), ("POST", "/load"), ("POST", "/pin"), ("DELETE", "")],
)
async def test_a_model_that_is_not_there_is_not_found(open_house: Open, method: str, path: str) -> None:
    house = await open_house({"m": {}})

    reply = await house.http.request(method, f"/api/models/nobody{path}")

    assert reply.status_code == 404
    assert error_of(reply)["code"] == "model_not_found"


async def test_unloading_ends_the_engine(open_house: Open) -> None:
    house = await open_house({"m": {}})
    await house.http.post("/api/models/m/load", params={"wait_s": 10})

    reply = await house.http.post("/api/models/m/unload")
    await house.until_phase("m", Phase.STOPPED)
    again = await house.http.post("/api/models/m/unload")

    assert (reply.json()["changed"], again.json()["changed"]) == (True, False)
    assert house.runtime.machine.alive() == []


async def test_the_explanation_has_the_ledgers_numbers(open_house: Open) -> None:
    house: House = await open_house(
        {"m": {"vram_mib": 20_000}, "n": {"vram_mib": 10_000}}, reading=Reading((gpu(used_mib=300),))
    )
    await house.http.post("/api/models/m/load", params={"wait_s": 10})

    explained = (await house.http.get("/api/models/n/explain")).json()

    (card,) = explained["gpus"]
    assert (card["need_mib"], card["authority"]) == (10_000, "declared")
    assert card["shortfall_mib"] == 10_000 - card["free_mib"]
    assert [one["model"] for one in card["models"]] == ["m"]
    assert explained["in_the_way"] == ["m"]
