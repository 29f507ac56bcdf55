"""What happened, from the store and from what is not written yet."""

from switchyard_contracts.events import EventKind, ManagerEvent, RunRecord
from switchyard_contracts.status import Phase
from tests.manager.api.conftest import House, Open


async def history(house: House, **params: object) -> list[ManagerEvent]:
    reply = await house.http.get("/api/history", params=params)  # type: ignore[arg-type]
    return [ManagerEvent.model_validate(one) for one in reply.json()]


def tell(house: House, count: int, model: str = "m") -> None:
    for _ in range(count):
        house.world.chronicle.tell(EventKind.MANAGER, 0, model)


async def test_what_just_happened_is_history_already_and_is_told_once(open_house: Open) -> None:
    house = await open_house({"m": {}})
    tell(house, 10)
    await house.until(lambda: house.desk.store.last_seq() == house.world.chronicle.seq)
    tell(house, 5)

    told = await history(house)

    last = house.world.chronicle.seq
    assert [event.seq for event in told][-15:] == list(range(last - 14, last + 1))


async def test_history_is_narrowed_by_model_number_and_count(open_house: Open) -> None:
    house = await open_house({"m": {"aliases": ["mine"]}, "n": {}})
    tell(house, 5, "n")
    tell(house, 5, "m")
    house.world.chronicle.tell(EventKind.PROGRESS, 0, "m", text="weights 5 %")
    last = house.world.chronicle.seq

    of_m = await history(house, model="mine")
    newest = await history(house, limit=2)
    later = await history(house, after=last - 3)

    assert {event.model for event in of_m} == {"m"}
    assert [event.seq for event in newest] == [last - 2, last - 1]
    assert [event.seq for event in later] == [last - 2, last - 1]


async def test_the_runs_are_told_with_their_ends(open_house: Open) -> None:
    house = await open_house({"m": {}, "n": {}})
    for model in ("m", "n"):
        await house.http.post(f"/api/models/{model}/load", params={"wait_s": 10})
    await house.http.post("/api/models/m/unload")
    await house.until_phase("m", Phase.STOPPED)
    await house.until(lambda: any(run.ended_at for run in house.desk.store.runs("m")))

    runs = [RunRecord.model_validate(one) for one in (await house.http.get("/api/runs")).json()]
    of_m = (await house.http.get("/api/runs", params={"model": "m", "limit": 1})).json()

    assert {run.model for run in runs} == {"m", "n"}
    assert of_m[0]["ended_because"] == "asked by the operator"
