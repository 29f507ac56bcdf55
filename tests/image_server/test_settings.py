"""What the operator chose, and what the libraries are told to load."""

from pathlib import Path

import pytest

from switchyard_image_server.settings import ModelSettings, default_name


def test_a_repository_is_loaded_by_name_at_the_revision_asked_for() -> None:
    settings = ModelSettings("Qwen/Qwen-Image", revision="v2")

    assert settings.source == {"pretrained_model_name_or_path": "Qwen/Qwen-Image", "revision": "v2"}


def test_a_folder_is_loaded_as_it_is(tmp_path: Path) -> None:
    assert ModelSettings(str(tmp_path)).source == {"pretrained_model_name_or_path": str(tmp_path)}


@pytest.mark.parametrize("name", ["/no/such/folder", "./relative", "~/home", "just-a-name"])
def test_what_looks_like_a_path_is_never_taken_for_a_repository(name: str) -> None:
    assert ModelSettings(name).folder == Path(name).expanduser()


def test_a_folder_is_called_by_its_own_name_and_a_repository_by_its_whole_name(tmp_path: Path) -> None:
    assert default_name(f"{tmp_path}/") == tmp_path.name
    assert default_name("Qwen/Qwen-Image") == "Qwen/Qwen-Image"
