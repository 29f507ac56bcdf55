from pathlib import Path

from switchyard_manager.places import Places
from switchyard_manager.settings import read_settings

PLACES = Places(Path("/home/me/yard/models.json"), Path("/var/lib/switchyard"), "-", "-")


def test_a_relative_path_is_relative_to_the_catalog() -> None:
    assert PLACES.weights("weights/qwen") == Path("/home/me/yard/weights/qwen")


def test_an_absolute_path_is_itself() -> None:
    assert PLACES.weights("/srv/qwen") == Path("/srv/qwen")


def test_a_state_path_is_under_the_state_folder() -> None:
    assert PLACES.weights("state:demo/chat") == Path("/var/lib/switchyard/demo/chat")


def test_a_tilde_is_the_home() -> None:
    assert PLACES.weights("~/qwen") == Path.home() / "qwen"


def test_a_token_is_never_shown() -> None:
    assert "hf_hushed" not in repr(Places(Path("m"), Path("s"), "-", "-", hf_token="hf_hushed"))


def test_what_is_left_out_is_what_the_settings_leave_out() -> None:
    usual = read_settings({})

    assert (PLACES.runtime, PLACES.vllm_image) == (usual.runtime, usual.vllm_image)
    assert PLACES.image_server_image == usual.image_server_image
    assert (PLACES.hf_cache, PLACES.hf_token_file) == (usual.hf_cache, usual.hf_token_file)
    assert (PLACES.hf_token, PLACES.hf_offline) == (usual.hf_token, usual.hf_offline)
