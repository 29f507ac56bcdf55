"""What an Ollama client asks, as the OpenAI request that an engine understands. Refuses what makes no sense.

A request without a prompt only loads the model, and one that also keeps it alive for no time unloads it.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.dialects.events import dumps
from switchyard_proxy.dialects.ollama.messages import content, openai_messages
from switchyard_proxy.errors import Refused

LATEST = ":latest"  # what clients add to a name that has no tag
NO_TIME = re.compile(r"[+-]?0+(\.0*)?(ns|us|ms|s|m|h)?")

OPTIONS = {
    "frequency_penalty": "frequency_penalty",
    "min_p": "min_p",
    "presence_penalty": "presence_penalty",
    "repeat_penalty": "repetition_penalty",
    "seed": "seed",
    "stop": "stop",
    "temperature": "temperature",
    "top_k": "top_k",
    "top_p": "top_p",
}  # the rest, `num_ctx` among them, is for the catalog to say
EFFORTS = ("low", "medium", "high", "max")


class Kind(Enum):
    """Which route was asked, and so how the answer is to look."""

    CHAT = auto()
    GENERATE = auto()
    EMBED = auto()
    EMBEDDINGS = auto()


class Wish(Enum):
    """What is wanted of the model."""

    ANSWER = auto()
    LOAD = auto()
    UNLOAD = auto()


@dataclass(frozen=True, slots=True)
class Asked:
    """An Ollama request, read."""

    kind: Kind
    wish: Wish
    model: str  # as the catalog may know it
    named: str  # as the client named it, and will hear it again
    streams: bool
    path: str  # of the OpenAI route
    body: bytes  # for it
    unload_after: bool  # the answer is to be the model's last for now


KINDS = {
    "/api/chat": Kind.CHAT,
    "/api/generate": Kind.GENERATE,
    "/api/embed": Kind.EMBED,
    "/api/embeddings": Kind.EMBEDDINGS,
}


def read_request(path: str, payload: bytes, is_known: Callable[[str], bool] = lambda _: False) -> Asked:
    """Raises `Refused`."""
    kind, asked = KINDS[path], read_object(payload)
    named = model_in(asked)
    model = named if is_known(named) else named.removesuffix(LATEST)
    keeps = not _is_no_time(asked.get("keep_alive"))
    wish = Wish.ANSWER if _says_something(kind, asked) else (Wish.LOAD if keeps else Wish.UNLOAD)
    route, body = _translated(kind, asked)
    streams = kind in (Kind.CHAT, Kind.GENERATE) and asked.get("stream") is not False
    if streams and wish is Wish.ANSWER:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return Asked(kind, wish, model, named, streams, route, dumps({"model": model, **body}), not keeps)


def read_object(payload: bytes) -> dict[str, Any]:
    """Raises `Refused` for anything but a JSON object."""
    try:
        asked = json.loads(payload)
    except (ValueError, RecursionError) as error:
        message = f"cannot read the request: its body is not JSON ({error})"
        raise Refused(ErrorCode.INVALID_JSON, message) from error
    if not isinstance(asked, dict):
        raise Refused(ErrorCode.INVALID_JSON, "cannot read the request: its body is not a JSON object")
    return asked


def model_in(asked: dict[str, Any]) -> str:
    """The model, by either name that clients give the field. Raises `Refused`."""
    named = asked.get("model") or asked.get("name")
    if not isinstance(named, str):
        message = "cannot tell which model is meant: name it in `model`"
        raise Refused(ErrorCode.MISSING_REQUIRED_PARAMETER, message, "model")
    return named


def _says_something(kind: Kind, asked: dict[str, Any]) -> bool:
    match kind:
        case Kind.CHAT:
            return bool(asked.get("messages"))
        case Kind.GENERATE:
            return bool(asked.get("prompt") or asked.get("suffix") or asked.get("images"))
        case Kind.EMBED:
            return bool(asked.get("input"))
        case Kind.EMBEDDINGS:
            return bool(asked.get("prompt"))


def _translated(kind: Kind, asked: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    try:
        match kind:
            case Kind.CHAT:
                return "/v1/chat/completions", _chat(asked)
            case Kind.GENERATE if asked.get("raw") or asked.get("suffix"):
                return "/v1/completions", _completion(asked)
            case Kind.GENERATE:
                return "/v1/chat/completions", _generate(asked)
            case _:
                return "/v1/embeddings", _embed(asked)
    except (AttributeError, TypeError) as error:
        message = f"cannot read the request: a field is not of the kind that Ollama's API has there ({error})"
        raise Refused(ErrorCode.INVALID_VALUE, message) from error


def _chat(asked: dict[str, Any]) -> dict[str, Any]:
    body = {"messages": openai_messages(asked.get("messages") or ()), **_sampling(asked), **_format(asked)}
    if tools := asked.get("tools"):
        body["tools"] = tools
    return body | _thinking(asked.get("think"))


def _generate(asked: dict[str, Any]) -> dict[str, Any]:
    system = [{"role": "system", "content": asked["system"]}] if asked.get("system") else []
    said = {"role": "user", "content": content(asked.get("prompt"), asked.get("images"))}
    sampling = _sampling(asked) | _format(asked) | _thinking(asked.get("think"))
    return {"messages": [*system, said], **sampling}


def _completion(asked: dict[str, Any]) -> dict[str, Any]:
    suffix = {"suffix": asked["suffix"]} if asked.get("suffix") else {}
    return {"prompt": asked.get("prompt") or "", **suffix, **_sampling(asked), **_format(asked)}


def _embed(asked: dict[str, Any]) -> dict[str, Any]:
    body = {"input": asked.get("input") or asked.get("prompt") or "", "encoding_format": "float"}
    return body | ({"dimensions": asked["dimensions"]} if asked.get("dimensions") else {})


def _sampling(asked: dict[str, Any]) -> dict[str, Any]:
    options = asked.get("options") or {}
    taken = {OPTIONS[name]: value for name, value in options.items() if name in OPTIONS and value is not None}
    limit = options.get("num_predict")
    return taken | ({"max_tokens": limit} if limit is not None and limit > 0 else {})  # below: no limit


def _format(asked: dict[str, Any]) -> dict[str, Any]:
    match asked.get("format"):
        case "json":
            return {"response_format": {"type": "json_object"}}
        case dict(schema):
            return {
                "response_format": {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema}}
            }
        case _:
            return {}


def _thinking(think: object) -> dict[str, Any]:
    """A level is one of the API's own; yes or no is a matter of the model's template."""
    if think in EFFORTS:
        return {"reasoning_effort": think}
    return {"chat_template_kwargs": {"enable_thinking": think}} if isinstance(think, bool) else {}


def _is_no_time(keep_alive: object) -> bool:
    if isinstance(keep_alive, str):
        return NO_TIME.fullmatch(keep_alive.strip()) is not None
    return keep_alive is not None and keep_alive == 0
