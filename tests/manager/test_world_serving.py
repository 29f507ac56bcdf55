"""How a model is to be served reaches the proxies, at once, and costs no engine its life."""

import json
from pathlib import Path
from typing import Any

import pytest

from switchyard_contracts.catalog import Capability, Catalog, VllmArgs, read_catalog
from switchyard_contracts.grants import Hello
from switchyard_contracts.serving import Routing, Serving, Virtual, Vision
from switchyard_contracts.status import Phase
from switchyard_manager.engines.identity import spec_hash
from switchyard_manager.lifecycle import Event
from switchyard_manager.places import Places
from switchyard_manager.supervise.explained import manner
from switchyard_manager.supervise.explaining import explain
from switchyard_manager.supervise.news import CatalogRead, EngineCame, ProcessorRead, ProxyCame
from switchyard_manager.supervise.work import BringUp, ReadProcessor, Work
from switchyard_manager.supervise.world import World
from tests.manager.conftest import (
    ENDPOINT,
    WritesDown,
    bring_to_ready,
    catalog_of,
    phase,
    want,
    workshop_of,
    world_of,
)

PLACES = Places(Path("/y/models.json"), Path("/y"), "-", "-")


def seen_by_vllm(**said: Any) -> Vision:
    return Vision(fps=30.0, max_frames=32, **said)


SEEING: dict[str, Any] = {"type": "vision", "engine": "vllm", "path": "/eyes"}
LIVE: dict[str, Any] = {
    "max_concurrency": 2,
    "max_queue": 3,
    "request": {"set": {"n": 1}},
    "variants": {"x": {}},
    "fallbacks": ["other"],
    "commit_after_s": 1,
    "heartbeat_s": 2,
}


def catalog_with(said: dict[str, Any], **sections: Any) -> Catalog:
    plain = {"type": "text", "path": "/x"}
    return read_catalog(json.dumps({"models": {"m": {**plain, **said}, "other": plain}, **sections}))


def with_real_hashes(catalog: Catalog) -> World:
    workshop = workshop_of()
    workshop.hash_of = lambda model: spec_hash(model, PLACES)
    return world_of(catalog, workshop=workshop)


def join(world: World, session: WritesDown, now: float = 0) -> None:
    world.hear(ProxyCame(session, Hello(proxy=session.proxy)), now)


def reading(work: tuple[Work, ...]) -> list[str]:
    return [one.model.name for one in work if isinstance(one, ReadProcessor)]


def serving(world: World, model: str = "m") -> Serving:
    return next(status.serving for status in world.statuses(0) if status.name == model)


def test_a_proxy_that_comes_is_told_how_each_model_is_served_and_which_names_there_are(
    session: WritesDown,
) -> None:
    virtual = {"v": {"candidates": ["m"]}}
    world = world_of(catalog_with({"max_queue": 7}, default_model="v", virtual=virtual))

    join(world, session)

    (models,) = session.of_kind("models")
    assert [model.serving.max_queue for model in models.models] == [7, 100]
    assert models.routing == Routing(default_model="v", virtual=(Virtual(name="v", candidates=("m",)),))


def test_names_that_change_are_told_though_no_model_did(session: WritesDown) -> None:
    world = world_of(catalog_with({}))
    join(world, session)
    world.decide(0)

    world.hear(CatalogRead(catalog_with({}, default_model="other")), 1)
    world.decide(1)
    world.decide(2)

    told = [models.routing.default_model for models in session.of_kind("models")]
    assert told[-2:] == [None, "other"]
    assert told.count("other") == 1


@pytest.mark.parametrize("field", LIVE)
def test_a_change_of_how_it_is_served_acts_at_once_and_stops_no_engine(field: str, session: WritesDown) -> None:
    world = with_real_hashes(catalog_with({}))
    join(world, session)
    bring_to_ready(world, session)
    before = serving(world)

    world.hear(CatalogRead(catalog_with({field: LIVE[field]})), 1)
    work = world.decide(1)

    assert work == ()
    assert phase(world) is Phase.READY
    assert session.of_kind("revoke") == []
    assert session.of_kind("models")[-1].models[0].serving == serving(world) != before


def test_our_own_engines_limits_are_told_as_well() -> None:
    world = world_of(catalog_with(SEEING | {"engine": "image-server", "engine_args": {"max_video_frames": 8}}))

    vision = serving(world).vision

    assert vision is not None
    assert vision.max_frames == 8


