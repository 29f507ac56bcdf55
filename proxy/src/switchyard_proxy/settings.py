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
SHORTEST_BEAT_S = 0.01
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class SettingRefused(ValueError):
    """A setting cannot be used; the message says which and what to give."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator chose. Times are seconds."""

    host: str
    port: int
    manager: tuple[str, ...]
    state: str
    token: str | None
    auth: str
    api_key: str | None
    allowed_hosts: tuple[str, ...]
    allowed_origins: tuple[str, ...]
    workers: int
    body_limit_mib: int
    upload_limit_mib: int
    load_wait_s: float
    manager_wait_s: float
    connect_wait_s: float
    commit_after_s: float
    heartbeat_s: float
    heartbeat: str
    whitespace_after_s: float
    retry_attach_s: float
    body_pause_s: float
    header_wait_s: float
    write_stall_s: float
    keep_alive_s: int
    max_connections: int
    stop_grace_s: float
    stream_store: str
    stream_log_mib: int
    stream_logs_mib: int
    stream_keep_s: float
    cancel_after_disconnect_s: float
    requests_keep_days: int
    captures: str
    capture_kib: int
    media_urls: str
    ollama: str
    edit_models: str
    ui_reload: str
    log_format: str

    @property
    def body_limit(self) -> int:
        return self.body_limit_mib * MIB

    @property
    def upload_limit(self) -> int:
        return self.upload_limit_mib * MIB

    @property
    def folder(self) -> Path:
        """Where the proxy keeps what must last."""
        return Path(self.state).expanduser() / "proxy"

    @property
    def asks_for_keys(self) -> bool:
        return self.auth == "on" or (self.auth == "auto" and (self.api_key is not None or not self.on_loopback))

    @property
    def on_loopback(self) -> bool:
        return self.host in LOOPBACK


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


def _some_seconds(text: str) -> float:
    seconds = _seconds(text)
    if seconds < SHORTEST_BEAT_S:
        raise ValueError(f"give a number of seconds, at least {SHORTEST_BEAT_S:g}")
    return seconds


def _address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("give an address such as http://127.0.0.1:8079")
    return text.rstrip("/")


def _addresses(text: str) -> tuple[str, ...]:
    return tuple(_address(part.strip()) for part in text.split(","))


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for part in text.split(",") if (word := part.strip()))


def _store(text: str) -> str:
    if text in {"memory", "sqlite"} or text.startswith(("redis://", "rediss://", "unix://")):
        return text
    raise ValueError("give memory, sqlite, or the address of a Redis: redis://host:6379/0")


