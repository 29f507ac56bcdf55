"""`/api/keys`: making, changing and revoking keys. No answer but that of the making has a key in it.

Who may call what was checked before; here the caller matters only to `/api/keys/me`.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.access.callers import Caller, Limits, Role
from switchyard_proxy.access.gatekeeper import ENVIRONMENT, Gatekeeper
from switchyard_proxy.access.keys import KeyRecord, make_key
from switchyard_proxy.errors import Refused

MOST_BODY = 64 * 1024
Shown = dict[str, Any]
Whole = Annotated[int, Field(strict=True)]
Wanted = TypeVar("Wanted", bound=BaseModel)


class LimitsWanted(BaseModel):
    """What is left out stays as it is; null lifts a limit."""

    model_config = ConfigDict(extra="forbid")

    requests_per_minute: Whole | None = None
    concurrent: Whole | None = None
    tokens_per_day: Whole | None = None

    def over(self, limits: Limits) -> Limits:
        return replace(limits, **self.model_dump(include=self.model_fields_set))


class Change(BaseModel):
    """What is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    name: str | None = None
    role: Literal["use", "operate", "admin"] | None = None
    models: list[str] | None = None
    limits: LimitsWanted | None = None
    priority: Whole | None = None
    beats: str | None = None
    expires_at: Annotated[float, Field(strict=True)] | None = None

    def over(self, record: KeyRecord) -> KeyRecord:
        given = self.model_fields_set
        for field in ("name", "role", "priority", "limits"):
            if field in given and getattr(self, field) is None:
                raise _unfit(f"`{field}` cannot be null; leave it out", field)
        changed = {field: getattr(self, field) for field in given - {"role", "models", "limits"}}
        if self.role is not None:
            changed["role"] = Role[self.role.upper()]
        if "models" in given:
            changed["models"] = None if self.models is None else frozenset(self.models)
        if self.limits is not None:
            changed["limits"] = self.limits.over(record.limits)
        return replace(record, **changed)


class NewKey(Change):
    name: str


def router(gate: Gatekeeper, caller_of: Callable[[Request], Caller]) -> APIRouter:
    keys = APIRouter(prefix="/api/keys", tags=["keys"])

    @keys.get("")
    async def all_keys() -> Shown:
        await asyncio.to_thread(gate.refresh)
        return {"keys": [_shown(gate, record) for record in gate.ring.records]}

    @keys.get("/me")
    async def this_key(request: Request) -> Shown:
        return _me(gate, caller_of(request))

    @keys.post("", status_code=201)
    async def make(request: Request) -> Shown:
        wanted, now = await _read(request, NewKey), gate.now()
        plain, key = make_key(wanted.name, now)
        record = wanted.over(plain)
        await asyncio.to_thread(gate.keys.add, record, now)
        await asyncio.to_thread(gate.refresh)
        return _shown(gate, record) | {"key": key}

    @keys.patch("/{key_id}")
    async def change(key_id: str, request: Request) -> Shown:
        wanted = await _read(request, Change)
        _check_is_in_file(key_id)
        record = await asyncio.to_thread(gate.keys.update, key_id, wanted.over, gate.now())
        await asyncio.to_thread(gate.refresh)
        return _shown(gate, record)

    @keys.delete("/{key_id}")
    async def revoke(key_id: str) -> Shown:
        _check_is_in_file(key_id)
        record = await asyncio.to_thread(gate.keys.revoke, key_id, gate.now())
        await asyncio.to_thread(gate.refresh)
        return _shown(gate, record)

    return keys


def _shown(gate: Gatekeeper, record: KeyRecord) -> Shown:
    now = gate.now()
    state = "revoked" if record.revoked_at is not None else "live" if record.is_live(now) else "expired"
    return {
        **_rights(record.caller()),
        "prefix": record.prefix,
        "state": state,
        "created_at": record.created_at,
        "expires_at": record.expires_at,
        "revoked_at": record.revoked_at,
        "usage": _usage(gate, record.caller(), now) if record.revoked_at is None else None,
    }


def _me(gate: Gatekeeper, caller: Caller) -> Shown:
    record, usage, limits = gate.ring.record(caller.id), _usage(gate, caller, gate.now()), caller.limits
    return {
        **_rights(caller),
        "expires_at": None if record is None else record.expires_at,
        "usage": usage,
        "left": {
            "requests_this_minute": _left(limits.requests_per_minute, usage["requests_this_minute"]),
            "concurrent": _left(limits.concurrent, usage["in_flight"]),
            "tokens_today": _left(limits.tokens_per_day, usage["tokens_today"]),
        },
    }


def _rights(caller: Caller) -> Shown:
    return {
        "id": caller.id or None,
        "name": caller.name,
        "role": caller.role.name.lower(),
        "models": None if caller.models is None else sorted(caller.models),
        "limits": asdict(caller.limits),
        "priority": caller.priority,
        "beats": caller.beats,
    }


def _usage(gate: Gatekeeper, caller: Caller, now: float) -> dict[str, int]:
    """The minute and what runs are counted for keys with limits only."""
    standing = gate.meter.standing(caller, now)
    return {
        "requests_today": standing.day_requests,
        "tokens_today": standing.day_tokens,
        "requests_this_minute": standing.minute_requests,
        "in_flight": standing.in_flight,
    }


def _left(limit: int | None, used: int) -> int | None:
    return None if limit is None else max(limit - used, 0)


def _check_is_in_file(key_id: str) -> None:
    if key_id == ENVIRONMENT:
        raise Refused(
            ErrorCode.NOT_ALLOWED,
            "cannot change the key that comes from the environment: change SWITCHYARD_API_KEY, then restart",
        )


async def _read(request: Request, kind: type[Wanted]) -> Wanted:
    """Raises `Refused`, in our one error shape."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BODY:
            raise Refused(ErrorCode.REQUEST_TOO_LARGE, f"cannot read the body: it is over {MOST_BODY} bytes")
    try:
        return kind.model_validate(json.loads(body))
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        param = ".".join(map(str, fault["loc"])) or None
        if fault["type"] == "missing":
            raise Refused(
                ErrorCode.MISSING_REQUIRED_PARAMETER, f"cannot do this: `{param}` is missing", param
            ) from error
        raise _unfit(f"`{param or 'the body'}`: {fault['msg']}", param) from error
    except (ValueError, RecursionError) as error:
        raise Refused(ErrorCode.INVALID_JSON, "cannot read the body: it is no JSON") from error


def _unfit(what: str, param: str | None) -> Refused:
    return Refused(ErrorCode.INVALID_VALUE, f"cannot use what was sent: {what}", param)
