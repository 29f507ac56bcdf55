"""What must hold within one entry, beyond the shape of its fields: what it needs, and what excludes what.

Each rule takes an entry and yields what is wrong. What concerns the engine's flags is in `engine_rules`.
"""

import re
from collections.abc import Iterator

from switchyard_contracts.catalog.entries import Entry
from switchyard_contracts.catalog.faults import Found, quoted
from switchyard_contracts.catalog.fields import NAME_PATTERN, NAME_WORDS
from switchyard_contracts.catalog.fitting import misfit
from switchyard_contracts.catalog.model import Engine, Model, ModelType
from switchyard_contracts.catalog.paths import path_fault
from switchyard_contracts.catalog.request_rules import request_faults
from switchyard_contracts.catalog.shared_rules import repeat_faults, shared_faults


def entry_faults(entry: Entry) -> Iterator[Found]:
    yield from _name_rule(entry)
    yield from _type_rule(entry)
    if entry.engine_is_known and entry.own.engine is Engine.CONTAINER:
        yield from _container_rule(entry)
    elif entry.engine_is_known and entry.own.container is None:
        yield from _weights_rule(entry)
    if entry.own.path and (why := path_fault(entry.own.path)):
        yield entry.at("path"), why
    yield from _fitting_rule(entry)
    yield from shared_faults(entry.own, entry.place)
    yield from repeat_faults(entry.own.capabilities, entry.at("capabilities"))
    yield from request_faults(entry)


def _name_rule(entry: Entry) -> Iterator[Found]:
    name = entry.own.name
    if not re.fullmatch(NAME_PATTERN, name):
        yield entry.place, f"cannot use {quoted(name)} as a name; write {NAME_WORDS}, of at most 200 characters"


def _type_rule(entry: Entry) -> Iterator[Found]:
    own = entry.own
    if not entry.meant & {"type", "container"}:
        yield entry.at("type"), 'cannot tell what the model works with; add "type": "text", "vision" or "image"'
    if own.container is not None and own.engine is not Engine.CONTAINER:
        what = f"cannot run the existing container {own.container} as the engine {own.engine}"
        yield entry.at("engine"), f"{what}; remove 'engine' or 'container'"
    elif own.engine is Engine.VLLM and own.type is ModelType.IMAGE:
        yield entry.at("engine"), "cannot make images with the engine vllm; write image-server or container"


def _weights_rule(entry: Entry) -> Iterator[Found]:
    if not entry.meant & {"repo", "path"}:
        yield entry.place, "cannot serve a model without weights; add 'repo' (on the Hub) or 'path' (a folder)"
    elif {"repo", "path"} <= entry.given:
        yield entry.at("path"), "cannot use both repo and path; remove one of them"
    elif "revision" in entry.given and "repo" not in entry.meant:
        yield entry.at("revision"), "cannot use a revision of a folder; remove it, or write 'repo' for 'path'"


def _container_rule(entry: Entry) -> Iterator[Found]:
    if not entry.meant & {"container", "image"}:
        what = "add 'container' (one that exists) or 'image' (to make one from)"
        yield entry.place, f"cannot run the engine container without a container; {what}"
    if "port" not in entry.meant:
        yield entry.at("port"), "cannot reach a container without its port; add 'port'"


def _fitting_rule(entry: Entry) -> Iterator[Found]:
    for field in Model.model_fields if entry.engine_is_known else ():
        if field in entry.given and (why := misfit(field, entry.own)):
            yield entry.at(field), why
