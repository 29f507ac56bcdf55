"""What is said when a name leads to no model that would do. Bounded, however many models there are."""

import difflib
from collections.abc import Iterable, Sequence

from switchyard_contracts.catalog import Capability, ModelType
from switchyard_contracts.errors import ErrorCode
from switchyard_contracts.status import ModelStatus
from switchyard_proxy.errors import Refused

LISTED = 20
LONGEST_SHOWN = 80
LONGEST_COMPARED = 100  # difflib's time grows with the square of the length
MOST_COMPARED = 500


def no_name() -> Refused:
    return Refused(
        ErrorCode.MISSING_REQUIRED_PARAMETER, "cannot tell which model is meant: add `model`", "model"
    )


def unknown(name: str, models: Sequence[ModelStatus], known: Iterable[str]) -> Refused:
    there_are = _listed(models) or "none yet: add one to models.json"
    guess = _nearest(name, known)
    advice = f"; did you mean {guess!r}?" if guess else ""
    message = f"cannot find the model {_clipped(name)!r}; there are: {there_are}{advice}"
    return Refused(ErrorCode.MODEL_NOT_FOUND, message, "model")


def unfit(path: str, model: ModelStatus, fitting: Sequence[ModelStatus]) -> Refused:
    message = f"cannot serve {path} with {model.name!r}, {_kind(model)}; {_instead(fitting)}"
    return Refused(ErrorCode.UNSUPPORTED_ENDPOINT, message, "model")


def none_fits(path: str, name: str, fitting: Sequence[ModelStatus]) -> Refused:
    message = f"cannot serve {path} with any candidate of {name!r}; {_instead(fitting)}"
    return Refused(ErrorCode.UNSUPPORTED_ENDPOINT, message, "model")


def _instead(fitting: Sequence[ModelStatus]) -> str:
    if fitting:
        return f"use one of: {_listed(fitting)}"
    return "no model here would do: add one to models.json, or say under its `capabilities` what it can do"


def _kind(model: ModelStatus) -> str:
    """What keeps it from serving: mostly its type; a text model that does not chat is not told by that."""
    if model.type is ModelType.TEXT and model.capabilities and Capability.CHAT not in model.capabilities:
        return f"a model for {', '.join(model.capabilities)}"
    return f"a model of type {model.type}"


def _listed(models: Sequence[ModelStatus]) -> str:
    names = ", ".join(_clipped(model.name) for model in models[:LISTED])
    more = len(models) - LISTED
    return f"{names} and {more} more (ask GET /v1/models)" if more > 0 else names


def _nearest(name: str, known: Iterable[str]) -> str | None:
    if len(name) > LONGEST_COMPARED:
        return None
    words = {one.casefold(): one for one in list(known)[:MOST_COMPARED] if len(one) <= LONGEST_COMPARED}
    close = difflib.get_close_matches(name.casefold(), words, n=1)
    return words[close[0]] if close else None


def _clipped(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"
