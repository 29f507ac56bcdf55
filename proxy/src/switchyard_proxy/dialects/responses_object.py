"""A response as it is before any engine has heard of it: what the API asks for, and what the request says."""

import json
import re
from typing import Any

from switchyard_proxy.dialects.voice import Opening

LONGEST_READ = 256 * 1024  # a longer body is not worth the time that reading it takes from others
UNFIT = re.compile(r"[^A-Za-z0-9_-]")  # the id is part of paths

# What may be said again as it was said. Instructions and tools may be long, and the engine will say them.
ECHOED: dict[str, type | tuple[type, ...]] = {
    "background": bool,
    "max_output_tokens": int,
    "max_tool_calls": int,
    "metadata": dict,
    "parallel_tool_calls": bool,
    "previous_response_id": str,
    "prompt_cache_key": str,
    "reasoning": dict,
    "safety_identifier": str,
    "service_tier": str,
    "store": bool,
    "temperature": (int, float),
    "tool_choice": (str, dict),
    "top_logprobs": int,
    "top_p": (int, float),
    "truncation": str,
    "user": str,
}


def new_response(opening: Opening) -> dict[str, Any]:
    return {
        "id": opening.reply_id or f"resp_{UNFIT.sub('_', opening.request_id)}",
        "object": "response",
        "created_at": opening.now,
        "status": "queued",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "metadata": {},
        "model": opening.model,
        "output": [],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "temperature": None,
        "tool_choice": "auto",
        "tools": [],
        "top_p": None,
        "truncation": "disabled",
        "usage": None,
    } | _echoed(opening.body)


def _echoed(body: bytes) -> dict[str, Any]:
    if len(body) > LONGEST_READ:
        return {}
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(asked, dict):
        return {}
    return {name: asked[name] for name, kind in ECHOED.items() if isinstance(asked.get(name), kind)}
