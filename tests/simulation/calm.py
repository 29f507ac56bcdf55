"""Evenings on which nothing goes wrong, and how long anybody may have to wait in one. Arithmetic only."""

from switchyard_manager.scheduler.ledger import MEMORY_BACK_S
from tests.simulation.engines import LAUNCH_S, PROVE_S, WORD_S
from tests.simulation.scenario import Ask, Fetch, Load, ModelPlan, Scenario, Sleep, Stop, Wake


def is_calm(scenario: Scenario) -> bool:
    """Every engine does what it should, every GPU tells the truth, every request ends, and all would fit."""
    return (
        all(isinstance(step, Ask) and step.lasts_s is not None for step in scenario.steps)
        and all(gpu.leaks_mib == 0 and gpu.lie is None for gpu in scenario.gpus)
        and all(_is_well(plan) and _would_fit(plan, scenario) for plan in scenario.models)
    )


def _is_well(plan: ModelPlan) -> bool:
    fates = (*plan.loads, *plan.stops, *plan.sleeps, *plan.wakes, *plan.fetches)
    well = set(fates) <= {Load.WELL, Stop.WELL, Sleep.WELL, Wake.WELL, Fetch.WELL}
    in_time = plan.load_s + LAUNCH_S + PROVE_S < plan.startup_timeout_s
    return well and in_time and not plan.pinned and plan.drain_limit_s is None


def _would_fit(plan: ModelPlan, scenario: Scenario) -> bool:
    reserve = scenario.settings.vram_reserve_mib
    gpus = scenario.gpus
    if isinstance(plan.gpus, tuple):
        chosen = [gpus[int(uuid.rpartition("-")[2])] for uuid in plan.gpus if int(uuid[-1]) < len(gpus)]
        return len(chosen) == len(plan.gpus) and all(
            plan.takes_mib + reserve <= gpu.total_mib for gpu in chosen
        )
    count = plan.gpus if plan.gpus is not None else plan.tensor_parallel or 1
    if not gpus and plan.gpus is None:
        return True
    # Where nothing is known of its needs it may be given any of them.
    enough = [gpu for gpu in gpus if plan.takes_mib + reserve <= gpu.total_mib]
    return len(enough) >= count and (plan.declared or len(enough) == len(gpus))


def longest_wait_s(scenario: Scenario) -> float:
    """After `max_wait_s` a model is overdue, and of those the one that has waited longest comes first. So every
    other model comes before it at most once, each for a whole turn: its residence, its last request, its way
    out, the memory that comes back late, and the next one's way in.
    """
    settings, models = scenario.settings, scenario.models
    requests = [step.lasts_s or 0.0 for step in scenario.steps if isinstance(step, Ask)]
    requests += [turn.lasts_s for client in scenario.clients for turn in client.turns]
    longest = max(requests, default=0.0)
    way_out = max((max(plan.stop_s, plan.sleep_s) for plan in models), default=0.0)
    way_in = max((max(plan.load_s, plan.wake_s) for plan in models), default=0.0) + LAUNCH_S + PROVE_S
    words = 4 * (WORD_S + scenario.wire_s) + 3 * scenario.tick_s
    # At worst one download after the other, its own last.
    files = sum(plan.fetch_s + 2 * words for plan in models if plan.fetch_s)
    turn = settings.min_resident_s + longest + way_out + MEMORY_BACK_S + way_in + words
    return files + settings.max_wait_s + len(models) * turn
