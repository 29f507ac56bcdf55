"""The manager's own settings, from the environment. What a model is belongs in models.json, not here."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from switchyard_manager.errors import BadSetting

# name → (default, what it is for). docs/settings.md is generated from this.
SETTINGS: dict[str, tuple[str, str]] = {
    "SWITCHYARD_CATALOG": ("models.json", "the catalog of models"),
    "SWITCHYARD_STATE": (".switchyard", "the folder for what must last: logs, the shared token, demo models"),
    "SWITCHYARD_MANAGER_HOST": ("127.0.0.1", "the address on which the manager listens for proxies"),
    "SWITCHYARD_MANAGER_PORT": ("8079", "the port on which the manager listens for proxies"),
    "SWITCHYARD_TOKEN": (
        "made at the first start",
        "the secret that manager and proxy share; without it, the one in the state folder's `token` file",
    ),
    "SWITCHYARD_IMAGE_SERVER": (
        "switchyard-image-server",
        "the command of the image server, for engines that run as processes",
    ),
    "SWITCHYARD_VLLM": ("vllm", "the command of vLLM, for engines that run as processes"),
}


@dataclass(frozen=True, slots=True)
class Settings:
    catalog: Path
    state: Path
    host: str
    port: int
    token: str | None
    image_server: str
    vllm: str


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    env = os.environ if environ is None else environ

    def value(name: str) -> str:
        return env.get(name) or SETTINGS[name][0]

    return Settings(
        catalog=Path(value("SWITCHYARD_CATALOG")).expanduser().absolute(),
        state=Path(value("SWITCHYARD_STATE")).expanduser().absolute(),
        host=value("SWITCHYARD_MANAGER_HOST"),
        port=port_number("SWITCHYARD_MANAGER_PORT", value("SWITCHYARD_MANAGER_PORT")),
        token=env.get("SWITCHYARD_TOKEN") or None,
        image_server=value("SWITCHYARD_IMAGE_SERVER"),
        vllm=value("SWITCHYARD_VLLM"),
    )


def port_number(name: str, text: str) -> int:
    highest = 65535
    if text.isascii() and text.isdigit() and 0 <= int(text) <= highest:
        return int(text)
    raise BadSetting(f"cannot use {name}={text}: a port is a number from 0 to {highest}")
