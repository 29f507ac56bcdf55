"""The proxy's settings: one table, read once at start from arguments and environment. Frozen afterwards.

A value is refused with a sentence, never bent into shape. Secrets have no flag: a command line is open to
every user of the machine.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

MIB = 1024 * 1024


class SettingRefused(ValueError):
    """A setting cannot be used; the message says which and what to give."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator chose. Times are seconds."""

    host: str
    port: int
    manager: str
    token: str | None
    api_key: str | None
    body_limit_mib: int
    load_wait_s: float
    manager_wait_s: float
    connect_wait_s: float
    body_pause_s: float
    keep_alive_s: int
    stop_grace_s: float

    @property
    def body_limit(self) -> int:
        return self.body_limit_mib * MIB

    @property
    def key(self) -> bytes | None:
        return self.api_key.encode() if self.api_key else None


@dataclass(frozen=True, slots=True)
class Setting:
    """A row of the table: what it is called, what it means, and how its text is read."""

    name: str
    description: str
    default: str | None
    read: Callable[[str], object]
    secret: bool = False

    @property
    def env(self) -> str:
        return f"SWITCHYARD_{self.name.upper()}"

    @property
    def flag(self) -> str | None:
        return None if self.secret else f"--{self.name.replace('_', '-')}"


def _text(text: str) -> str:
    if not text.strip():
        raise ValueError("give some text")
    return text.strip()


def _port(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 0 <= int(text) <= 65535:
        raise ValueError("give a port from 0 to 65535")
    return int(text)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= 1_000_000:
        raise ValueError("give a whole number from 1 to 1000000")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 1_000_000:
        raise ValueError("give a number of seconds from 0 to 1000000")
    return seconds


def _address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("give an address such as http://127.0.0.1:8079")
    return text.rstrip("/")


SETTINGS = (
    Setting("host", "Address to listen on; 0.0.0.0 for the whole network.", "127.0.0.1", _text),
    Setting("port", "Port to listen on; 0 takes a free one.", "8080", _port),
    Setting("manager", "Where the manager answers.", "http://127.0.0.1:8079", _address),
    Setting("token_file", "File that holds the token shared with the manager.", None, _text),
    Setting("token", "The token shared with the manager, instead of a file.", None, _text, secret=True),
    Setting(
        "api_key", "The key that clients must send; without it, everyone is served.", None, _text, secret=True
    ),
    Setting("body_limit_mib", "Largest request body, in MiB.", "64", _count),
    Setting("load_wait_s", "Seconds that a request may wait for its model to load.", "600", _seconds),
    Setting("manager_wait_s", "Seconds that a request may wait while the manager is away.", "5", _seconds),
    Setting("connect_wait_s", "Seconds within which an engine must accept a connection.", "5", _seconds),
    Setting("body_pause_s", "Seconds that a client may pause while it sends a body.", "30", _seconds),
    Setting("keep_alive_s", "Seconds that an idle client connection is kept open.", "75", _count),
    Setting(
        "stop_grace_s", "Seconds that running requests get to finish when the proxy stops.", "10", _seconds
    ),
)


def read_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Flags win over the environment, the environment over the defaults. Raises `SettingRefused`."""
    given = vars(_parser().parse_args(arguments))
    values = {setting.name: _value(setting, given.get(setting.name), environment) for setting in SETTINGS}
    token_file = values.pop("token_file")
    if values["token"] is None and token_file is not None:
        values["token"] = _token_in(Path(str(token_file)))
    return Settings(**values)  # type: ignore[arg-type]  # the table and the class name the same fields


def _value(setting: Setting, given: str | None, environment: Mapping[str, str]) -> object:
    text = given if given is not None else environment.get(setting.env) or setting.default
    if text is None:
        return None
    try:
        return setting.read(text)
    except ValueError as error:
        source = setting.flag if given is not None else setting.env
        shown = "what it holds" if setting.secret else repr(text)
        raise SettingRefused(f"cannot use {shown} for {source}: {error}") from None


def _token_in(path: Path) -> str:
    try:
        return _text(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingRefused(f"cannot read the token in {path}: {error}; give a file that holds it") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="switchyard-proxy", description="One OpenAI address for every model.", allow_abbrev=False
    )
    for setting in SETTINGS:
        if setting.flag is not None:
            default = "" if setting.default is None else f" Default: {setting.default}."
            shown = f"{setting.description}{default} Also: {setting.env}."
            parser.add_argument(setting.flag, dest=setting.name, help=shown)
    return parser