def test_a_change_of_its_eyes_stops_no_engine_either(session: WritesDown) -> None:
    world = with_real_hashes(catalog_with(SEEING))
    join(world, session)
    want(world, session)
    (errand,) = (work.errand for work in world.decide(0) if isinstance(work, BringUp))
    for event in (Event.LAUNCHED, Event.ANSWERING, Event.PROVED):
        world.hear(EngineCame("m", errand.instance, event, ENDPOINT), 0)

    world.hear(CatalogRead(catalog_with(SEEING | {"vision": {"patch": 3}})), 1)
    world.decide(1)

    assert phase(world) is Phase.READY
    assert serving(world).vision == seen_by_vllm(patch=3)


def test_another_order_in_the_file_is_another_order_of_the_models() -> None:
    world = world_of(catalog_of(a={}, b={}))

    world.hear(CatalogRead(catalog_of(b={}, c={}, a={})), 1)

    assert [status.name for status in world.statuses(1)] == ["b", "c", "a"]


def test_the_eyes_of_a_model_are_read_once_and_not_for_every_look(session: WritesDown) -> None:
    world = world_of(catalog_with(SEEING))

    first, second = reading(world.decide(0)), reading(world.decide(1))

    assert (first, second) == (["m"], [])
    assert serving(world).vision == seen_by_vllm()
    assert serving(world, "other").vision is None


def test_what_was_read_is_told_and_what_the_catalog_says_goes_before_it(session: WritesDown) -> None:
    catalog = catalog_with(SEEING | {"vision": {"patch": 3}})
    world = world_of(catalog)
    join(world, session)
    world.decide(0)

    world.hear(ProcessorRead(catalog.models["m"], Vision(patch=8, merge=4)), 1)
    world.decide(1)

    assert session.of_kind("models")[-1].models[0].serving.vision == seen_by_vllm(patch=3, merge=4)


def test_a_saved_catalog_has_the_files_read_again_and_keeps_what_was_known(session: WritesDown) -> None:
    catalog = catalog_with(SEEING)
    world = world_of(catalog)
    world.decide(0)
    world.hear(ProcessorRead(catalog.models["m"], Vision(patch=8)), 0)

    world.hear(CatalogRead(catalog_with(SEEING | {"priority": 1})), 1)

    assert reading(world.decide(1)) == ["m"]
    assert serving(world).vision == seen_by_vllm(patch=8)


def test_what_was_read_of_other_weights_is_not_believed() -> None:
    old = catalog_with(SEEING)
    world = world_of(old)
    world.hear(ProcessorRead(old.models["m"], Vision(patch=8)), 0)

    world.hear(CatalogRead(catalog_with(SEEING | {"path": "/other/qwen2-vl"})), 1)
    world.hear(ProcessorRead(old.models["m"], Vision(patch=9)), 2)

    vision = serving(world).vision
    assert vision is not None
    assert vision.patch == 14


def test_weights_that_came_only_later_are_read_when_the_model_is_ready(session: WritesDown) -> None:
    world = world_of(catalog_with(SEEING))
    join(world, session)
    want(world, session)
    (errand,) = (work.errand for work in world.decide(0) if isinstance(work, BringUp))
    for event in (Event.LAUNCHED, Event.ANSWERING):
        world.hear(EngineCame("m", errand.instance, event, ENDPOINT), 0)
    assert reading(world.decide(0)) == []

    world.hear(EngineCame("m", errand.instance, Event.PROVED, ENDPOINT), 0)

    assert reading(world.decide(0)) == ["m"]


def test_weights_on_the_hub_have_no_files_to_read() -> None:
    world = world_of(catalog_with({"type": "vision", "path": None, "repo": "Qwen/Qwen2.5-VL-7B-Instruct"}))

    vision = serving(world).vision

    assert reading(world.decide(0)) == []
    assert vision is not None
    assert vision.patch == 14


def test_what_the_files_say_a_model_can_do_is_told_until_the_entry_changes(session: WritesDown) -> None:
    catalog = catalog_with({"path": "/weights/m"})
    world = world_of(catalog)
    world.decide(0)

    world.hear(ProcessorRead(catalog.models["m"], can=(Capability.EMBEDDINGS,)), 0)
    told = world.statuses(0)[0].capabilities
    world.hear(CatalogRead(catalog_with({"path": "/weights/m", "priority": 1})), 1)

    assert told == (Capability.EMBEDDINGS,)
    assert world.statuses(1)[0].capabilities == catalog.models["m"].capabilities


def test_how_a_model_is_served_is_explained_as_its_files_tell() -> None:
    catalog = catalog_with({"path": "/weights/m"})
    world = world_of(catalog)
    args = VllmArgs(enable_auto_tool_choice=True, tool_call_parser="hermes", reasoning_parser="none")

    world.hear(ProcessorRead(catalog.models["m"], manner=manner(args)), 0)

    found = explain(world.ground, "m", 0)
    assert found is not None
    assert found.sentences[-1] == "It calls tools in the manner `hermes` (see `engine_args`)."
    assert manner(VllmArgs()) is None
