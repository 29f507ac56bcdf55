"""Adapters beside a model: where they are for the engine, and what it is told of them."""

import json
from pathlib import Path
from typing import Any

import pytest

from switchyard_contracts.catalog import Model, VllmArgs, read_catalog
from switchyard_contracts.errors import Reason
from switchyard_manager.engines.vllm_lora import Served, adapters, flags, room_for
from switchyard_manager.errors import EngineFailed
from switchyard_manager.places import Places
from switchyard_manager.runtimes import Bind

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "models.json", tmp_path, "-", "-", hf_cache=tmp_path / "hf")


def model_of(**loras: Any) -> Model:
    variants = {name: {"lora": lora} for name, lora in loras.items()} | {"plain": {}}
    entry = {"type": "text", "repo": "org/m", "variants": variants}
    return read_catalog(json.dumps({"models": {"m": entry}})).models["m"]


def write_adapter(folder: Path, **said: Any) -> Path:
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text(json.dumps(said))
    return folder


def in_the_cache(places: Places, repo: str, **said: Any) -> Path:
    home = places.hub / f"models--{repo.replace('/', '--')}"
    (home / "refs").mkdir(parents=True)
    (home / "refs" / "main").write_text(COMMIT)
    return write_adapter(home / "snapshots" / COMMIT, **said)


def test_a_folder_is_bound_into_a_container_and_named_to_a_program(places: Places, tmp_path: Path) -> None:
    folder = write_adapter(tmp_path / "loras" / "sql", r=8)
    model = model_of(sql={"path": "loras/sql"})

    (inside,), (beside,) = (adapters(model, places, in_container=one) for one in (True, False))

    assert inside == Served("m:sql", "/switchyard/lora/0", 8, Bind(str(folder), "/switchyard/lora/0"))
    assert beside == Served("m:sql", str(folder), 8)


def test_what_the_hubs_cache_has_is_named_where_the_engine_sees_it(places: Places) -> None:
    folder = in_the_cache(places, "me/sql", r=32, rank_pattern={"q_proj": 64})
    model = model_of(sql={"repo": "me/sql"})

    (inside,), (beside,) = (adapters(model, places, in_container=one) for one in (True, False))

    assert inside == Served("m:sql", f"/cache/huggingface/hub/models--me--sql/snapshots/{COMMIT}", 64)
    assert beside == Served("m:sql", str(folder), 64)


def test_a_commit_is_found_without_a_branch_that_leads_to_it(places: Places) -> None:
    folder = in_the_cache(places, "me/sql", r=8)

    (found,) = adapters(model_of(sql={"repo": "me/sql", "revision": COMMIT}), places, in_container=False)

    assert found.path == str(folder)


def test_what_is_not_here_yet_is_named_as_the_hub_names_it(places: Places) -> None:
    assert adapters(model_of(sql={"repo": "me/sql"}), places, in_container=True) == (Served("m:sql", "me/sql"),)


def test_a_folder_that_is_not_there_is_told_before_anything_starts(places: Places) -> None:
    with pytest.raises(
        EngineFailed, match=r"^cannot start m: there is no .*/nowhere for its adapter 'm:sql'"
    ) as told:
        adapters(model_of(sql={"path": "nowhere"}), places, in_container=True)

    assert told.value.failure.reason is Reason.MODEL_NOT_FOUND


@pytest.mark.parametrize(
    ("ranks", "room"),
    [
        ([8], 8),
        ([8, 9], 16),
        ([33], 64),
        ([None], 16),
        ([8, None], 16),
        ([64, None], 64),
        ([600], 512),
        ([], 16),
    ],
)
def test_there_is_room_for_the_highest_rank(ranks: list[int | None], room: int) -> None:
    assert room_for(ranks) == room


def test_one_engine_is_told_of_all_its_adapters() -> None:
    served = [Served(f"m:{name}", f"/{name}", 8) for name in "abcde"]

    words = list(flags(model_of(), served, VllmArgs()))

    assert words[:6] == ["--enable-lora", "--max-lora-rank", "8", "--max-loras", "4", "--lora-modules"]
    assert [json.loads(word)["name"] for word in words[6:]] == ["m:a", "m:b", "m:c", "m:d", "m:e"]


def test_what_the_operator_wrote_is_not_said_twice() -> None:
    words = list(flags(model_of(), [Served("m:a", "/a", 8)], VllmArgs(max_lora_rank=64, max_loras=1)))

    assert words[:2] == ["--enable-lora", "--lora-modules"]


def test_a_model_without_adapters_is_told_of_none() -> None:
    assert list(flags(model_of(), (), VllmArgs())) == []
