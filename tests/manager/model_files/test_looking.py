"""Whether all is here, where nothing could be noted down: a disk of the network, mounted to be read."""

import json
from pathlib import Path
from typing import Any

import pytest

from switchyard_manager.model_files.cache import Cache
from switchyard_manager.model_files.looking import is_here, whole_by_its_lists
from switchyard_manager.model_files.needs import Need, Part
from switchyard_manager.places import Places
from tests.manager.model_files.conftest import REPO, model_of

COMMIT = "a" * 40


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    monkeypatch.setattr(Cache, "is_writable", lambda _: False)
    return Places(tmp_path / "models.json", tmp_path, "-", "-", hf_cache=tmp_path / "hf")


def put(places: Places, files: dict[str, str], repo: str = REPO) -> None:
    """As any library of the Hub does."""
    folder = Cache(places.hub).folder(repo)
    for name, text in {**files, "refs": ""}.items():
        file = folder / "snapshots" / COMMIT / name if name != "refs" else folder / "refs" / "main"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text if name != "refs" else COMMIT)


def has(places: Places, **said: Any) -> bool:
    return is_here(model_of(**said), places)


def test_what_is_whole_by_its_own_lists_is_here(places: Places) -> None:
    index = json.dumps({"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}})
    put(places, {"model.safetensors.index.json": index, "one.safetensors": "1"})
    assert not has(places)

    put(places, {"two.safetensors": "2"})

    assert has(places)


def test_what_has_no_weights_is_not(places: Places) -> None:
    put(places, {"config.json": "{}"})

    assert not has(places)
    assert not has(places, repo="org/other")


def test_a_name_that_is_nowhere_may_be_a_folder_of_the_engines(places: Places) -> None:
    put(places, {"model.safetensors": "1"})

    assert has(places, engine_args={"tokenizer": "mounted/words"})


def test_of_a_file_that_is_named_only_that_file_counts(places: Places) -> None:
    put(places, {"a.safetensors": "1"})
    cache = Cache(places.hub)

    assert whole_by_its_lists(cache, Need(REPO, part=Part.ADAPTER, file="a.safetensors"))
    assert not whole_by_its_lists(cache, Need(REPO, part=Part.ADAPTER, file="b.safetensors"))


def test_in_a_cache_that_can_be_written_only_what_we_have_seen_to_counts(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(places, {"model.safetensors": "1"})
    assert has(places)

    monkeypatch.setattr(Cache, "is_writable", lambda _: True)

    assert not has(places)


def test_a_cache_that_is_not_there_yet_can_be_made(tmp_path: Path) -> None:
    places = Places(tmp_path / "models.json", tmp_path, "-", "-", hf_cache=tmp_path / "hf")

    assert Cache(places.hub).is_writable()
    assert not is_here(model_of(), places)
