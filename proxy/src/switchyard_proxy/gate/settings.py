"""The gate's settings: rows of the proxy's table, and its own address."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from switchyard_proxy.settings import SETTINGS, SettingRefused, read_rows

_PROXYS = {setting.name: setting for setting in SETTINGS}
_SHARED = (
    "token_file",
    "token",
    "connect_wait_s",
    "body_pause_s",
    "header_wait_s",
    "write_stall_s",
    "keep_alive_s",
    "max_connections",
    "stop_grace_s",
    "log_format",
)
GATE_SETTINGS = (
    replace(
        _PROXYS["host"], name="gate_host", description="Address on which the gate listens; 0.0.0.0 for the LAN."
    ),
    replace(_PROXYS["port"], name="gate_port", description="Port on which the gate listens.", default="8078"),
    *(_PROXYS[name] for name in _SHARED),
)


@dataclass(frozen=True, slots=True)
class GateSettings:
    """What the operator chose. Times are seconds."""

    gate_host: str
    gate_port: int
    token: str = field(repr=False)
    connect_wait_s: float
    body_pause_s: float
    header_wait_s: float
    write_stall_s: float
    keep_alive_s: int
    max_connections: int
    stop_grace_s: float
    log_format: str


def read_gate_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> GateSettings:
    """Raises `SettingRefused`."""
    parser = argparse.ArgumentParser(
        prog="switchyard-gate",
        description="Let the proxies of other machines reach this machine's engines.",
        allow_abbrev=False,
    )
    values = read_rows(GATE_SETTINGS, parser, arguments, environment)
    if values["token"] is None:
        raise SettingRefused(
            "cannot tell who may pass: there is no token; set SWITCHYARD_TOKEN or SWITCHYARD_TOKEN_FILE to the"
            " manager's (the file `token` in its state folder)"
        )
    return GateSettings(**values)  # type: ignore[arg-type]  # the table and the class name the same fields
