"""The console script: `switchyard-gate` serves until a signal comes."""

import logging
import os
import sys

from switchyard_proxy.accounting import logs
from switchyard_proxy.gate.app import Gate
from switchyard_proxy.gate.settings import GateSettings, read_gate_settings
from switchyard_proxy.server import CannotListen, listen, serve
from switchyard_proxy.settings import SettingRefused

log = logging.getLogger(__name__)


def main() -> None:
    try:
        run(read_gate_settings(sys.argv[1:], os.environ))
    except (SettingRefused, CannotListen) as error:
        sys.exit(f"switchyard-gate: {error}")


def run(settings: GateSettings) -> None:
    """Until a signal comes. Raises `CannotListen`."""
    logs.set_up(settings.log_format, program="gate")
    with listen(settings.gate_host, settings.gate_port) as listener:
        log.info("listening on http://%s:%d", settings.gate_host, listener.getsockname()[1])
        gate = Gate(settings)
        serve(gate, gate.stop, settings, listener)
