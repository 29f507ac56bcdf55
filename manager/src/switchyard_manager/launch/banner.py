"""What `up` says once clients can come: where, with what, and how to end it.

`main`, run in the manager's container, says the same of a proxy beside it, for ./setup.sh.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from switchyard_contracts.status import ManagerStatus
from switchyard_manager.settings import read_settings
from switchyard_manager.state import StateFolder

SHOWN = 8
KEYS = "  keys     clients need one; ./setup.sh keys add NAME makes another for each"
OPEN = "Anyone who can reach this address can use it, for SWITCHYARD_AUTH is off.\n"


@dataclass(frozen=True, slots=True)
class Facts:
    address: str
    models: tuple[str, ...]
    catalog: str
    runtime: str
    key: str  # how a shell gives one; empty if none is asked for
    is_open: bool  # to others than this machine, with no key
    end: str


def banner(facts: Facts) -> str:
    question = {
        "model": facts.models[0] if facts.models else "MODEL",
        "messages": [{"role": "user", "content": "What can you do?"}],
    }
    key = f' -H "Authorization: Bearer {facts.key}"' if facts.key else ""
    lines = [
        "",
        f"Switchyard is up. Engines run as: {facts.runtime}",
        f"  address  {facts.address}/v1   (give this to any OpenAI client)",
        f"  page     {facts.address}/",
        f"  models   {_shortened(facts.models)}   (from {facts.catalog})",
        f"  try it   curl {facts.address}/v1/chat/completions -H 'Content-Type: application/json'{key} \\",
        f"             -d '{json.dumps(question)}'",
        *([KEYS] if facts.key else []),
        f"  stop     {facts.end}",
        "",
        *([OPEN] if facts.is_open else []),
    ]
    return "\n".join(lines)


def _shortened(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def status_of(manager_url: str, token: str) -> ManagerStatus:
    reply = httpx.get(f"{manager_url}/status", headers={"Authorization": f"Bearer {token}"}, timeout=5.0)
    return ManagerStatus.model_validate_json(reply.content)


def main() -> None:
    """Of the manager beside which this runs; what only ./setup.sh knows, it gives."""
    parser = argparse.ArgumentParser(prog="banner", description=__doc__)
    parser.add_argument("--address", required=True, help="where clients reach the proxy")
    parser.add_argument("--catalog", required=True, help="where the operator finds models.json")
    parser.add_argument("--key", default="", help="how a shell gives a key; none: no key is asked for")
    given = parser.parse_args()
    settings = read_settings()
    token = settings.token or StateFolder(settings.state, settings.token_file).token()
    status = status_of(f"http://127.0.0.1:{settings.port}", token)
    facts = Facts(
        address=given.address,
        models=tuple(model.name for model in status.models),
        catalog=given.catalog,
        runtime=status.runtime,
        key=given.key,
        is_open=not given.key,
        end="./setup.sh down (Ctrl-C, if it runs in this terminal)",
    )
    sys.stdout.write(banner(facts) + "\n")
