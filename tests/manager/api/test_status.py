"""What is going on, whole and in parts."""

import asyncio
import sqlite3
from typing import NoReturn

import pytest

from switchyard_contracts.status import GpuStatus, ManagerStatus, Phase, Queued
from switchyard_manager.gpu import Reading
from tests.manager.api.conftest import Open
from tests.manager.conftest import gpu


async def test_the_whole_status_is_at_both_of_its_addresses(open_house: Open) -> None:
    house = await open_house({"m": {}}, reading=Reading((gpu(),)))

    old, new = await house.http.get("/status"), await house.http.get("/api/status")

    status = ManagerStatus.model_validate(new.json())
    assert ManagerStatus.model_validate(old.json()) == status
    assert [model.name for model in status.models] == ["m"]
    assert status.runtime == "process"


async def test_gpus_and_queue_are_the_parts_of_the_status(open_house: Open) -> None:
    house = await open_house({"m": {}}, reading=Reading((gpu(used_mib=700),)))
    house.engines.loading.add("m")
    house.want("m")
    await house.until(lambda: house.status("m").waiting == 1)

    gpus = [GpuStatus.model_validate(one) for one in (await house.http.get("/api/gpus")).json()]
    queue = [Queued.model_validate(one) for one in (await house.http.get("/api/queue")).json()]

    assert [(card.uuid, card.used_mib) for card in gpus] == [("GPU-0", 700)]
    assert [(one.model, one.waiting) for one in queue] == [("m", 1)]


async def test_it_is_told_which_models_can_sleep(open_house: Open) -> None:
    on_gpu = {"vram_mib": 1_000, "gpus": 1}
    naps = {"extra_args": ["--naps"]}
    house = await open_house(
        {"naps": on_gpu | naps, "m": on_gpu, "cpu": naps | {"gpus": 0}}, reading=Reading((gpu(),))
    )
    for name in ("naps", "m", "cpu"):
        house.want(name, name)
        await house.until_phase(name, Phase.READY)

    status = ManagerStatus.model_validate((await house.http.get("/api/status")).json())

    assert {model.name: model.can_sleep for model in status.models} == {"naps": True, "m": False, "cpu": False}


async def test_trouble_with_the_history_is_in_the_status(
    open_house: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = await open_house({"m": {}})

    def full() -> NoReturn:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(house.desk.store, "_connected", full)
    await asyncio.to_thread(house.desk.store.write, ())
    status = (await house.http.get("/api/status")).json()

    (told,) = status["trouble"]
    assert told.startswith("cannot keep the history in ")
    assert ": database or disk is full: " in told
