"""What the simulation has found, each reduced to the few steps that it takes."""

from switchyard_contracts.catalog import Settings
from switchyard_manager.supervise.commands import Verb
from tests.simulation.engines import At
from tests.simulation.scenario import (
    ENDLESS,
    Ask,
    GpuPlan,
    ModelPlan,
    Order,
    Reload,
    Restart,
    Scenario,
    Stick,
    Stop,
)
from tests.simulation.simulator import Simulation


def test_memory_that_does_not_show_as_free_yet_is_no_reason_to_refuse() -> None:
    models = (ModelPlan("small", 8_000), ModelPlan("large", 40_000))
    asks = (Ask(1.0, "large", 1.0), Ask(100.0, "small", 1.0), Ask(101.5, "large", 1.0))
    scenario = Scenario(models, (GpuPlan(48_000, lag_s=6.0),), asks)

    outcome = Simulation(scenario).run()

    assert len(outcome.waits) == len(asks)


def test_what_a_sleeper_keeps_of_a_gpu_is_not_taken_for_a_strangers() -> None:
    models = (ModelPlan("nearly-all", 23_000, sleepy=True, idle_unload_s=15.0), ModelPlan("other", 8_000))
    asks = (Ask(1.0, "nearly-all"), Ask(200.0, "other", 20.0), Ask(205.0, "nearly-all"))

    outcome = Simulation(Scenario(models, (GpuPlan(24_000),), asks)).run()

    assert len(outcome.waits) == len(asks)


def test_who_runs_out_of_memory_beside_a_sleeper_is_tried_again_without_it() -> None:
    models = (
        ModelPlan("sleeper", 8_000, sleepy=True, asleep_mib=1_500),
        ModelPlan("unknown", 23_000, declared=False),
    )
    asks = (Ask(1.0, "sleeper", 1.0), Ask(100.0, "unknown", 1.0))
    simulation = Simulation(Scenario(models, (GpuPlan(24_000),), asks))

    outcome = simulation.run()

    assert [one.denied for one in outcome.requests] == [None, None]
    assert [one.at for one in simulation.engines.runs.values()] == [At.GONE, At.GONE, At.UP]


def test_an_operator_who_cancels_while_an_engine_is_proved_again_cuts_no_stream() -> None:
    steps = (Ask(1.0, "m", 200.0), Restart(100.0), Order(102.8, Verb.CANCEL, "m"))

    outcome = Simulation(Scenario((ModelPlan("m"),), steps=steps)).run()

    (stream,) = outcome.requests
    assert stream.cut is None


def test_a_model_removed_while_its_engine_is_proved_again_finishes_its_streams() -> None:
    models = (ModelPlan("m"), ModelPlan("other"))
    steps = (Ask(1.0, "m", 200.0), Restart(100.0), Reload(102.6, "m", removed=True))

    outcome = Simulation(Scenario(models, steps=steps)).run()

    assert outcome.requests[0].cut is None


def test_an_engine_that_is_stuck_while_it_drains_is_found_out() -> None:
    models = (ModelPlan("stuck", 20_000), ModelPlan("next", 20_000))
    steps = (Ask(1.0, "stuck", ENDLESS), Stick(100.0, "stuck"), Ask(110.0, "next"), Ask(1_000.0, "next"))

    outcome = Simulation(Scenario(models, steps=steps)).run()

    assert outcome.requests[1].began_at is not None
    assert outcome.requests[1].began_at < 300.0


def test_a_stray_that_would_not_stop_is_told_again() -> None:
    models = (ModelPlan("m", stops=(Stop.FAILS, Stop.WELL)), ModelPlan("other"))
    steps = (Ask(1.0, "m", 1.0), Restart(100.0), Reload(101.0, "m", removed=True), Ask(200.0, "other"))
    simulation = Simulation(Scenario(models, steps=steps))

    simulation.run()

    assert simulation.engines.of("m") is None


def test_a_sleeper_is_not_thrown_out_for_what_it_held_while_it_was_awake() -> None:
    models = (ModelPlan("sleeper", 20_000, sleepy=True), ModelPlan("other", 20_000))
    asks = (Ask(1.0, "sleeper", 1.0), Ask(100.0, "other", 1.0), Ask(200.0, "sleeper", 1.0))
    simulation = Simulation(Scenario(models, steps=asks))

    simulation.run()

    assert [one.model for one in simulation.engines.runs.values()] == ["sleeper", "other"]


def test_a_stop_that_failed_is_not_tried_again_while_another_engine_stops_on_that_gpu() -> None:
    stubborn = ModelPlan("stubborn", load_s=2.0, idle_unload_s=15.0, stops=(Stop.FAILS, Stop.WELL))
    slow = ModelPlan("slow", load_s=2.0, idle_unload_s=15.0, stop_s=8.0)
    asks = (Ask(1.0, "stubborn", 1.0), Ask(6.0, "slow", 1.0), Ask(20.0, "slow", 1.0), Ask(34.0, "slow", 1.0))

    Simulation(Scenario((stubborn, slow), steps=(*asks, Ask(200.0, "slow", 1.0)))).run()


def test_room_that_was_made_for_a_sleeper_is_not_taken_from_it() -> None:
    """Two sleepers and a third, each needing most of the GPU, asked for at every moment."""
    models = tuple(ModelPlan(name, 20_000, sleepy=name != "c", load_s=10.0) for name in "abc")
    asks = tuple(Ask(7.0 * place, "abc"[place % 3], 3.0) for place in range(90))

    outcome = Simulation(
        Scenario(models, steps=asks, settings=Settings(max_wait_s=20.0, min_resident_s=5.0))
    ).run()

    assert len(outcome.waits) == len(asks)
