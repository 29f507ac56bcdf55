"""Settings: one table, three sources, and sentences for what cannot be used."""

from dataclasses import fields
from pathlib import Path

import pytest

from switchyard_proxy.settings import SETTINGS, SettingRefused, Settings, read_settings


def test_nothing_needs_to_be_set() -> None:
    settings = read_settings([], {})

    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert settings.manager == ("http://127.0.0.1:8079",)
    assert settings.token is settings.api_key is None
    assert settings.body_limit == 64 * 1024 * 1024


def test_a_flag_wins_over_the_environment_and_that_over_the_default() -> None:
    environment = {"SWITCHYARD_PORT": "1000", "SWITCHYARD_LOAD_WAIT_S": "7"}

    settings = read_settings(["--port", "2000"], environment)

    assert settings.port == 2000
    assert settings.load_wait_s == 7


def test_an_empty_variable_counts_as_not_set() -> None:
    assert read_settings([], {"SWITCHYARD_API_KEY": "", "SWITCHYARD_PORT": ""}).api_key is None


def test_the_token_is_read_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("secret\n")

    assert read_settings(["--token-file", str(file)], {}).token == "secret"


def test_a_token_given_outright_needs_no_file() -> None:
    environment = {"SWITCHYARD_TOKEN": "secret", "SWITCHYARD_TOKEN_FILE": "/nowhere"}

    assert read_settings([], environment).token == "secret"


def test_a_token_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingRefused, match=r"cannot read the token in .*nowhere"):
        read_settings(["--token-file", str(tmp_path / "nowhere")], {})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("port", "http"),
        ("port", "65536"),
        ("port", "-1"),
        ("body_limit_mib", "0"),
        ("load_wait_s", "soon"),
        ("load_wait_s", "nan"),
        ("load_wait_s", "-1"),
        ("load_wait_s", "inf"),
        ("manager", "127.0.0.1:8079"),
        ("manager", "ftp://x"),
        ("host", " "),
        ("manager", "http://a:1,nonsense"),
        ("auth", "maybe"),
        ("heartbeat_s", "0"),
        ("heartbeat", "loud"),
        ("stream_store", "mysql://x"),
        ("requests_keep_days", "-1"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_with_its_name(name: str, text: str) -> None:
    variable = f"SWITCHYARD_{name.upper()}"

    with pytest.raises(SettingRefused) as refused:
        read_settings([], {variable: text})

    assert str(refused.value).startswith(f"cannot use {text!r} for {variable}: give ")


def test_a_refused_secret_is_not_shown() -> None:
    with pytest.raises(SettingRefused) as refused:
        read_settings([], {"SWITCHYARD_API_KEY": "   "})

    assert "'   '" not in str(refused.value)


@pytest.mark.parametrize(
    ("said", "asks"),
    [
        ({}, False),
        ({"SWITCHYARD_HOST": "192.0.2.1"}, True),
        ({"SWITCHYARD_HOST": "192.0.2.1", "SWITCHYARD_AUTH": "off"}, False),
        ({"SWITCHYARD_AUTH": "on"}, True),
        ({"SWITCHYARD_API_KEY": "k"}, True),
        ({"SWITCHYARD_API_KEY": "k", "SWITCHYARD_AUTH": "off"}, False),
    ],
)
def test_keys_are_asked_for_beyond_this_machine_unless_the_operator_says_otherwise(
    said: dict[str, str], asks: bool
) -> None:
    assert read_settings([], said).asks_for_keys is asks


def test_several_managers_and_names_are_given_with_commas() -> None:
    settings = read_settings(
        ["--manager", "http://a:1, http://b:2/"], {"SWITCHYARD_ALLOWED_HOSTS": "x.example,,y"}
    )

    assert settings.manager == ("http://a:1", "http://b:2")
    assert settings.allowed_hosts == ("x.example", "y")


def test_secrets_have_no_flag() -> None:
    assert {setting.name for setting in SETTINGS if setting.flag is None} == {"token", "api_key"}


def test_every_setting_has_a_row_and_every_row_a_sentence() -> None:
    assert {setting.name for setting in SETTINGS} - {"token_file"} == {field.name for field in fields(Settings)}
    assert all(setting.description.endswith(".") and "\n" not in setting.description for setting in SETTINGS)
