"""Evenings to compare policies on, made from a seed. People and agents wait for each answer before they go on.

One GPU of 24 GB. Times are what such engines take on it: 35 to 50 s to load a text model of 9 to 20 GB (20 s
for one of 6), 25 s for an image model, 3 or 4 s to wake one that sleeps, 3 to 20 s for an answer, 20 to 40 s
for a picture.
"""

import random
from collections.abc import Callable
from dataclasses import replace

from tests.simulation.scenario import Client, GpuPlan, ModelPlan, Scenario, Turn

GPU = GpuPlan(total_mib=24_564, lag_s=1.5)
RAM_MIB = 65_536


def text(name: str, takes_mib: int, load_s: float) -> ModelPlan:
    return ModelPlan(name, takes_mib, load_s=load_s, wake_s=3.0, sleep_s=3.0, stop_s=4.0)


def image(name: str, takes_mib: int) -> ModelPlan:
    return ModelPlan(name, takes_mib, load_s=25.0, wake_s=4.0, sleep_s=3.0, stop_s=4.0)


def alternating_pair(chance: random.Random) -> Scenario:
    """Two people, each in a conversation with a model of their own; the two models do not fit together."""
    models = (text("chat-a", 14_000, 35.0), text("chat-b", 15_000, 40.0))
    clients = tuple(_talk(chance, model.name, 60, (10.0, 60.0), (5.0, 15.0)) for model in models)
    return _evening(models, clients)


def agent_with_sub_agents(chance: random.Random) -> Scenario:
    """Two agents at work: a large model plans, three to six calls of a smaller one do the work, and again."""
    models = (text("planner", 18_000, 45.0), text("worker", 9_000, 35.0))
    return _evening(models, tuple(_agent(chance) for _ in range(2)))


def three_chats_and_an_image(chance: random.Random) -> Scenario:
    """Three people talk with one model; a fourth makes pictures with another that does not fit beside it."""
    models = (text("chat", 16_000, 40.0), image("image", 14_000))
    chats = tuple(_talk(chance, "chat", 50, (10.0, 60.0), (5.0, 20.0)) for _ in range(3))
    return _evening(models, (*chats, _talk(chance, "image", 20, (30.0, 180.0), (20.0, 40.0))))


def family_evening(chance: random.Random) -> Scenario:
    """Four people, five models. Each asks one model a few times in a row, goes away, comes back to another."""
    models = (
        text("small", 6_000, 20.0),
        text("chat", 14_000, 35.0),
        text("large", 20_000, 50.0),
        text("code", 16_000, 40.0),
        image("image", 14_000),
    )
    return _evening(models, tuple(_bursts(chance, [model.name for model in models]) for _ in range(4)))


def sleeping(scenario: Scenario) -> Scenario:
    """The same evening, with engines that can sleep."""
    return replace(scenario, models=tuple(replace(plan, sleepy=True) for plan in scenario.models))


def _evening(models: tuple[ModelPlan, ...], clients: tuple[Client, ...]) -> Scenario:
    return Scenario(models, gpus=(GPU,), clients=clients, ram_mib=RAM_MIB, wire_s=0.002, tick_s=0.5)


def _talk(
    chance: random.Random, model: str, turns: int, pause_s: tuple[float, float], lasts_s: tuple[float, float]
) -> Client:
    made = tuple(Turn(chance.uniform(*pause_s), model, chance.uniform(*lasts_s)) for _ in range(turns))
    return Client(made, starts_at=chance.uniform(0.0, 30.0))


def _agent(chance: random.Random) -> Client:
    turns: list[Turn] = []
    for _ in range(20):
        turns.append(Turn(chance.uniform(0.2, 2.0), "planner", chance.uniform(6.0, 15.0)))
        turns += [
            Turn(chance.uniform(0.2, 1.0), "worker", chance.uniform(3.0, 8.0))
            for _ in range(chance.randint(3, 6))
        ]
    return Client(tuple(turns), starts_at=chance.uniform(0.0, 30.0))


def _bursts(chance: random.Random, models: list[str]) -> Client:
    turns: list[Turn] = []
    for _ in range(12):
        model = chance.choice(models)
        away_s = chance.uniform(60.0, 480.0)
        for place in range(chance.randint(3, 8)):
            pause_s = chance.uniform(2.0, 15.0) if place else away_s
            turns.append(Turn(pause_s, model, chance.uniform(5.0, 20.0)))
    return Client(tuple(turns), starts_at=chance.uniform(0.0, 120.0))


WORKLOADS: dict[str, Callable[[random.Random], Scenario]] = {
    "alternating pair": alternating_pair,
    "agent with sub-agents": agent_with_sub_agents,
    "3 chats + 1 image": three_chats_and_an_image,
    "bursty family evening": family_evening,
}
