"""Set or remove one model in the text of a catalog. What comes out has been read back and compared.

Both forms of the file will do: models under `models`, or the models alone.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from switchyard_contracts.catalog import Catalog, CatalogRefused, Fault, read_catalog
from switchyard_contracts.catalog.faults import path_of
from switchyard_contracts.catalog.fields import NAME_PATTERN, NAME_WORDS
from switchyard_contracts.catalog.json_text import NotJson, read_json
from switchyard_contracts.catalog.reading import SECTIONS
from switchyard_manager.catalog_edit.layout import (
    Layout,
    Part,
    added,
    fresh,
    indent_in,
    is_spread,
    layout_of,
    regrouped,
    rewritten,
)
from switchyard_manager.catalog_edit.tree import Document, Group, Member, read_tree, same
from switchyard_manager.errors import Refused

NOT_MODELS = {*SECTIONS, "$schema"}


class NotInCatalog(Refused):
    def __init__(self, name: str) -> None:
        super().__init__(f"cannot find the model {name} in models.json; look at the names there")
        self.model = name


@dataclass(frozen=True, slots=True)
class _Opened:
    """A catalog's text, and where its models stand in it."""

    text: str
    document: Document
    top: Group
    models: Group
    is_full: bool  # the models stand under `models`

    def with_models(self, models: str) -> str:
        document = self.document
        if not self.is_full:
            return document.head + models + document.foot
        parts = (
            Part(member.label + (models if member.key == "models" else member.node.text), member.gap)
            for member in self.top.members
        )
        return document.head + regrouped(self.top, parts, layout_of(document)) + document.foot

    def entry(self, name: str) -> Member | None:
        found = self.models.find(name) if self.is_full or name not in NOT_MODELS else None
        return None if found is None or found.is_comment else found


def set_model(text: str, name: str, entry: Mapping[str, object]) -> str:
    """The text with this entry for that model. Raises `CatalogRefused`, with every fault of what it would be.

    Keys of the old entry that begin with `//`, and `$comment`, stay unless the new one has them.
    """
    opened = _open(text)
    _check_name(name, opened)
    value = json.loads(json.dumps(entry, default=dict))
    after = opened.with_models(_models_with(opened, name, value))
    _check(opened, after, name, value)
    return after


def remove_model(text: str, name: str) -> str:
    """The text without that model. Raises `NotInCatalog`, or `CatalogRefused` if the rest is no catalog."""
    opened = _open(text)
    if opened.entry(name) is None:
        raise NotInCatalog(name)
    parts = (Part(member.text, member.gap) for member in opened.models.members if member.key != name)
    after = opened.with_models(regrouped(opened.models, parts, layout_of(opened.document)))
    _check(opened, after, name, None)
    return after


def entry_of(text: str, name: str) -> dict[str, Any] | None:
    """What the operator wrote for a model, without comments and without what `defaults` adds."""
    if _open(text).entry(name) is None:
        return None
    value: Any = read_json(text).value
    models = value["models"] if value.keys() & set(SECTIONS) else value
    entry = models[name]
    return entry if isinstance(entry, dict) else None


def _open(text: str) -> _Opened:
    try:
        source = read_json(text)
        document = read_tree(text)
    except NotJson as error:
        raise CatalogRefused([Fault(error.path, error.message)]) from None
    except RecursionError:
        raise CatalogRefused([Fault("", "cannot edit so deep a comment; remove its nesting")]) from None
    if source.found:
        raise CatalogRefused(Fault(path_of(place), message) for place, message in source.found)
    top = document.root
    if isinstance(top, Group) and top.is_object:
        is_full = any(member.key in SECTIONS for member in top.members)
        models = top.find("models") if is_full else Member("", "", "", top)
        if models and isinstance(models.node, Group) and models.node.is_object:
            return _Opened(text, document, top, models.node, is_full)
    read_catalog(text)
    raise Refused("cannot find the models in this text; edit models.json by hand")


def _check_name(name: str, opened: _Opened) -> None:
    if not re.fullmatch(NAME_PATTERN, name):
        raise CatalogRefused([Fault(path_of((name,)), f"cannot use this name; write {NAME_WORDS}")])
    if not opened.is_full and name in NOT_MODELS:
        advice = 'put the models of this file under "models" first'
        raise CatalogRefused([Fault(name, f"cannot use this name here; {advice}")])


def _models_with(opened: _Opened, name: str, value: dict[str, Any]) -> str:
    models, layout = opened.models, layout_of(opened.document)
    if not models.members:
        return fresh({name: value}, layout, indent_in(opened.top))
    parts = [_changed(member, name, value, models, layout) for member in models.members]
    if opened.entry(name) is None:
        beside = [member.node for member in models.members if isinstance(member.node, Group)]
        spread = any(map(is_spread, beside)) or not beside
        parts.append(added(name, value, models, layout, spread=spread))
    return regrouped(models, parts, layout)


def _changed(member: Member, name: str, value: dict[str, Any], models: Group, layout: Layout) -> Part:
    if member.key != name:
        return Part(member.text, member.gap)
    return Part(member.label + rewritten(member.node, value, layout, indent_in(models)), member.gap)


def _check(before: _Opened, text: str, name: str, value: dict[str, Any] | None) -> None:
    """An edit that touched more than its model would be our fault, and must not reach the file."""
    catalog = read_catalog(text)
    after = _open(text)
    entry = after.entry(name)
    is_there = entry is not None and same(entry.node, value) if value is not None else entry is None
    if not is_there or _beside(before, name) != _beside(after, name) or not _only(name, before.text, catalog):
        raise Refused(f"cannot change {name} without touching the rest of the file; edit models.json by hand")


def _beside(opened: _Opened, name: str) -> tuple[object, ...]:
    """Everything but the model and the blanks around it, as written."""
    document = opened.document
    sections = [member.text for member in opened.top.members if opened.is_full and member.key != "models"]
    models = [member.text for member in opened.models.members if member.key != name]
    return document.head, document.foot, opened.is_full, sections, models


def _only(name: str, before: str, after: Catalog) -> bool:
    try:
        was = read_catalog(before)
    except CatalogRefused:  # the change may be what mends it
        return True
    return _without(was, name) == _without(after, name)


def _without(catalog: Catalog, name: str) -> Catalog:
    models = {other: model for other, model in catalog.models.items() if other != name}
    return catalog.model_copy(update={"models": models})
