"""The gate's settings: the proxy's rows, its own address, and a token it cannot do without."""

import dataclasses
from pathlib import Path

import pytest
from docs import generate

from switchyard_proxy.gate.settings import GATE_SETTINGS, GateSettings, read_gate_settings
from switchyard_proxy.settings import SettingRefused
from tests.manager.test_docs import rows, section

OPERATIONS = (generate.ROOT / "docs" / "operations.md").read_text("utf-8")


def test_it_listens_on_this_machine_until_told_otherwise() -> None:
    settings = read_gate_settings([], {"SWITCHYARD_TOKEN": "t"})

    assert (settings.gate_host, settings.gate_port) == ("127.0.0.1", 8078)


def test_a_flag_goes_before_the_environment() -> None:
    environment = {"SWITCHYARD_TOKEN": "t", "SWITCHYARD_GATE_PORT": "1", "SWITCHYARD_GATE_HOST": "0.0.0.0"}

    settings = read_gate_settings(["--gate-port", "2"], environment)

    assert (settings.gate_host, settings.gate_port) == ("0.0.0.0", 2)


def test_the_token_may_be_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("let me in\n")

    settings = read_gate_settings([], {"SWITCHYARD_TOKEN_FILE": str(tmp_path / "token")})

    assert settings.token == "let me in"
    assert "let me in" not in repr(settings)


@pytest.mark.parametrize("environment", [{}, {"SWITCHYARD_TOKEN": ""}])
def test_without_a_token_it_does_not_start(environment: dict[str, str]) -> None:
    with pytest.raises(SettingRefused, match=r"cannot tell who may pass: .* SWITCHYARD_TOKEN"):
        read_gate_settings([], environment)


def test_every_row_is_a_field_and_every_field_a_row() -> None:
    fields = {field.name for field in dataclasses.fields(GateSettings)}

    assert {setting.name for setting in GATE_SETTINGS} - {"token_file"} == fields


def test_every_setting_is_explained() -> None:
    assert {setting.env for setting in GATE_SETTINGS} <= rows(section(OPERATIONS, "Settings"))
