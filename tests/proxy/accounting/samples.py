"""Accounts of requests, as the wire leaves them."""

import dataclasses
import itertools
from typing import Any

from switchyard_proxy.accounting.account import Account, Usage

_NUMBERS = itertools.count(1)
GOOD = Account(
    id="",
    at=1_000_000.0,
    began=50.0,
    route="/v1/chat/completions",
    key="anyone",
    address="127.0.0.1",
    asked="fast",
    model="qwen3",
    streams=True,
    queued=50.5,
    leased=52.5,
    first=53.0,
    ended=56.5,
    status=200,
    bytes_in=100,
    bytes_out=2_000,
    usage=Usage(7, 40, 3),
)


def account(**changes: Any) -> Account:
    """A request that went well, but for the changes."""
    return dataclasses.replace(GOOD, **{"id": f"req_{next(_NUMBERS)}", **changes})
