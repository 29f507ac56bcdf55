"""Read one entry of `models`: its own fields, the arguments of its engine, and what `defaults` adds.

An entry keeps which keys the operator wrote, so that a check can tell "left out" from "wrong, and reported".
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from switchyard_contracts.catalog.engine_args import EngineArgs, VllmArgs
from switchyard_contracts.catalog.faults import Found, Place
from switchyard_contracts.catalog.fitting import misfit
from switchyard_contracts.catalog.model import ARGS_OF, Defaults, Engine, Model, ModelType, default_engine
from switchyard_contracts.catalog.shape import read_object, read_shape
from switchyard_contracts.catalog.wording import nearest, schema_of, schemas_at, unknown, unknown_key


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as far as it could be read: a field that is wrong has its default instead."""

    place: Place
    own: Model  # what the entry says itself
    model: Model  # with `defaults` and with what follows from it
    given: frozenset[str]  # keys with a value other than null, readable or not
    meant: frozenset[str]  # the same, and what misspelt keys were probably meant to be
    engine_is_known: bool
    args_are_whole: bool  # nothing in `engine_args` was left out because it is wrong

    def at(self, *inner: str | int) -> Place:
        return (*self.place, *inner)


def read_entry(name: str, raw: object, place: Place, defaults: Defaults, found: list[Found]) -> Entry | None:
    """One entry with its defaults; what is wrong in its shape goes to `found`."""
    fields = dict(read_object(raw, place, found))
    if not isinstance(raw, dict):
        return None
    given = frozenset(key for key, value in raw.items() if value is not None)
    engine = _engine_of(raw)
    found += _unknown_fields(raw, place)
    wrong_args: list[Found] = []
    if "engine_args" in fields:
        args = read_object(fields.pop("engine_args"), (*place, "engine_args"), wrong_args)
        if engine and "container" not in given:
            fields["engine_args"] = _read_args(engine, args, (*place, "engine_args"), wrong_args)
    known = {key: value for key, value in fields.items() if key in Model.model_fields}
    if engine:
        known["engine"] = engine
    own, wrong = read_shape(Model, known | {"name": name}, place)
    found += [*wrong_args, *wrong]
    if own is None:
        return None
    return Entry(
        place=place,
        own=own,
        model=settle_parallelism(_inherit(own, frozenset(raw), defaults)),
        given=given,
        meant=frozenset(_meant(key) for key in given),
        engine_is_known=engine is not None,
        args_are_whole=not wrong_args,
    )


def _meant(key: str) -> str:
    return key if key in Model.model_fields else nearest(key, Model.model_fields) or key


def _engine_of(raw: dict[str, Any]) -> Engine | None:
    """The engine an entry means, or `None` if what it says cannot be understood."""
    if "engine" in raw:
        return Engine(raw["engine"]) if raw["engine"] in list(Engine) else None
    kind = raw.get("type", ModelType.TEXT)
    return default_engine(ModelType(kind), raw.get("container")) if kind in list(ModelType) else None


def _unknown_fields(raw: dict[str, Any], place: Place) -> Iterator[Found]:
    root = schema_of(Model)
    for key in raw:
        if key == "name":
            yield (*place, key), "cannot name a model twice; remove 'name': the key of the entry is the name"
        elif key not in Model.model_fields:
            if nearest(key, Model.model_fields) is None and (arg := nearest(key, _all_args())):
                message = f"{unknown(key)}; did you mean 'engine_args.{arg}'?"
            else:
                message = unknown_key(key, schemas_at(root, ()))
            yield (*place, key), message


def _all_args() -> list[str]:
    return [name for kind in ARGS_OF.values() for name in kind.model_fields]


def _read_args(engine: Engine, raw: dict[str, Any], place: Place, found: list[Found]) -> EngineArgs:
    kind = ARGS_OF[engine]
    known = {key: value for key, value in raw.items() if key in kind.model_fields}
    found.extend(((*place, key), _unknown_arg(engine, key)) for key in raw if key not in kind.model_fields)
    args, wrong = read_shape(kind, known, place)
    found.extend(wrong)
    return args if args is not None else kind()


def _unknown_arg(engine: Engine, key: str) -> str:
    """Any flag may be meant, so the way for flags that are not typed is always named."""
    owner = next((other for other, kind in ARGS_OF.items() if key in kind.model_fields), None)
    if owner is not None and engine is not Engine.CONTAINER:
        return f"cannot use '{key}' with the engine {engine}; remove it: it belongs to {owner}"
    otherwise = "put an engine flag that is not listed under extra_args, word by word"
    if guess := nearest(key, ARGS_OF[engine].model_fields):
        return f"{unknown(key)}; did you mean '{guess}'? If not, {otherwise}"
    if engine is not Engine.CONTAINER and (guess := nearest(key, Model.model_fields)):
        return f"{unknown(key)}; did you mean '{guess}' of the model itself? If not, {otherwise}"
    return f"{unknown(key)}; {otherwise}"


def _inherit(model: Model, written: frozenset[str], defaults: Defaults) -> Model:
    """Add what `defaults` says and the entry does not, as far as it fits the model."""
    said = defaults.model_fields_set
    added: dict[str, Any] = {
        field: getattr(defaults, field)
        for field in Defaults.model_fields
        if field in said and field not in written and misfit(field, model) is None
    }
    if "env" in said and "env" in written:
        added["env"] = {**defaults.env, **model.env}
    return model.model_copy(update=added)


def settle_parallelism(model: Model) -> Model:
    """Let the GPU count follow from vLLM's parallel sizes, or the tensor-parallel size from the count."""
    args = model.engine_args
    if not isinstance(args, VllmArgs):
        return model
    sizes = parallel_sizes(args)
    if model.gpus is None:
        return model.model_copy(update={"gpus": math.prod(sizes)}) if math.prod(sizes) > 1 else model
    count, others = gpu_count(model), math.prod(sizes[1:])
    if args.tensor_parallel_size is not None or not count or count == others or count % others:
        return model
    settled = args.model_copy(update={"tensor_parallel_size": count // others})
    return model.model_copy(update={"engine_args": settled})


def gpu_count(model: Model) -> int | None:
    return len(model.gpus) if isinstance(model.gpus, tuple) else model.gpus


def parallel_sizes(args: VllmArgs) -> tuple[int, int, int]:
    return args.tensor_parallel_size or 1, args.pipeline_parallel_size or 1, args.data_parallel_size or 1
