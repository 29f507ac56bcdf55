"""`POST /api/tokens`: what a chat request would cost, item by item, while it is composed. Loads no model.

Pictures and videos are counted from their heads, as every request's are. Words are counted by the model's
engine if it runs, and estimated if it does not.
"""

import asyncio
import json
from dataclasses import replace
from typing import Any

import msgspec

from switchyard_contracts.catalog import Engine
from switchyard_proxy.access.callers import Caller
from switchyard_proxy.access.gatekeeper import Gatekeeper
from switchyard_proxy.budget.media import Kind
from switchyard_proxy.budget.prompt import Cost, Message, Place, Prompt, as_pixel, as_text, read_prompt
from switchyard_proxy.budget.reckoning import MUCH, TOO_MUCH, level_of
from switchyard_proxy.request import Request
from switchyard_proxy.routing import needs
from switchyard_proxy.routing.names import Choice
from switchyard_proxy.wire.fleet import Fleet, may_use
from switchyard_proxy.wire.looking import Looks

TOKENIZE = b"/tokenize"
LARGEST_VIDEOS = 16 * 1024 * 1024  # of a prompt, that an engine is given to count
TEXT = "text"


class Said(msgspec.Struct):
    """What engines answer. `items` is our own engine's."""

    count: int
    max_model_len: int | None = None
    items: list[dict[str, Any]] | None = None


class TokenCounts:
    """Counts for whoever composes."""

    def __init__(self, fleet: Fleet, gate: Gatekeeper, looks: Looks) -> None:
        self._fleet = fleet
        self._gate = gate
        self._looks = looks

    async def count(self, request: Request, body: bytes, caller: Caller) -> bytes:
        """Raises `ProxyError`."""
        prompt = await asyncio.to_thread(read_prompt, body)
        choice = self._fleet.directory.find(
            prompt.model, needs.TOKENIZE, self._fleet.sites.is_warm, path="/api/tokens", may=may_use(caller)
        )
        self._gate.check_model(caller, choice.model.name)
        media = await asyncio.to_thread(prompt.costs, choice.model.serving.vision)
        said = await self._asked(prompt, choice, request, caller)
        context = choice.model.context_length
        if said is None:
            costs = [*media, Cost(TEXT, prompt.words, exact=False)]
        else:
            costs = merged(media, said)
            context = said.max_model_len or context
        return json.dumps(summary(costs, context)).encode()

    async def _asked(self, prompt: Prompt, choice: Choice, request: Request, caller: Caller) -> Said | None:
        spelled = await asyncio.to_thread(_question, prompt, choice)
        reply = await self._looks.ask(choice, TOKENIZE, spelled, request, caller)
        return None if reply is None else await asyncio.to_thread(_read, reply)


def merged(media: list[Cost], said: Said) -> list[Cost]:
    """Our numbers of the media, and the engine's of all the rest."""
    if said.items is None:
        return [*media, Cost(TEXT, max(said.count - len(media), 0), exact=True)]
    theirs = [item for item in said.items if item["type"] != TEXT]
    words = sum(item["tokens"] for item in said.items if item["type"] == TEXT)
    if len(theirs) == len(media):
        media = [_with_theirs(ours, item) for ours, item in zip(media, theirs, strict=True)]
    return [*media, Cost(TEXT, words, exact=True)]


def summary(costs: list[Cost], context: int | None) -> dict[str, Any]:
    total = sum(cost.tokens for cost in costs)
    return {
        "items": [cost.told() for cost in costs],
        "total": total,
        "exact": all(cost.exact for cost in costs),
        "context": context,
        "remaining": None if context is None else max(context - total, 0),
        "fits": context is None or total <= context,
        "level": level_of(total),
        "warning_above": MUCH,
        "critical_above": TOO_MUCH,
    }


def _with_theirs(ours: Cost, theirs: dict[str, Any]) -> Cost:
    """A picture was a stand-in there; a video that went there whole was counted to the token."""
    ours = replace(ours, label=theirs.get("label"))
    if theirs["type"] != Kind.VIDEO:
        return ours
    return replace(
        ours,
        tokens=theirs["tokens"],
        exact=True,
        width=theirs.get("width"),
        height=theirs.get("height"),
        frames=theirs.get("frames"),
    )


def _question(prompt: Prompt, choice: Choice) -> bytes:
    """Blocks: what is left in it may be large."""
    if choice.model.engine is not Engine.IMAGE_SERVER:
        body = prompt.spelled(as_text)
        body.pop("labels", None)
    else:
        videos = [place for place in prompt.places if _is_here(place)]
        goes = sum(len(place.medium.url) for place in videos) <= LARGEST_VIDEOS

        def stands_for(place: Place) -> Message | None:
            return None if goes and _is_here(place) else as_pixel(place)

        body = prompt.spelled(stands_for)
    return msgspec.json.encode({"model": choice.served_as, **body})


def _is_here(place: Place) -> bool:
    """No engine is made to fetch anything for a count."""
    return place.medium.kind is Kind.VIDEO and place.medium.inline


def _read(reply: bytes) -> Said | None:
    try:
        return msgspec.json.decode(reply, type=Said)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
