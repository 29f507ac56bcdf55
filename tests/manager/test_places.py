from pathlib import Path

from switchyard_manager.places import Places

PLACES = Places(Path("/home/me/yard/models.json"), Path("/var/lib/switchyard"), "-", "-")


def test_a_relative_path_is_relative_to_the_catalog() -> None:
    assert PLACES.weights("weights/qwen") == Path("/home/me/yard/weights/qwen")


def test_an_absolute_path_is_itself() -> None:
    assert PLACES.weights("/srv/qwen") == Path("/srv/qwen")


def test_a_state_path_is_under_the_state_folder() -> None:
    assert PLACES.weights("state:demo/chat") == Path("/var/lib/switchyard/demo/chat")


def test_a_tilde_is_the_home() -> None:
    assert PLACES.weights("~/qwen") == Path.home() / "qwen"
