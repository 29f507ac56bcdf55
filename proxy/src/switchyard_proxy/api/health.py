"""`GET /health`: that the proxy serves, and what it knows. Says nothing about any one model."""

import json

from switchyard_proxy.grants.sites import Sites


def health(sites: Sites) -> bytes:
    connected = sites.connected
    return json.dumps(
        {
            "status": "ok",
            "manager": "connected" if connected == len(sites.all) else "away" if not connected else "partly",
            "models": len({model.name for site in sites.all for model in site.known.models}),
            "in_flight": sites.in_flight,
            "waiting": sites.waiting,
        }
    ).encode()
