"""Make up an evening. What is chosen comes from a `Dice`: seeded chance for breadth, hypothesis for shrinking.

The first choice of each list is the plainest, because that is where hypothesis shrinks to.
"""

import random
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from hypothesis import strategies as st

from switchyard_contracts.catalog import Settings, SleepPolicy
from switchyard_manager.supervise.commands import Verb
from tests.manager.simulated_card import Lie
from tests.simulation.scenario import (
    ENDLESS,
    Ask,
    Client,
    Crash,
    Disconnect,
    Doubt,
    Fetch,
    GpuPlan,
    Load,
    ModelPlan,
    Order,
    Reload,
    Restart,
    Scenario,
    Sleep,
    Step,
    Stick,
    Stop,
    Stranger,
    Turn,
    Wake,
    uuid,
)

T = TypeVar("T")
NAMES = "abcdef"
SIZES_MIB = (8_000, 2_000, 5_000, 11_000, 15_000, 20_000, 23_000, 40_000)
LOADS_S = (2.0, 5.0, 10.0, 30.0, 60.0, 100.0)
REQUESTS_S = (1.0, 0.0, 0.3, 5.0, 20.0, 60.0)
GAPS_S = (1.0, 0.0, 0.1, 3.0, 10.0, 40.0, 150.0)


class Dice(Protocol):
    def pick(self, options: Sequence[T]) -> T: ...

    def many(self, low: int, high: int) -> int: ...


class Seeded:
    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def pick(self, options: Sequence[T]) -> T:
        return options[int(self._random.random() * len(options))]

    def many(self, low: int, high: int) -> int:
        return low + int(self._random.random() * (high - low + 1))


