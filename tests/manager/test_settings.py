from pathlib import Path

import pytest

from switchyard_manager.errors import BadSetting
from switchyard_manager.settings import SETTINGS, read_settings


def test_nothing_set_means_the_defaults() -> None:
    settings = read_settings({})

    assert (settings.host, settings.port, settings.token) == ("127.0.0.1", 8079, None)
    assert settings.catalog.name == "models.json"
    assert settings.runtime == "auto"
    assert settings.vllm_image == "vllm/vllm-openai:v0.32.0"
    assert settings.image_server_image == "switchyard-image-server:latest"
    assert settings.hf_cache == Path.home() / ".cache" / "huggingface"
    assert (settings.hf_endpoint, settings.hf_token, settings.hf_token_file) == (
        "https://huggingface.co",
        "",
        None,
    )
    assert settings.hf_offline is False


def test_every_setting_is_read() -> None:
    settings = read_settings(
        {
            "SWITCHYARD_RUNTIME": "docker",
            "SWITCHYARD_VLLM_IMAGE": "vllm:mine",
            "SWITCHYARD_IMAGE_SERVER_IMAGE": "images:mine",
            "SWITCHYARD_HF_CACHE": "~/hf",
            "SWITCHYARD_HF_TOKEN_FILE": "/run/secrets/hf",
            "HF_TOKEN": "hf_hushed",
            "HF_HUB_OFFLINE": "1",
        }
    )

    assert settings.runtime == "docker"
    assert (settings.vllm_image, settings.image_server_image) == ("vllm:mine", "images:mine")
    assert (settings.hf_cache, settings.hf_token_file) == (Path.home() / "hf", Path("/run/secrets/hf"))
    assert (settings.hf_token, settings.hf_offline) == ("hf_hushed", True)


def test_where_engines_and_gate_are_is_read() -> None:
    settings = read_settings(
        {
            "SWITCHYARD_ENGINE_NETWORK": "switchyard-engines",
            "SWITCHYARD_GATE_URL": "http://gpu-pc:8078/",
            "SWITCHYARD_CONTAINER": "manager",
        }
    )

    assert settings.engine_network == "switchyard-engines"
    assert (settings.gate_url, settings.container) == ("http://gpu-pc:8078", "manager")


@pytest.mark.parametrize(
    "url",
    [
        "gpu-pc:8078",
        "https://gpu-pc:8078",
        "http://",
        "http://gpu-pc:0",
        "http://gpu-pc:x",
        "http://me@gpu-pc:1",
        "http://[::1",
        "http://gpu-pc:8078/?a=b",
    ],
)
def test_a_gate_that_no_proxy_could_reach_is_refused(url: str) -> None:
    with pytest.raises(BadSetting, match=r"^cannot use SWITCHYARD_GATE_URL=.*http://NAME:8078"):
        read_settings({"SWITCHYARD_GATE_URL": url})


def test_no_secret_is_ever_shown() -> None:
    settings = read_settings({"HF_TOKEN": "hf_hushed", "SWITCHYARD_TOKEN": "token_hushed"})

    assert "hushed" not in repr(settings)


def test_an_empty_value_counts_as_unset() -> None:
    assert read_settings(dict.fromkeys(SETTINGS, "")) == read_settings({})


@pytest.mark.parametrize("port", ["http", "-1", "65536", "8o79", "٣"])
def test_a_port_that_is_none_is_refused_by_name(port: str) -> None:
    with pytest.raises(BadSetting, match=f"^cannot use SWITCHYARD_MANAGER_PORT={port}"):
        read_settings({"SWITCHYARD_MANAGER_PORT": port})


@pytest.mark.parametrize(
    ("name", "said", "wanted"),
    [("SWITCHYARD_RUNTIME", "podman", "auto, docker, process"), ("HF_HUB_OFFLINE", "maybe", "1 or 0")],
)
def test_a_word_that_is_none_of_those_offered_is_refused_with_them(name: str, said: str, wanted: str) -> None:
    with pytest.raises(BadSetting, match=f"^cannot use {name}={said}: write {wanted}$"):
        read_settings({name: said})


@pytest.mark.parametrize(
    ("said", "cache"),
    [
        ({"HF_HOME": "/srv/home"}, "/srv/home"),
        ({"HF_HOME": "/srv/home", "SWITCHYARD_HF_CACHE": "/srv/ours"}, "/srv/ours"),
    ],
)
def test_the_cache_is_where_the_hubs_tools_keep_it_unless_another_is_named(
    said: dict[str, str], cache: str
) -> None:
    assert read_settings(said).hf_cache == Path(cache)


def test_a_mirror_of_the_hub_is_asked_in_its_place() -> None:
    assert read_settings({"HF_ENDPOINT": "https://mirror.test/"}).hf_endpoint == "https://mirror.test"


def test_the_hubs_cache_is_where_the_hubs_own_tools_look() -> None:
    def cache(**said: str) -> Path:
        return read_settings(said).hf_cache

    assert cache() == Path.home() / ".cache" / "huggingface"
    assert cache(XDG_CACHE_HOME="/caches") == Path("/caches/huggingface")
    assert cache(XDG_CACHE_HOME="/caches", HF_HOME="/hf") == Path("/hf")
    assert cache(XDG_CACHE_HOME="/caches", HF_HOME="/hf", SWITCHYARD_HF_CACHE="/ours") == Path("/ours")
    assert cache(XDG_CACHE_HOME="", HF_HOME="", SWITCHYARD_HF_CACHE="") == Path.home() / ".cache/huggingface"


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless(path: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    elsewhere = {"SWITCHYARD_CATALOG": "/m.json", "SWITCHYARD_STATE": "/s", "SWITCHYARD_HF_CACHE": "/hf"}
    read_settings(elsewhere)
    monkeypatch.setattr(Path, "expanduser", lambda path: homeless(path) if str(path)[:1] == "~" else path)

    assert read_settings(elsewhere).hf_cache == Path("/hf")
    with pytest.raises(BadSetting, match="SWITCHYARD_HF_CACHE"):
        read_settings({**elsewhere, "SWITCHYARD_HF_CACHE": ""})


@pytest.mark.parametrize(
    "said", ["huggingface.co", "ftp://hub", "https://", "https://hub?x=1", "http://hub:0", "http://[::1"]
)
def test_what_is_no_address_of_a_hub_is_refused(said: str) -> None:
    with pytest.raises(BadSetting, match="HF_ENDPOINT"):
        read_settings({"HF_ENDPOINT": said})


def test_an_address_of_a_hub_is_no_place_for_a_password() -> None:
    with pytest.raises(BadSetting, match="HF_TOKEN") as refused:
        read_settings({"HF_ENDPOINT": "https://me:hushed@hub"})

    assert "hushed" not in str(refused.value)
    assert read_settings({"HF_ENDPOINT": "http://mirror:8080/hf/"}).hf_endpoint == "http://mirror:8080/hf"