def _days(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 6:
        raise ValueError("give a number of days; 0 keeps nothing")
    return int(text)


def _one_of(*choices: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in choices:
            raise ValueError(f"give {', '.join(choices[:-1])} or {choices[-1]}")
        return text

    return read


SETTINGS = (
    Setting("host", "Address to listen on; 0.0.0.0 for the whole network.", "127.0.0.1", _text),
    Setting("port", "Port to listen on; 0 takes a free one.", "8080", _port),
    Setting(
        "manager",
        "Where the manager answers; several with commas between, all with one token.",
        "http://127.0.0.1:8079",
        _addresses,
    ),
    Setting(
        "state", "Folder for what lasts: keys, accounts, logs of streams (in `proxy/`).", ".switchyard", _text
    ),
    Setting("token_file", "File that holds the token shared with the manager.", None, _text),
    Setting("token", "The token shared with the manager, instead of a file.", None, _text, secret=True),
    Setting(
        "auth",
        "Whether clients need a key: `on`, `off`, or `auto`, which is on when listening beyond this machine.",
        "auto",
        _one_of("auto", "on", "off"),
    ),
    Setting(
        "api_key",
        "A key that clients may send beside the named ones; its role is `operate`.",
        None,
        _text,
        secret=True,
    ),
    Setting("allowed_hosts", "More names by which clients may call this machine.", "", _words),
    Setting("allowed_origins", "More origins whose pages may ask without a key; * for all.", "", _words),
    Setting(
        "workers", "Processes that share the port; several need a stream store other than memory.", "1", _count
    ),
    Setting("body_limit_mib", "Largest request body, in MiB.", "64", _count),
    Setting("upload_limit_mib", "Largest upload (multipart), in MiB; kept on disk meanwhile.", "512", _count),
    Setting("load_wait_s", "Seconds that a request may wait for its model to load.", "600", _seconds),
    Setting("manager_wait_s", "Seconds that a request may wait while the manager is away.", "5", _seconds),
    Setting("connect_wait_s", "Seconds within which an engine must accept a connection.", "5", _seconds),
    Setting(
        "commit_after_s", "Seconds after which a streamed request that still waits is answered.", "15", _seconds
    ),
    Setting(
        "heartbeat_s",
        "Seconds between signs of life in a stream in which nothing else comes.",
        "10",
        _some_seconds,
    ),
    Setting(
        "heartbeat",
        "What a sign of life is: an empty `chunk`, a `comment`, a `reasoning` text, or `off`.",
        "chunk",
        _one_of("chunk", "comment", "reasoning", "off"),
    ),
    Setting(
        "whitespace_after_s",
        "Seconds after which a plain reply that is being made begins with blanks; 0 for never.",
        "240",
        _seconds,
    ),
    Setting(
        "retry_attach_s",
        "Seconds that the place of a client that left is kept in case it asks again.",
        "20",
        _seconds,
    ),
    Setting("body_pause_s", "Seconds that a client may pause while it sends a body.", "30", _seconds),
    Setting("header_wait_s", "Seconds within which the head of a request must have come.", "20", _seconds),
    Setting("write_stall_s", "Seconds that a client may take nothing of its reply.", "600", _seconds),
    Setting("keep_alive_s", "Seconds that an idle client connection is kept open.", "75", _count),
    Setting("max_connections", "Client connections at the same time.", "4096", _count),
    Setting(
        "stop_grace_s", "Seconds that running requests get to finish when the proxy stops.", "10", _seconds
    ),
    Setting(
        "stream_store",
        "Where resumable streams are logged: `memory` (one worker only), `sqlite`, or a Redis's address.",
        "sqlite",
        _store,
    ),
    Setting("stream_log_mib", "Largest log of one resumable stream, in MiB.", "16", _count),
    Setting("stream_logs_mib", "All logs of resumable streams together, in MiB.", "256", _count),
    Setting("stream_keep_s", "Seconds that a finished resumable stream is kept.", "3600", _seconds),
    Setting(
        "cancel_after_disconnect_s",
        "Seconds after which a resumable stream that nobody listens to is cancelled.",
        "300",
        _seconds,
    ),
    Setting("requests_keep_days", "Days that the account of each request is kept; 0 keeps none.", "30", _days),
    Setting(
        "captures",
        "Whose bodies are kept for a look: `off`, `errors` or `all`.",
        "off",
        _one_of("off", "errors", "all"),
    ),
    Setting("capture_kib", "Largest part of a body that is captured, in KiB.", "64", _count),
    Setting(
        "media_urls",
        "Whether engines may be asked to fetch pictures and videos from the network: `allow` or `refuse`.",
        "refuse",
        _one_of("refuse", "allow"),
    ),
    Setting("ollama", "Whether Ollama's API is served, too: `on` or `off`.", "off", _one_of("off", "on")),
    Setting(
        "edit_models",
        "Whether admins may change models.json, and remove downloaded files, through the proxy: `on` or `off`.",
        "on",
        _one_of("on", "off"),
    ),
    Setting(
        "ui_reload",
        "For work on the page itself: `on` reads its files anew for each request; else `off`.",
        "off",
        _one_of("off", "on"),
    ),
    Setting("log_format", "How the log is written: `text` or `json`.", "text", _one_of("text", "json")),
)


def read_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Flags win over the environment, the environment over the defaults. Raises `SettingRefused`."""
    parser = argparse.ArgumentParser(
        prog="switchyard-proxy", description="One OpenAI address for every model.", allow_abbrev=False
    )
    values = read_rows(SETTINGS, parser, arguments, environment)
    return Settings(**values)  # type: ignore[arg-type]  # the table and the class name the same fields


def read_rows(
    rows: Sequence[Setting],
    parser: argparse.ArgumentParser,
    arguments: Sequence[str],
    environment: Mapping[str, str],
) -> dict[str, object]:
    """By name; the token that a file holds is read. Raises `SettingRefused`."""
    _add_flags(parser, rows)
    given = vars(parser.parse_args(arguments))
    values = {setting.name: _value(setting, given.get(setting.name), environment) for setting in rows}
    token_file = values.pop("token_file")
    if values["token"] is None and token_file is not None:
        values["token"] = _token_in(Path(str(token_file)))
    return values


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


def _add_flags(parser: argparse.ArgumentParser, rows: Sequence[Setting]) -> None:
    for setting in rows:
        if setting.flag is not None:
            default = "" if setting.default is None else f" Default: {setting.default}."
            shown = f"{setting.description}{default} Also: {setting.env}."
            parser.add_argument(setting.flag, dest=setting.name, help=shown)
