"""What must hold between names: each leads to one thing, and what is named exists.

A name is a model's own, an alias, `model:variant` (or `alias:variant`), an alias of that, or that of a virtual
model. What could not be read has faults of its own, and is taken to exist.
"""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from switchyard_contracts.catalog.entries import Entry
from switchyard_contracts.catalog.faults import Found, Place, path_of, quoted
from switchyard_contracts.catalog.fields import NAME_PATTERN, NAME_WORDS
from switchyard_contracts.catalog.serving_fields import VirtualModel
from switchyard_contracts.catalog.shared_rules import repeat_faults
from switchyard_contracts.serving import BUILT_IN

LONGEST_COMPARED = 64  # difflib's time grows with the square of the length
MOST_COMPARED = 500


@dataclass(slots=True)
class _Book:
    """Where each name stands, and the model it leads to; for a virtual one, none."""

    places: dict[str, Place] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)

    def add(self, name: str, place: Place, entry: Entry | None) -> Place | None:
        """Where that name stands already, if it does."""
        if taken := self.places.get(name):
            return taken
        self.places[name] = place
        if entry is not None:
            self.entries[name] = entry
        return None


def name_faults(
    entries: Sequence[Entry],
    virtual: Mapping[str, VirtualModel],
    default_model: str | None,
    unreadable: AbstractSet[str],
) -> Iterator[Found]:
    book = _Book()
    _enter_models(book, entries)
    yield from _variant_faults(book, entries)
    yield from _virtual_name_faults(book, virtual)
    for entry in entries:
        yield from _fallback_faults(book, entry, unreadable)
    for name, one in virtual.items():
        yield from _candidate_faults(book, one, ("virtual", name, "candidates"), unreadable)
    known = book.places.keys() | unreadable | set(BUILT_IN)
    if default_model is not None and default_model not in known:
        yield ("default_model",), _not_found(default_model, [*book.places, *BUILT_IN])


def _enter_models(book: _Book, entries: Sequence[Entry]) -> None:
    """Two models that clash with each other are told by `alias_faults`."""
    for entry in entries:
        book.add(entry.own.name, entry.place, entry)
    for entry in entries:
        for index, alias in enumerate(entry.own.aliases):
            book.add(alias, entry.at("aliases", index), entry)


def _variant_faults(book: _Book, entries: Sequence[Entry]) -> Iterator[Found]:
    for entry in entries:
        for variant in entry.own.variants:
            place = entry.at("variants", variant)
            for name in dict.fromkeys((entry.own.name, *entry.own.aliases)):
                full = f"{name}:{variant}"
                taken = book.add(full, place, entry)
                if taken is not None and taken != place:
                    what = (
                        f"cannot use the name {quoted(full)} for a variant, which {path_of(taken)} has already"
                    )
                    yield place, f"{what}; choose another"
    for entry in entries:
        for variant, said in entry.own.variants.items():
            for index, alias in enumerate(said.aliases):
                place = entry.at("variants", variant, "aliases", index)
                if taken := book.add(alias, place, entry):
                    what = f"cannot use the alias {quoted(alias)}, which {path_of(taken)} has already"
                    yield place, f"{what}; choose another"


def _virtual_name_faults(book: _Book, virtual: Mapping[str, VirtualModel]) -> Iterator[Found]:
    for name in virtual:
        place = ("virtual", name)
        if not re.fullmatch(NAME_PATTERN, name):
            yield place, f"cannot use {quoted(name)} as a name; write {NAME_WORDS}, of at most 200 characters"
        elif taken := book.add(name, place, None):
            what = f"cannot use the name {quoted(name)} for a virtual model, which {path_of(taken)} has already"
            yield place, f"{what}; choose another"


def _fallback_faults(book: _Book, entry: Entry, unreadable: AbstractSet[str]) -> Iterator[Found]:
    fallbacks = entry.own.fallbacks
    for index, name in enumerate(fallbacks):
        place, other = entry.at("fallbacks", index), book.entries.get(name)
        if other is None:
            yield from _no_model(book, name, place, unreadable)
        elif other is entry:
            yield place, f"cannot let a model fall back to itself; remove {quoted(name)}, or name another"
        elif _is_of_another_type(entry, other):
            what = f"cannot let a model of type {entry.own.type} fall back to one of type {other.own.type}"
            yield place, f"{what}; name another in place of {quoted(name)}"
    yield from repeat_faults(fallbacks, entry.at("fallbacks"))


def _is_of_another_type(entry: Entry, other: Entry) -> bool:
    are_read = all("type" in one.own.model_fields_set or "type" not in one.meant for one in (entry, other))
    return are_read and entry.own.type is not other.own.type


def _candidate_faults(
    book: _Book, virtual: VirtualModel, place: Place, unreadable: AbstractSet[str]
) -> Iterator[Found]:
    if not virtual.candidates:
        yield place, "cannot choose from no candidates; name at least one model"
    for index, name in enumerate(virtual.candidates):
        if name not in book.entries:
            yield from _no_model(book, name, (*place, index), unreadable)
    yield from repeat_faults(virtual.candidates, place)


def _no_model(book: _Book, name: str, place: Place, unreadable: AbstractSet[str]) -> Iterator[Found]:
    if name in book.places:
        yield place, f"cannot use the virtual model {quoted(name)} here; name a model that stands under models"
    elif name not in unreadable:
        yield place, _not_found(name, list(book.entries))


def _not_found(name: str, known: Sequence[str]) -> str:
    near = known[:MOST_COMPARED] if len(name) <= LONGEST_COMPARED else []
    guess = next(iter(difflib.get_close_matches(name, near, n=1)), None)
    advice = f"did you mean {quoted(guess)}?" if guess else "add it to models, or name another"
    return f"cannot find the model {quoted(name)}; {advice}"
