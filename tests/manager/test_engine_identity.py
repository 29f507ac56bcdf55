"""One hash for one specification: the same for ever, and another once an engine is given anything else."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from switchyard_contracts.catalog import Model, read_catalog
from switchyard_manager.engines.identity import spec_hash
from switchyard_manager.places import Places

PLACES = Places(Path("/home/me/yard/models.json"), Path("/var/lib/switchyard"), "-", "-")
GPU = "GPU-11111111-2222-3333-4444-555555555555"

# A hash is a label of running containers and a key of what was learned. Whoever changes one of these makes
# every engine out there outdated, and forgets what every model was measured to take.
PLAIN = "5cc7f41553fab8c2bc935579e12024b9f1cd036264253fbf4c3e6adf5921dd2f"
FULL = "336523c7224a6d46fcc9fdaf91b04c99b3fb7f8f11f68045862e06b711321ed1"

EVERYTHING: dict[str, Any] = {
    "type": "vision",
    "engine": "vllm",
    "repo": "org/model",
    "revision": "v1",
    "gpus": [GPU],
    "context_length": 4096,
    "vram_mib": 9000,
    "engine_args": {"max_num_seqs": 8, "limit_mm_per_prompt": {"image": 4, "video": 0}},
    "extra_args": ["--seed", "1"],
    "env": {"A": "1", "B": "2"},
    "mounts": [{"source": "a", "target": "/a"}],
    "image": "mine:1",
    "sleep": "off",
}
TEXT = {"type": "text", "repo": "org/model"}
EXISTING = {"container": "my-llm", "port": 8001}


def model_of(said: dict[str, Any], name: str = "m", **settings: Any) -> Model:
    return read_catalog(json.dumps({"models": {name: said}, **settings})).models[name]


def hash_of(said: dict[str, Any], places: Places = PLACES) -> str:
    return spec_hash(model_of(said), places)


def test_a_hash_stays_the_same_for_ever() -> None:
    assert (hash_of(TEXT), hash_of(EVERYTHING)) == (PLAIN, FULL)


def test_the_order_in_which_things_are_said_means_nothing() -> None:
    backwards = {
        name: dict(reversed(value.items())) if isinstance(value, dict) else value
        for name, value in reversed(EVERYTHING.items())
    }

    assert hash_of(backwards) == hash_of(EVERYTHING)


def test_a_default_that_is_written_out_means_nothing() -> None:
    written = {"engine": "vllm", "sleep": "auto", "extra_args": [], "env": {}, "engine_args": {}, "gpus": None}

    assert hash_of(TEXT | written) == hash_of(TEXT)


def test_what_defaults_say_is_as_if_the_model_had_said_it() -> None:
    inherited = model_of(TEXT, defaults={"env": {"A": "1"}, "context_length": 99})

    assert spec_hash(inherited, PLACES) == hash_of(TEXT | {"env": {"A": "1"}, "context_length": 99})


@pytest.mark.parametrize(
    "said",
    [
        {"type": "text"},
        {"repo": "org/another"},
        {"repo": None, "revision": None, "path": "a"},
        {"revision": "v2"},
        {"gpus": 1},
        {"context_length": 4097},
        {"vram_mib": 9001},
        {"engine_args": {"max_num_seqs": 9, "limit_mm_per_prompt": {"image": 4, "video": 0}}},
        {"engine_args": {"max_num_seqs": 8, "limit_mm_per_prompt": {"image": 4, "video": 1}}},
        {"extra_args": ["1", "--seed"]},
        {"env": {"A": "1", "B": "3"}},
        {"mounts": [{"source": "b", "target": "/a"}]},
        {"mounts": [{"source": "a", "target": "/b"}]},
        {"mounts": [{"source": "a", "target": "/a", "read_only": False}]},
        {"image": "mine:2"},
        {"sleep": "auto"},
        {"engine": "image-server", "engine_args": {}},
        {"variants": {"x": {"lora": {"repo": "me/sql"}}}},
        {"capabilities": ["embeddings"]},  # for which it runs otherwise
    ],
)
def test_whatever_an_engine_is_given_makes_another_hash(said: dict[str, Any]) -> None:
    assert hash_of({**EVERYTHING, **said}) != hash_of(EVERYTHING)


@pytest.mark.parametrize("said", [{"container": "another"}, {"port": 8002}])
def test_another_existing_container_makes_another_hash(said: dict[str, Any]) -> None:
    assert hash_of({**EXISTING, **said}) != hash_of(EXISTING)


@pytest.mark.parametrize(
    "said",
    [
        {"aliases": ["x"]},
        {"description": "nice"},
        {"priority": 5},
        {"pinned": True},
        {"preload": True},
        {"idle_unload_s": 1},
        {"drain_limit_s": 1},
        {"startup_timeout_s": 1},
        {"max_concurrency": 1},
        {"capabilities": ["chat"]},
        {"max_queue": 1},
        {"commit_after_s": 1},
        {"heartbeat_s": 1},
        {"request": {"strip": ["a"], "default": {"b": 1}, "set": {"c": {}}}},
        {"variants": {"x": {"request": {"set": {"n": 1}}}}},
        {"vision": {"patch": 14}},
    ],
)
def test_what_is_switchyards_own_business_makes_none(said: dict[str, Any]) -> None:
    assert hash_of({**EVERYTHING, **said}) == hash_of(EVERYTHING)


def test_the_name_makes_none_either() -> None:
    assert spec_hash(model_of(TEXT, "another"), PLACES) == hash_of(TEXT)


def test_a_path_is_where_it_leads() -> None:
    def at(path: str, places: Places = PLACES) -> str:
        return hash_of({"type": "text", "path": path}, places)

    elsewhere = replace(PLACES, catalog=Path("/elsewhere/models.json"))

    assert at("w") == at("./w") == at("x/../w") == at("/home/me/yard/w")
    assert at("state:w") == at("/var/lib/switchyard/w")
    assert at("w", elsewhere) != at("w")
    assert at("/w", elsewhere) == at("/w")


def test_a_new_image_of_the_engine_makes_another_hash_unless_the_model_has_its_own() -> None:
    newer = replace(PLACES, vllm_image="vllm:2", image_server_image="images:2")
    picture = {"type": "image", "repo": "org/model"}

    assert hash_of(TEXT, newer) != hash_of(TEXT)
    assert hash_of(picture, newer) != hash_of(picture)
    assert hash_of(EVERYTHING, newer) == hash_of(EVERYTHING)
    assert hash_of(EXISTING, newer) == hash_of(EXISTING)


def test_where_and_with_which_token_it_runs_makes_none() -> None:
    moved = replace(PLACES, runtime="docker", vllm="/opt/vllm", hf_token="hf", hf_cache=Path("/hf"))

    assert hash_of(TEXT, moved) == hash_of(TEXT)


def test_another_adapter_or_another_name_for_it_makes_another_hash() -> None:
    def hash_with(**loras: dict[str, str]) -> str:
        return hash_of(TEXT | {"variants": {name: {"lora": lora} for name, lora in loras.items()}})

    hashes = [
        hash_of(TEXT),
        hash_with(sql={"repo": "me/sql"}),
        hash_with(sql={"repo": "me/sql", "revision": "v2"}),
        hash_with(rag={"repo": "me/sql"}),
        hash_with(sql={"path": "loras/sql"}),
    ]

    assert len(set(hashes)) == len(hashes)
    assert hash_with(sql={"path": "./loras/sql"}) == hashes[-1]
