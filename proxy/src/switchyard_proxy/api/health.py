"""`GET /health`: that the proxy serves, and what it knows. Says nothing about any one model."""

import json

from switchyard_proxy.grants.known_models import KnownModels
from switchyard_proxy.grants.leases import Leases
from switchyard_proxy.grants.link import Link


def health(link: Link, known: KnownModels, leases: Leases) -> bytes:
    models = known.snapshot.models if known.snapshot is not None else ()
    return json.dumps(
        {
            "status": "ok",
            "manager": "connected" if link.connected else "away",
            "models": len(models),
            "in_flight": leases.in_flight,
            "waiting": leases.waiting,
        }
    ).encode()
