"""llama.cpp's router, for clients with load buttons: `/models/load`, `/models/unload`, `/models/sse`."""

import asyncio
from collections.abc import AsyncGenerator

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.access.callers import Caller
from switchyard_proxy.bodies.fields import read_fields
from switchyard_proxy.dialects import llama_cpp
from switchyard_proxy.errors import Refused
from switchyard_proxy.grants.commands import Commands
from switchyard_proxy.routing import needs
from switchyard_proxy.routing.names import Choice, Fits, anyone
from switchyard_proxy.wire.fleet import Fleet, may_use

BEAT_S = 15.0
COMMENT = b": keepalive\n\n"
VERBS = {"/models/load": "load", "/models/unload": "unload"}


async def order(fleet: Fleet, commands: Commands, caller: Caller, path: str, body: bytes) -> bytes:
    """Load or unload the model that the body names, on the machine that has it. Raises `ProxyError`."""
    asked = read_fields(body).model
    if asked is None:
        raise Refused(
            ErrorCode.MISSING_REQUIRED_PARAMETER, "cannot tell which model is meant: add `model`", "model"
        )
    await command(fleet, commands, VERBS[path], asked, may_use(caller))
    return llama_cpp.SUCCESS


async def command(fleet: Fleet, commands: Commands, verb: str, asked: str, may: Fits = anyone) -> Choice:
    """Raises `ProxyError`."""
    choice = fleet.directory.find(asked, needs.ANY, fleet.sites.is_warm, may=may)
    if not may(choice.model):
        message = f"cannot {verb} {choice.model.name!r} with this key: it may use other models only"
        raise Refused(ErrorCode.PERMISSION_DENIED, message, "model")
    site = fleet.sites.serving(choice.model.name, choice.sites)
    await commands.give(site.link.manager, choice.model.name, verb)
    return choice


async def news(fleet: Fleet, closing: asyncio.Event) -> AsyncGenerator[bytes]:
    """Every model's state, then what changes, for as long as anybody listens."""
    before = fleet.statuses()
    yield llama_cpp.news((), before) or COMMENT
    while not closing.is_set():
        heard = fleet.next_news()
        try:
            async with asyncio.timeout(BEAT_S):
                await heard.wait()
        except TimeoutError:
            yield COMMENT
            continue
        after = fleet.statuses()
        changed = llama_cpp.news(before, after)
        before = after
        if changed:
            yield changed
