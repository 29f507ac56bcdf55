"""The manager's own settings, from the environment. What a model is belongs in models.json, not here."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from switchyard_manager.errors import BadSetting

# name → (default, what it is for). docs/operations.md is generated from this.
SETTINGS: dict[str, tuple[str, str]] = {
    "SWITCHYARD_CATALOG": ("models.json", "the catalog of models"),
    "SWITCHYARD_STATE": (".switchyard", "the folder for what must last: logs, the shared token, demo models"),
    "SWITCHYARD_MANAGER_HOST": ("127.0.0.1", "the address on which the manager listens for proxies"),
    "SWITCHYARD_MANAGER_PORT": ("8079", "the port on which the manager listens for proxies"),
    "SWITCHYARD_MANAGER_SOCKET": (
        "none",
        "a unix socket on which the manager listens, too; whoever may open that file needs no token",
    ),
    "SWITCHYARD_ALLOW_REMOTE_SPECS": (
        "0",
        "`1` lets the API change every field of models.json, even those that can run programs on this machine",
    ),
    "SWITCHYARD_TOKEN": (
        "made at the first start",
        "the secret that manager and proxy share; without it, the one in the file below",
    ),
    "SWITCHYARD_TOKEN_FILE": (
        "token in the state folder",
        "the file that keeps that secret, made if it is not there; for its owner and, where named, its group",
    ),
    "SWITCHYARD_RUNTIME": (
        "auto",
        "how engines run: `docker`, `process`, or `auto`, which is a process if the program is installed",
    ),
    "SWITCHYARD_ENGINE_NETWORK": (
        "none",
        "a Docker network that engines join, publishing no port; for a manager that is in a container on it",
    ),
    "SWITCHYARD_GATE_URL": (
        "none",
        "where proxies of other machines find this one's gate, such as `http://gpu-pc:8078`",
    ),
    "SWITCHYARD_CONTAINER": (
        "found by itself",
        "the id or name of the container that the manager is in, where it is not found; `none`: it is in none",
    ),
    "SWITCHYARD_IMAGE_SERVER": (
        "switchyard-image-server",
        "the command of the image server, for engines that run as processes",
    ),
    "SWITCHYARD_VLLM": ("vllm", "the command of vLLM, for engines that run as processes"),
    "SWITCHYARD_IMAGE_SERVER_IMAGE": (
        "switchyard-image-server:latest",
        "the image of the image server, for engines that run in containers",
    ),
    "SWITCHYARD_VLLM_IMAGE": (
        "vllm/vllm-openai:v0.32.0",
        "the image of vLLM, for engines that run in containers",
    ),
    "SWITCHYARD_HF_CACHE": (
        "HF_HOME, else ~/.cache/huggingface (or in XDG_CACHE_HOME)",
        "the folder for what is downloaded from the Hugging Face Hub; the manager writes, engines read",
    ),
    "HF_ENDPOINT": ("https://huggingface.co", "where the Hub is, for those who have a mirror of it"),
    "SWITCHYARD_HF_TOKEN_FILE": (
        "none",
        "a file with the token for gated repositories of the Hub; read anew for each download",
    ),
    "HF_TOKEN": ("none", "the token itself, instead of a file"),
    "HF_HUB_OFFLINE": ("0", "`1` keeps the manager from asking the Hub: only what was downloaded is used"),
}

USUAL_HF_CACHE = "~/.cache/huggingface"
RUNTIMES: dict[str, Literal["auto", "docker", "process"]] = {
    "auto": "auto",
    "docker": "docker",
    "process": "process",
}
TRUE = frozenset({"1", "true", "yes", "on"})  # as the Hub's own library reads it
FALSE = frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class Settings:
    catalog: Path
    state: Path
    host: str
    port: int
    token: str | None = field(repr=False)
    image_server: str
    vllm: str
    runtime: Literal["auto", "docker", "process"] = "auto"
    image_server_image: str = SETTINGS["SWITCHYARD_IMAGE_SERVER_IMAGE"][0]
    vllm_image: str = SETTINGS["SWITCHYARD_VLLM_IMAGE"][0]
    hf_cache: Path = field(default_factory=lambda: Path(USUAL_HF_CACHE).expanduser())
    hf_endpoint: str = SETTINGS["HF_ENDPOINT"][0]
    hf_token: str = field(default="", repr=False)
    hf_token_file: Path | None = None
    hf_offline: bool = False
    socket: Path | None = None
    token_file: Path | None = None  # None: in the state folder
    allow_remote_specs: bool = False
    engine_network: str | None = None
    gate_url: str | None = None
    container: str | None = None  # the manager's own


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    env = os.environ if environ is None else environ

    def value(name: str) -> str:
        return env.get(name) or SETTINGS[name][0]

    def path(name: str) -> Path | None:
        return Path(said).expanduser().absolute() if (said := env.get(name)) else None

    return Settings(
        catalog=Path(value("SWITCHYARD_CATALOG")).expanduser().absolute(),
        state=Path(value("SWITCHYARD_STATE")).expanduser().absolute(),
        host=value("SWITCHYARD_MANAGER_HOST"),
        port=port_number("SWITCHYARD_MANAGER_PORT", value("SWITCHYARD_MANAGER_PORT")),
        token=env.get("SWITCHYARD_TOKEN") or None,
        image_server=value("SWITCHYARD_IMAGE_SERVER"),
        vllm=value("SWITCHYARD_VLLM"),
        runtime=_runtime(value("SWITCHYARD_RUNTIME")),
        image_server_image=value("SWITCHYARD_IMAGE_SERVER_IMAGE"),
        vllm_image=value("SWITCHYARD_VLLM_IMAGE"),
        hf_cache=path("SWITCHYARD_HF_CACHE") or path("HF_HOME") or _usual_hf_cache(path("XDG_CACHE_HOME")),
        hf_endpoint=_hf_endpoint(value("HF_ENDPOINT")),
        hf_token=env.get("HF_TOKEN") or "",
        hf_token_file=path("SWITCHYARD_HF_TOKEN_FILE"),
        hf_offline=_flag("HF_HUB_OFFLINE", value("HF_HUB_OFFLINE")),
        socket=path("SWITCHYARD_MANAGER_SOCKET"),
        token_file=path("SWITCHYARD_TOKEN_FILE"),
        allow_remote_specs=_flag("SWITCHYARD_ALLOW_REMOTE_SPECS", value("SWITCHYARD_ALLOW_REMOTE_SPECS")),
        engine_network=env.get("SWITCHYARD_ENGINE_NETWORK") or None,
        gate_url=_gate_url(env.get("SWITCHYARD_GATE_URL", "")),
        container=env.get("SWITCHYARD_CONTAINER") or None,
    )


def port_number(name: str, text: str) -> int:
    highest = 65535
    if text.isascii() and text.isdigit() and 0 <= int(text) <= highest:
        return int(text)
    raise BadSetting(f"cannot use {name}={text}: a port is a number from 0 to {highest}")


def _hf_endpoint(text: str) -> str:
    """Shown to whoever asks why a download failed, so no place for a password."""
    try:
        parts = urlsplit(text)
        fits = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits, parts = False, urlsplit("")
    if not fits or parts.query or parts.fragment:
        raise BadSetting(
            f"cannot use HF_ENDPOINT={text}: write the address of a Hub, such as https://huggingface.co"
        )
    if parts.username is not None:
        raise BadSetting("cannot use a name or a password in HF_ENDPOINT; give a token as HF_TOKEN")
    return text.rstrip("/")


def _usual_hf_cache(caches: Path | None) -> Path:
    if caches is not None:
        return caches / "huggingface"
    try:
        return Path(USUAL_HF_CACHE).expanduser()
    except RuntimeError as error:
        raise BadSetting(
            "cannot tell where to keep downloads: this user has no home; set SWITCHYARD_HF_CACHE to a folder"
        ) from error


def _gate_url(text: str) -> str | None:
    if not text:
        return None
    try:
        parts = urlsplit(text)
        named = parts.scheme == "http" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        named, parts = False, urlsplit("")
    if not named or parts.query or parts.fragment or parts.username is not None:
        raise BadSetting(
            f"cannot use SWITCHYARD_GATE_URL={text}: write the address as proxies see it, http://NAME:8078;"
            " what encrypts the way between the machines goes around it (docs/two-machines.md)"
        )
    return text.rstrip("/")


def _runtime(text: str) -> Literal["auto", "docker", "process"]:
    if text in RUNTIMES:
        return RUNTIMES[text]
    raise BadSetting(f"cannot use SWITCHYARD_RUNTIME={text}: write {', '.join(RUNTIMES)}")


def _flag(name: str, text: str) -> bool:
    if text.lower() in TRUE | FALSE:
        return text.lower() in TRUE
    raise BadSetting(f"cannot use {name}={text}: write 1 or 0")
