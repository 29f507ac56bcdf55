"""The simulated GPUs are what the scheduler's tests believe: they are held to their word here."""

from collections.abc import Callable

import pytest

from switchyard_manager.gpu import GpuReading, Meter, held_mib, strangers
from tests.manager.simulated_card import Lie, OutOfMemory, SimulatedCard, SimulatedMachine


class Clock:
    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def card(clock: Clock) -> SimulatedCard:
    return SimulatedCard("GPU-1", 24_000, clock)


def seen(meter: Meter) -> GpuReading:
    (gpu,) = meter.read().gpus
    return gpu


def test_what_is_taken_is_measured_and_what_is_given_back_is_free(card: SimulatedCard) -> None:
    card.take("a-1", 8_000)
    card.take("a-1", 2_000)
    card.take("b-1", 1_000)

    assert seen(card).used_mib == 11_000
    card.give_back("a-1")

    assert seen(card).used_mib == 1_000
    assert [holder.used_mib for holder in seen(card).holders] == [1_000]


def test_an_instance_that_falls_asleep_gives_a_part_back_and_stays_a_holder(card: SimulatedCard) -> None:
    card.take("a-1", 8_000)

    card.give_back("a-1", 7_000)

    assert held_mib(card.read(), card.pids()) == {"a-1": {"GPU-1": 1_000}}


def test_taking_more_than_there_is_fails_and_takes_nothing(card: SimulatedCard) -> None:
    card.take("a-1", 20_000)

    with pytest.raises(OutOfMemory, match="b-1 wants 5000 MiB of GPU-1, 4000 MiB are free"):
        card.take("b-1", 5_000)

    assert (card.used_mib, set(card.pids())) == (20_000, {"a-1"})


def test_memory_comes_back_only_after_the_lag(card: SimulatedCard, clock: Clock) -> None:
    card.lag_s = 1.5
    card.take("a-1", 20_000)
    card.give_back("a-1")

    with pytest.raises(OutOfMemory):
        card.take("b-1", 20_000)
    assert (seen(card).used_mib, seen(card).holders) == (20_000, ())
    clock.at += 1.5

    card.take("b-1", 20_000)
    assert seen(card).used_mib == 20_000


def test_what_leaks_never_comes_back(card: SimulatedCard, clock: Clock) -> None:
    card.leaks_mib = 500
    for _ in range(2):
        card.take("a-1", 8_000)
        card.give_back("a-1")
    clock.at += 1e6

    assert seen(card).used_mib == 1_000


def test_a_stranger_comes_and_goes(card: SimulatedCard) -> None:
    card.take("a-1", 1_000)
    card.stranger(77, "game", 6_000)

    (found,) = strangers(seen(card), card.pids())
    assert (found.pid, found.name, found.used_mib) == (77, "game", 6_000)

    card.stranger(77, "game", 0)
    assert (seen(card).used_mib, strangers(seen(card), card.pids())) == (1_000, ())


@pytest.mark.parametrize(
    ("lie", "told"), [(None, 9_000), (Lie.SILENT, None), (Lie.STALE, 1_000), (Lie.LOW, 4_500)]
)
def test_a_lying_card_misleads_the_meter_but_not_the_engines(
    card: SimulatedCard, lie: Lie | None, told: int | None
) -> None:
    card.take("a-1", 1_000)
    card.read()
    card.lie = lie
    card.take("a-1", 8_000)

    assert seen(card).used_mib == told
    assert card.free_mib == 15_000


def test_a_card_that_stops_lying_tells_the_truth_again(card: SimulatedCard) -> None:
    card.read()
    card.lie = Lie.STALE
    card.take("a-1", 1_000)
    card.read()

    card.lie = None

    assert seen(card).used_mib == 1_000


def test_a_card_that_is_gone_is_absent_and_the_others_are_still_told(clock: Callable[[], float]) -> None:
    lost, other = (SimulatedCard(uuid, 8_000, clock) for uuid in ("GPU-1", "GPU-2"))
    machine = SimulatedMachine([lost, other])
    lost.lie = Lie.GONE

    reading = machine.read()

    assert [gpu.uuid for gpu in reading.gpus] == ["GPU-2"]
    assert reading.fault is not None
    assert "GPU-1" in reading.fault


def test_an_instance_over_two_cards_has_a_process_on_each(clock: Callable[[], float]) -> None:
    machine = SimulatedMachine([SimulatedCard(uuid, 8_000, clock) for uuid in ("GPU-1", "GPU-2")])
    machine.card("GPU-1").take("a-1", 100)
    machine.card("GPU-2").take("a-1", 200)

    assert len(machine.pids()["a-1"]) == 2
    assert held_mib(machine.read(), machine.pids()) == {"a-1": {"GPU-1": 100, "GPU-2": 200}}


def test_sleepers_keep_ram_until_they_do_not() -> None:
    machine = SimulatedMachine([], ram_total_mib=1_000)
    machine.keep_in_ram("a-1", 800)

    with pytest.raises(OutOfMemory):
        machine.keep_in_ram("b-1", 300)
    assert machine.read().ram_available_mib == 200

    machine.keep_in_ram("a-1", 0)
    assert machine.read().ram_available_mib == 1_000