class Drawn:
    """By hypothesis."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def pick(self, options: Sequence[T]) -> T:
        return options[self.many(0, len(options) - 1)]

    def many(self, low: int, high: int) -> int:
        return self._draw(st.integers(low, high))


@st.composite
def drawn(draw: st.DrawFn, kind: Callable[[Dice], Scenario]) -> Scenario:
    return kind(Drawn(draw))


def sometimes(dice: Dice, value: T, otherwise: T, *, in_: int = 4) -> T:
    return value if dice.pick(range(in_)) == in_ - 1 else otherwise


def calm_evening(dice: Dice) -> Scenario:
    """Nothing goes wrong, all would fit: whoever asks must be served, and in time."""
    gpus = tuple(
        GpuPlan(dice.pick((24_000, 48_000)), lag_s=dice.pick((0.0, 1.0, 6.0))) for _ in range(dice.many(1, 3))
    )
    models = tuple(_well(dice, name, gpus) for name in NAMES[: dice.many(1, 5)])
    return Scenario(
        models=models,
        gpus=gpus,
        steps=tuple(_asks(dice, models, dice.many(1, 40), ends=True)),
        clients=tuple(_client(dice, models) for _ in range(dice.many(0, 3))),
        settings=_settings(dice),
        ram_mib=dice.pick((64_000, 0, 16_000, 32_000)),
        proxies=dice.pick((1, 2)),
        wire_s=dice.pick((0.05, 0.0, 0.5)),
    )


def rough_evening(dice: Dice) -> Scenario:
    """Whatever can go wrong may."""
    gpus = tuple(_gpu(dice) for _ in range(dice.pick((1, 0, 1, 2, 2, 3, 4))))
    models = tuple(_any_model(dice, name, gpus) for name in NAMES[: dice.many(1, 5)])
    asks = list(_asks(dice, models, dice.many(1, 30), ends=False))
    lasts_s = asks[-1].at + 60.0
    faults = [_fault(dice, models, dice.many(0, 100) / 100 * lasts_s) for _ in range(dice.many(0, 12))]
    return Scenario(
        models=models,
        gpus=gpus,
        steps=tuple(sorted([*asks, *faults], key=lambda step: step.at)),
        clients=tuple(_client(dice, models) for _ in range(dice.many(0, 2))),
        settings=_settings(dice),
        ram_mib=dice.pick((64_000, 0, 8_000, 24_000)),
        proxies=dice.pick((1, 2)),
        wire_s=dice.pick((0.05, 0.0, 0.5, 2.0)),
    )


def _settings(dice: Dice) -> Settings:
    max_wait_s = dice.pick((120.0, 20.0, 60.0, 300.0))
    return Settings(
        vram_reserve_mib=dice.pick((512, 0)),
        ram_reserve_mib=dice.pick((2_048, 0)),
        max_wait_s=max_wait_s,
        min_resident_s=dice.pick((30.0, 0.0, 5.0, 0.5 * max_wait_s)),
        ageing_s=dice.pick((30.0, 5.0)),
        load_cancel_grace_s=dice.pick((30.0, 0.0, 5.0)),
    )


def _well(dice: Dice, name: str, gpus: Sequence[GpuPlan]) -> ModelPlan:
    smallest = min(gpu.total_mib for gpu in gpus)
    size = dice.pick([mib for mib in SIZES_MIB if mib + 512 <= smallest])
    count = dice.pick(range(1, len(gpus) + 1))
    where = sometimes(dice, tuple(uuid(index) for index in range(count)), None)
    return ModelPlan(
        name=name,
        takes_mib=size,
        declared=sometimes(dice, False, True),  # noqa: FBT003  # a choice like any other
        fills_share=sometimes(dice, True, False),  # noqa: FBT003
        gpus=where,
        tensor_parallel=None if where else sometimes(dice, count, None),
        priority=dice.pick((0, 0, 1, -1, 5)),
        sleepy=dice.pick((False, True)),
        idle_unload_s=dice.pick((900.0, 15.0, 60.0)),
        load_s=dice.pick(LOADS_S),
        wake_s=dice.pick((1.0, 0.3, 3.0)),
        sleep_s=dice.pick((1.0, 0.3, 4.0)),
        stop_s=dice.pick((1.0, 0.1, 8.0)),
        asleep_mib=dice.pick((500, 1_500, 3_000)),
        fetch_s=dice.pick((0.0, 0.0, 5.0, 90.0)),
    )


def _any_model(dice: Dice, name: str, gpus: Sequence[GpuPlan]) -> ModelPlan:
    where: int | tuple[str, ...] | None = dice.pick((None, None, None, 0, 1, 2, (uuid(0),), (uuid(0), uuid(1))))
    return ModelPlan(
        name=name,
        takes_mib=dice.pick(SIZES_MIB),
        declared=sometimes(dice, False, True),  # noqa: FBT003
        fills_share=sometimes(dice, True, False),  # noqa: FBT003
        gpus=where,
        tensor_parallel=sometimes(dice, 2, None) if where is None else None,
        pinned=sometimes(dice, True, False, in_=6),  # noqa: FBT003
        preload=sometimes(dice, True, False, in_=6),  # noqa: FBT003
        priority=dice.pick((0, 0, 1, -1, 5)),
        sleepy=dice.pick((False, True)),
        sleep=sometimes(dice, SleepPolicy.OFF, SleepPolicy.AUTO, in_=5),
        drain_limit_s=sometimes(dice, dice.pick((10.0, 0.5)), None),
        idle_unload_s=dice.pick((900.0, 15.0, None)),
        startup_timeout_s=dice.pick((300.0, 40.0)),
        load_s=dice.pick(LOADS_S),
        wake_s=dice.pick((1.0, 0.3, 3.0)),
        sleep_s=dice.pick((1.0, 0.3, 4.0)),
        stop_s=dice.pick((1.0, 0.1, 8.0)),
        asleep_mib=dice.pick((500, 1_500, 3_000)),
        loads=_fates(dice, Load),
        stops=_fates(dice, Stop),
        sleeps=_fates(dice, Sleep),
        wakes=_fates(dice, Wake),
        fetch_s=dice.pick((0.0, 0.0, 5.0, 90.0)),
        fetches=_fates(dice, Fetch),
    )


def _fates(dice: Dice, kind: type[T]) -> tuple[T, ...]:
    """Mostly well; never only ill, or nothing could come to rest."""
    well = next(iter(kind))  # type: ignore[call-overload]
    ill = tuple(dice.pick(list(kind)) for _ in range(dice.pick((0, 0, 1, 2))))  # type: ignore[call-overload]
    return (*ill, well) if dice.pick((False, True)) else (well, *ill)


def _gpu(dice: Dice) -> GpuPlan:
    return GpuPlan(
        total_mib=dice.pick((24_000, 8_000, 48_000)),
        lag_s=dice.pick((0.0, 1.0, 6.0, 30.0)),
        leaks_mib=sometimes(dice, dice.pick((300, 4_000)), 0, in_=6),
        lie=sometimes(dice, dice.pick(list(Lie)), None, in_=6),
    )


def _asks(dice: Dice, models: Sequence[ModelPlan], number: int, *, ends: bool) -> list[Ask]:
    asks: list[Ask] = []
    at = 0.0
    for _ in range(number):
        at += dice.pick(GAPS_S)
        lasts_s = dice.pick(REQUESTS_S)
        asks.append(
            Ask(
                at=at,
                model=dice.pick(models).name,
                lasts_s=lasts_s if ends else sometimes(dice, ENDLESS, lasts_s, in_=20),
                proxy=dice.pick((0, 1)),
                patience_s=None if ends else dice.pick((600.0, 0.5, 10.0, 60.0)),
            )
        )
    return asks


def _client(dice: Dice, models: Sequence[ModelPlan]) -> Client:
    turns = tuple(
        Turn(dice.pick((0.0, 0.5, 5.0)), dice.pick(models).name, dice.pick(REQUESTS_S))
        for _ in range(dice.many(1, 12))
    )
    return Client(turns, starts_at=dice.pick(GAPS_S), proxy=dice.pick((0, 1)))


def _fault(dice: Dice, models: Sequence[ModelPlan], at: float) -> Step:
    model = dice.pick(models).name
    match dice.pick(range(9)):
        case 0:
            return Order(at, dice.pick(list(Verb)), model)
        case 1:
            return Crash(at, model)
        case 2:
            return Disconnect(at, dice.pick((0, 1)), dice.pick((0.5, 0.1, 5.0, 40.0)))
        case 3:
            return Restart(at, dice.pick((2.0, 0.5, 20.0)), forgets=dice.pick((False, True)))
        case 4:
            return Reload(at, model, removed=dice.pick((False, True)))
        case 5:
            for_s = dice.pick((20.0, 200.0, None))
            return Stranger(at, dice.pick(range(4)), dice.pick((3_000, 500, 20_000)), for_s)
        case 6:
            return Stick(at, model)
        case _:
            return Doubt(at, model, dice.pick((0, 1)), rightly=dice.pick((False, True)))
