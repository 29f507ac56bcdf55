"""`GET /api/ui`: what the page has to know before anything else. Open to all; tells strangers little."""

import json
from typing import Any

from switchyard_proxy import __version__
from switchyard_proxy.access.callers import Caller, Role
from switchyard_proxy.budget.reckoning import MUCH, TOO_MUCH
from switchyard_proxy.grants.sites import Site, Sites
from switchyard_proxy.settings import Settings


def facts(settings: Settings, sites: Sites, page: str, caller: Caller | None) -> bytes:
    """`page`: the version of its files. None for a caller: a key is asked for, and none that fits was sent."""
    told = {
        "version": __version__,
        "page": page,
        "keys": settings.asks_for_keys,
        "role": None if caller is None else caller.role.name.lower(),
        "name": None if caller is None else caller.name,
        "sites": [] if caller is None else shown_sites(sites, caller),
        "limits": {"body_mib": settings.body_limit_mib, "upload_mib": settings.upload_limit_mib},
        "levels": {"warning": MUCH, "critical": TOO_MUCH},
        "editing": may_edit(settings, caller),
    }
    return json.dumps(told).encode()


def shown_sites(sites: Sites, caller: Caller) -> list[dict[str, Any]]:
    """The managers, by the number that their paths below `/api/managers/` have, and the names they add."""
    operates = caller.may(Role.OPERATE)
    return [
        {
            "site": number,
            "connected": site.link.connected,
            "url": site.link.manager.url if operates else None,
            "default_model": _default(site, caller),
            "virtual": [
                one.model_dump(mode="json") | {"candidates": candidates}
                for one in site.known.routing.virtual
                if (candidates := [name for name in one.candidates if _may_use(site, name, caller)])
            ],
        }
        for number, site in enumerate(sites.all)
    ]


def _default(site: Site, caller: Caller) -> str | None:
    name = site.known.routing.default_model
    return name if name is not None and _may_use(site, name, caller) else None


def _may_use(site: Site, name: str, caller: Caller) -> bool:
    """Whoever may use some models only is told the names of no others."""
    model = site.named(name)
    return caller.models is None or (model is not None and caller.may_use(model.name))


def may_edit(settings: Settings, caller: Caller | None) -> bool:
    """Whether models.json may be changed through the proxy, and by this caller."""
    return settings.edit_models == "on" and caller is not None and caller.may(Role.ADMIN)
