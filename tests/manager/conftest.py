"""What the manager's tests share: a catalog in a line, a proxy that writes down what it hears, real engines."""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from switchyard_contracts.catalog import Catalog, Engine, Model, SleepPolicy, read_catalog
from switchyard_contracts.grants import FromManager, Hello, Want
from switchyard_contracts.status import Failure, Phase
from switchyard_manager.engines import Adapter, Call, Probe, Run, SleepCalls, reasons
from switchyard_manager.engines.protocol import openai_canary
from switchyard_manager.gpu import GpuReading, Reading
from switchyard_manager.lifecycle import Event
from switchyard_manager.places import Places
from switchyard_manager.runtimes import AnySpec, Exit, Found, Kind, ProcessSpec
from switchyard_manager.store import Fact
from switchyard_manager.supervise.chronicle import Chronicle
from switchyard_manager.supervise.news import EngineCame, Measured, ProxyCame, ProxySaid, Recovered
from switchyard_manager.supervise.work import BringUp
from switchyard_manager.supervise.workshop import Workshop
from switchyard_manager.supervise.world import Beginning, World
from tests.manager.runtimes.benches import has_ended

SCRIPT = Path(__file__).with_name("scripted_engine.py")


def catalog_of(**models: dict[str, Any]) -> Catalog:
    entries = {name: {"type": "text", "engine": "vllm", "path": "/x", **said} for name, said in models.items()}
    return read_catalog(json.dumps({"models": entries}))


@dataclass
class WritesDown:
    """A proxy's session that keeps what the manager sent it."""

    proxy: str = "proxy-1"
    heard: list[FromManager] = field(default_factory=list)

    def send(self, message: FromManager) -> None:
        self.heard.append(message)

    def of_kind(self, kind: str) -> list[Any]:
        return [message for message in self.heard if message.kind == kind]


class ScriptedAdapter:
    """Runs `scripted_engine.py` with the model's `extra_args`. It can sleep if `naps` is among them."""

    def settle(self, model: Model, places: Places) -> Model:
        return model

    def kind(self, model: Model, places: Places) -> Kind:
        return Kind.PROCESS

    def spec(self, model: Model, run: Run, places: Places) -> AnySpec:
        command = (sys.executable, str(SCRIPT), "--port", str(run.listen.port), *model.extra_args)
        return ProcessSpec(
            instance=run.instance,
            model=model.name,
            spec_hash=run.spec_hash,
            gpus=run.gpus,
            command=command,
            listen=run.listen,
        )

    def headers(self, model: Model, api_key: str) -> Mapping[str, str]:
        return {}

    def health(self, model: Model) -> Probe:
        return Probe("/health", timeout_s=2.0)

    def canary(self, model: Model) -> Probe:
        return openai_canary(model)

    def sleep(self, model: Model) -> SleepCalls | None:
        return NAP if model.sleep is SleepPolicy.AUTO and "--naps" in model.extra_args else None

    def progress(self, line: str) -> str | None:
        return line if line.startswith("weights") else None

    def vitals(self, model: Model) -> Probe | None:
        return Probe("/work", timeout_s=2.0)

    def work_done(self, vitals: str) -> float | None:
        return float(json.loads(vitals)["work"])

    def takes_what_it_gets(self, model: Model) -> bool:
        return False

    def beside_cache_mib(self, log: str) -> int | None:
        return None

    def explain(self, model: Model, exit_: Exit) -> Failure:
        return reasons.explain(model.name, exit_)


NAP = SleepCalls(
    sleep=Call("POST", "/sleep", timeout_s=5.0),
    wake=Call("POST", "/wake_up", timeout_s=5.0),
    asks=Probe("/is_sleeping", timeout_s=2.0),
    key="is_sleeping",
)


def workshop_of(adapter: Adapter | None = None) -> Workshop:
    numbers = count(1)
    one = adapter or ScriptedAdapter()
    return Workshop(
        adapters=dict.fromkeys(Engine, one),
        hash_of=lambda model: str(hash(spec_text(model))),
        new_instance=lambda model: f"{model}-{next(numbers)}",
        key_of=lambda instance: f"key of {instance}",
    )


def spec_text(model: Model) -> str:
    return model.model_dump_json(include={"context_length", "extra_args", "gpus", "path", "vram_mib"})


def world_of(
    catalog: Catalog,
    *,
    reading: Reading | None = None,
    found: tuple[Found, ...] = (),
    workshop: Workshop | None = None,
    kept: list[Fact] | None = None,
) -> World:
    """A world that knows its machine (no GPU, unless said otherwise) and what was left running, at time 0."""
    chronicle = Chronicle(kept.append if kept is not None else lambda _: None)
    world = World(Beginning("manager", catalog, workshop or workshop_of(), chronicle))
    world.hear(Measured(reading or Reading()), 0)
    world.hear(Recovered(found), 0)
    return world


def gpu(uuid: str = "GPU-0", total_mib: int = 24_000, used_mib: int | None = 0) -> GpuReading:
    return GpuReading(uuid, "Card", total_mib, used_mib)


ENDPOINT = "http://127.0.0.1:1"


def want(world: World, session: WritesDown, ticket: str = "t", now: float = 0, model: str = "m") -> None:
    world.hear(ProxySaid(session, Want(model=model, ticket=ticket)), now)


def bring_to_ready(world: World, session: WritesDown, now: float = 0) -> str:
    want(world, session, now=now)
    (work,) = world.decide(now)
    assert isinstance(work, BringUp)
    for event in (Event.LAUNCHED, Event.ANSWERING, Event.PROVED):
        world.hear(EngineCame("m", work.errand.instance, event, ENDPOINT), now)
    assert world.decide(now) == ()
    return work.errand.instance


def phase(world: World, now: float = 0) -> Phase:
    return world.statuses(now)[0].phase


@pytest.fixture
def catalog() -> Callable[..., Catalog]:
    return catalog_of


@pytest.fixture
def session() -> WritesDown:
    return WritesDown()


@pytest.fixture
def another_session() -> WritesDown:
    return WritesDown("proxy-2")


@pytest.fixture
def scripted() -> ScriptedAdapter:
    return ScriptedAdapter()


@pytest.fixture
def script() -> Path:
    return SCRIPT


@pytest.fixture
def gone() -> Callable[[int], bool]:
    return has_ended


@pytest.fixture
def world(catalog: Callable[..., Catalog], session: WritesDown) -> World:
    made = world_of(catalog(m={"idle_unload_s": 60, "startup_timeout_s": 100}))
    made.hear(ProxyCame(session, Hello(proxy=session.proxy)), 0)
    return made
