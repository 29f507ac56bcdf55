"""`GET /v1/models` and `/v1/models/{id}`, from what the managers last said: asked often, so it costs nothing.

A model is listed whether it is loaded or not, under its name; aliases and variants are found by theirs. A key
sees the models that it may use.
"""

import json
from typing import Any

from switchyard_contracts.grants import Loading
from switchyard_contracts.serving import Virtual
from switchyard_contracts.status import ModelStatus
from switchyard_proxy.access.callers import Caller
from switchyard_proxy.dialects import llama_cpp
from switchyard_proxy.routing import refusals
from switchyard_proxy.routing.names import Directory
from switchyard_proxy.wire.fleet import Fleet


def models(fleet: Fleet, caller: Caller, created: int) -> bytes:
    """Raises `Unavailable` before any manager was ever met."""
    known = fleet.directory
    listed = [
        entry
        for model in known.models
        if caller.models is None or model.name in caller.models
        for entry in _entries(model, fleet.loading(model.name), created)
    ]
    virtual = ((one, _candidates(one, known, caller)) for one in known.virtual)
    listed += [_virtual(one, candidates, created) for one, candidates in virtual if candidates]
    return json.dumps({"object": "list", "data": listed}).encode()


def model(fleet: Fleet, caller: Caller, name: str, created: int) -> bytes:
    """Raises `Unavailable` before any manager was ever met, and `Refused` for a name that nobody has."""
    known = fleet.directory
    virtual = next((one for one in known.virtual if one.name == name), None)
    if virtual is not None and (candidates := _candidates(virtual, known, caller)):
        return json.dumps(_virtual(virtual, candidates, created)).encode()
    found = known.named(name)
    if found is None or (caller.models is not None and found.model.name not in caller.models):
        visible = [one for one in known.models if caller.models is None or one.name in caller.models]
        raise refusals.unknown(name, visible, [one.name for one in visible])
    own, *variants = _entries(found.model, fleet.loading(found.model.name), created)
    asked = _variant(found.model, name)
    return json.dumps(next((one for one in variants if one["id"] == asked), own)).encode()


def _variant(model: ModelStatus, name: str) -> str | None:
    """The full name of the variant that a name of this model's means; None: the model itself."""
    own = (model.name, *model.aliases)
    if name in own:
        return None
    for said, variant in model.serving.variants.items():
        if name in variant.aliases or name in (f"{one}:{said}" for one in own):
            return f"{model.name}:{said}"
    return None


def _entries(model: ModelStatus, loading: Loading | None, created: int) -> list[dict[str, Any]]:
    """The model, and each of its variants as a model of its own."""
    shown = _shown(model, loading, created)
    variants = []
    for name, variant in model.serving.variants.items():
        full = f"{model.name}:{name}"
        other = {**shown, "id": full, "name": full, "aliases": variant.aliases, "variant_of": model.name}
        variants.append(other if variant.description is None else other | {"description": variant.description})
    return [shown, *variants]


def _candidates(one: Virtual, known: Directory, caller: Caller) -> list[str]:
    """Those that the caller may use: the others are not even named to it."""
    if caller.models is None:
        return list(one.candidates)
    found = {name: known.named(name) for name in one.candidates}
    return [name for name, choice in found.items() if choice and choice.model.name in caller.models]


def _virtual(one: Virtual, candidates: list[str], created: int) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": one.name,
        "object": "model",
        "created": created,
        "owned_by": "switchyard",
        "name": one.name,
        "candidates": candidates,
    }
    return shown if one.description is None else shown | {"description": one.description}


def _shown(model: ModelStatus, loading: Loading | None, created: int) -> dict[str, Any]:
    """An entry of llama.cpp's router, with what other clients look for."""
    if loading is not None and loading.progress is not None:
        model = model.model_copy(update={"progress": loading.progress})
    shown = llama_cpp.entry(model, created) | {"name": model.name, "type": model.type}
    shown["status"] |= {"phase": model.phase}
    if model.context_length is not None:
        shown |= {"context_length": model.context_length, "max_model_len": model.context_length}
    if model.description is not None:
        shown["description"] = model.description
    return shown
