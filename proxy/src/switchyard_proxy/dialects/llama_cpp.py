"""llama.cpp's router, as clients with load buttons know it: a list of models, news of them, words for states.

`/models` doubles as OpenAI's list, so an entry is an OpenAI model with more members.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from switchyard_contracts.catalog import Capability, ModelType
from switchyard_contracts.status import FilesAt, ModelStatus, Phase
from switchyard_proxy.dialects.events import dumps, frame

SUCCESS = b'{"success":true}'
STAGE = "text_model"  # the one stage that a load has here
ALL = "*"

VALUES: dict[Phase, str] = {
    Phase.STOPPED: "unloaded",
    Phase.STARTING: "loading",
    Phase.LOADING: "loading",
    Phase.WARMING: "loading",
    Phase.READY: "loaded",
    Phase.DRAINING: "loaded",
    Phase.SLEEPING: "sleeping",
    Phase.ASLEEP: "sleeping",
    Phase.WAKING: "loading",
    Phase.STOPPING: "unloaded",
    Phase.FAILED: "unloaded",
    Phase.STOP_FAILED: "unloaded",
}
FAILED = (Phase.FAILED, Phase.STOP_FAILED)
AT_REST = (Phase.STOPPED, Phase.FAILED)
DOWNLOADING = "downloading"
BARS = frozenset({"loading", DOWNLOADING})
MODALITIES: dict[ModelType, tuple[tuple[str, ...], tuple[str, ...]]] = {
    ModelType.TEXT: (("text",), ("text",)),
    ModelType.VISION: (("text", "image"), ("text",)),
    ModelType.IMAGE: (("text",), ("image",)),
}
PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*%")
OF = re.compile(r"(\d+)\s*(?:/|of)\s*(\d+)")


def listing(models: Iterable[ModelStatus], created: int) -> bytes:
    """`GET /models`."""
    return dumps({"object": "list", "data": [entry(model, created) for model in models]})


def entry(model: ModelStatus, created: int) -> dict[str, Any]:
    inputs, outputs = MODALITIES[model.type]
    if Capability.IMAGE_EDITS in model.capabilities and "image" not in inputs:
        inputs = (*inputs, "image")
    return {
        "id": model.name,
        "object": "model",
        "created": created,
        "owned_by": "switchyard",
        "aliases": model.aliases,
        "tags": [],
        "status": status(model),
        "architecture": {"input_modalities": inputs, "output_modalities": outputs},
    }


def status(model: ModelStatus) -> dict[str, Any]:
    """As a member of an entry: a model that failed is one that is unloaded, and says so.

    One whose files cannot be had is in no phase of its own for that: it is stopped, with a failure."""
    told: dict[str, Any] = {"value": _value(model)}
    failed = model.phase in FAILED or (model.phase is Phase.STOPPED and model.failure is not None)
    if failed and told["value"] != DOWNLOADING:
        told["failed"] = True
        if model.failure is not None:
            told |= {"reason": model.failure.reason, "message": model.failure.sentence()}
            if model.failure.exit_code is not None:
                told["exit_code"] = model.failure.exit_code
    return told | _progress(model)


def _value(model: ModelStatus) -> str:
    """One word for what it does: a model whose files are fetched is in no phase of its own."""
    is_fetched = model.files is not None and model.files.at is FilesAt.FETCHING
    return DOWNLOADING if is_fetched and model.phase in AT_REST else VALUES[model.phase]


def news(before: Iterable[ModelStatus], after: Iterable[ModelStatus]) -> bytes:
    """The frames of `/models/sse` for what has changed. Before the first, everything is news."""
    known, now = _by_name(before), _by_name(after)
    gone = [frame({"model": name, "event": "model_remove"}) for name in known if name not in now]
    changed = [
        _status_frame(model)
        for name, model in now.items()
        if name not in known or _state(known[name]) != _state(model)
    ]
    is_new = known and any(name not in known for name in now)
    reload = [frame({"model": ALL, "event": "models_reload"})] if is_new else []
    return b"".join((*gone, *reload, *changed))


def _status_frame(model: ModelStatus) -> bytes:
    return frame({"model": model.name, "event": "model_status", "data": _state(model)})


def _state(model: ModelStatus) -> dict[str, Any]:
    """As an event has it: `status` is a word."""
    told = status(model)
    return {"status": told.pop("value"), **told}


def _by_name(models: Iterable[ModelStatus]) -> Mapping[str, ModelStatus]:
    return {model.name: model for model in models}


def _progress(model: ModelStatus) -> dict[str, Any]:
    """A share where the engine's words have one; clients draw a bar of it."""
    if _value(model) not in BARS or model.progress is None:
        return {}
    if found := PERCENT.search(model.progress):
        share = float(found[1]) / 100
    elif (found := OF.search(model.progress)) and int(found[2]):
        share = int(found[1]) / int(found[2])
    else:
        return {}
    return {"progress": {"stages": [STAGE], "current": STAGE, "value": min(share, 1.0), "text": model.progress}}
