import pytest

from switchyard_manager.errors import BadSetting
from switchyard_manager.settings import read_settings


def test_nothing_set_means_the_defaults() -> None:
    settings = read_settings({})

    assert (settings.host, settings.port, settings.token) == ("127.0.0.1", 8079, None)
    assert settings.catalog.name == "models.json"


def test_an_empty_value_counts_as_unset() -> None:
    assert read_settings({"SWITCHYARD_MANAGER_PORT": ""}).port == 8079


@pytest.mark.parametrize("port", ["http", "-1", "65536", "8o79", "٣"])
def test_a_port_that_is_none_is_refused_by_name(port: str) -> None:
    with pytest.raises(BadSetting, match=f"^cannot use SWITCHYARD_MANAGER_PORT={port}"):
        read_settings({"SWITCHYARD_MANAGER_PORT": port})
