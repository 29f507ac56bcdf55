"""`/api/managers/{site}/…`: what a manager's admin API has for people, passed on. Nothing else of it is.

The manager answers for itself: its words, its errors and its events pass as they are. Its token stays here.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, quote

import httpx

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.access.callers import Caller, Role
from switchyard_proxy.access.gatekeeper import Gatekeeper
from switchyard_proxy.asgi import Header
from switchyard_proxy.errors import Refused, Unavailable
from switchyard_proxy.grants.admin import AdminApi
from switchyard_proxy.grants.link import Manager
from switchyard_proxy.grants.sites import Site, Sites
from switchyard_proxy.replies import Sink
from switchyard_proxy.request import Request

LOOKS = frozenset({"catalog/schema", "events", "files", "gpus", "history", "models", "queue", "runs", "status"})
OF_A_MODEL = frozenset({"explain", "logs"})
VERBS = frozenset({"cancel", "load", "pin", "pull", "sleep", "unload", "unpin", "wake"})
ASKED = (b"accept", b"content-type", b"if-match", b"last-event-id")
ANSWERED = frozenset(
    {"cache-control", "content-length", "content-type", "etag", "retry-after", "x-accel-buffering"}
)
SITE = re.compile(r"[0-9]{1,4}")
SECONDS = re.compile(r"[0-9]{1,6}(?:\.[0-9]*)?")
UNSAFE = frozenset({"", ".", ".."})
SILENT_S = 60.0  # events beat more often
LONGEST_WAIT_S = 3600.0  # as the manager has it, of whoever waits for a load
UNAUTHORIZED = 401


@dataclass(frozen=True, slots=True)
class Errand:
    """Something that may be asked, by whom, and about which model."""

    role: Role
    edits: bool = False
    model: str | None = None


def errand(method: str, path: str) -> Errand | None:
    """For a decoded path below the manager's `/api/`; None: it is not on the list."""
    parts = path.split("/")
    if UNSAFE.intersection(parts):
        return None
    match method, parts:
        case "GET", ["catalog"]:  # the file as it is written, with what its engines are told in secret
            return Errand(Role.ADMIN)
        case "GET", _ if path in LOOKS:
            return Errand(Role.OPERATE)
        case "GET", ["models", *name, last] if name and last in OF_A_MODEL:
            return Errand(Role.OPERATE, model="/".join(name))
        case "GET", ["models", *name] if name:
            return Errand(Role.OPERATE, model="/".join(name))
        case "POST", ["models", *name, verb] if name and verb in VERBS:
            return Errand(Role.OPERATE, model="/".join(name))
        case "POST", ["catalog", "check"]:
            return Errand(Role.ADMIN, edits=True)
        case (("PUT" | "DELETE"), ["models", *name]) if name:
            return Errand(Role.ADMIN, edits=True)
        case ("PUT", ["catalog"]) | ("DELETE", ["files", _, *_]):
            return Errand(Role.ADMIN, edits=True)
        case _:
            return None


class Managers:
    """Passes on what is asked of any of them."""

    def __init__(self, sites: Sites, admin: AdminApi, gate: Gatekeeper, *, editing: bool) -> None:
        self._sites = sites
        self._admin = admin
        self._gate = gate
        self._editing = editing

    def check(self, request: Request, below: str, caller: Caller) -> "Passage":
        """Raises `Refused`, before a body is read."""
        number, _, path = below.partition("/")
        found = errand(request.method, path)
        if found is None or SITE.fullmatch(number) is None or int(number) >= len(self._sites.all):
            message = f"cannot {request.method} {request.path}: nothing of a manager is passed on there"
            raise Refused(ErrorCode.UNKNOWN_URL, message)
        site = self._sites.all[int(number)]
        self._gate.check(caller, found.role)
        if found.edits and not self._editing:
            raise Refused(
                ErrorCode.NOT_ALLOWED,
                "cannot change models.json or its files through this proxy: the operator switched that off"
                " (SWITCHYARD_EDIT_MODELS)",
            )
        if found.model is not None:
            model = site.named(found.model)
            self._gate.check_model(caller, found.model if model is None else model.name)
        target = "/api/" + "/".join(quote(part, safe="") for part in path.split("/"))
        return Passage(self._admin, site, request, target + _query(request))


@dataclass(frozen=True, slots=True)
class Passage:
    """One request that may pass."""

    admin: AdminApi
    site: Site
    request: Request
    target: str

    async def run(self, body: bytes, sink: Sink, still: Callable[[], bool]) -> None:
        """Raises `ProxyError`. The manager is left with the client, or when its key is not `still` good."""
        manager = self.site.link.manager
        headers = {"accept-encoding": "identity"} | _headers(self.request)
        silent_s = _waits_s(self.request) + SILENT_S
        try:
            async with self.admin.ask(
                manager, self.request.method, self.target, headers, body, silent_s=silent_s
            ) as reply:
                if reply.status_code == UNAUTHORIZED:
                    raise _wrong_token(manager)
                await sink.start(reply.status_code, _answered(reply.headers))
                async for data in reply.aiter_raw():
                    if not still():
                        return  # unfinished, as whoever reads can tell
                    await sink.body(data, last=False)
                await sink.body(b"", last=True)
        except httpx.InvalidURL as error:
            message = f"cannot ask the manager for this address: {error}"
            raise Refused(ErrorCode.INVALID_VALUE, message) from error
        except httpx.HTTPError as error:
            message = f"cannot ask the manager: it does not answer ({type(error).__name__})"
            raise Unavailable(ErrorCode.MANAGER_UNAVAILABLE, message) from error


def _wrong_token(manager: Manager) -> Unavailable:
    """Told as it came, the client would think that its own key is wrong."""
    message = f"cannot ask the manager at {manager.url}: it wants another token; see --token-file"
    return Unavailable(ErrorCode.MANAGER_UNAVAILABLE, message)


def _query(request: Request) -> str:
    return f"?{request.query.decode('latin-1')}" if request.query else ""


def _waits_s(request: Request) -> float:
    """How long the manager was asked to wait for a load."""
    said = parse_qs(request.query.decode("latin-1")).get("wait_s", ["0"])[-1]
    return min(float(said), LONGEST_WAIT_S) if SECONDS.fullmatch(said) else 0.0


def _headers(request: Request) -> dict[str, str]:
    found = ((name, request.header(name)) for name in ASKED)
    return {name.decode(): value.decode("latin-1") for name, value in found if value is not None}


def _answered(headers: Mapping[str, str]) -> list[Header]:
    return [
        (name.lower().encode(), value.encode("latin-1"))
        for name, value in headers.items()
        if name.lower() in ANSWERED
    ]
