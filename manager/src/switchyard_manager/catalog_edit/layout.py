"""How a file is written, and new values written in the same way.

A value that already stands in the file keeps its text; what is new takes its indentation, its blanks and its
line ends from what stands beside it.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from switchyard_manager.catalog_edit.tree import Document, Group, Member, Node, same

WIDEST = 100  # a list or object that is new is broken over several lines beyond this column
LINE_BREAK = re.compile(r"[\r\n]")


@dataclass(frozen=True, slots=True)
class Layout:
    line_end: str
    step: str  # one level of indentation
    colon: str

    @property
    def comma(self) -> str:
        return ", " if self.colon.endswith(" ") else ","


@dataclass(frozen=True, slots=True)
class Part:
    """One member of a group to be written; a gap of `None` is for the group to choose."""

    text: str
    gap: str | None = None


def layout_of(document: Document) -> Layout:
    groups = list(_groups(document.root))
    steps = (_step(group) for group in groups)
    labels = (member.label for group in groups for member in group.members if member.label)
    colons = (label[label.rindex('"') + 1 :] for label in labels)
    return Layout(
        line_end="\r\n" if "\r\n" in document.head + document.root.text + document.foot else "\n",
        step=next((step for step in steps if step), "  "),
        colon=next((colon for colon in colons if not LINE_BREAK.search(colon)), ": "),
    )


def rewritten(node: Node, value: Any, layout: Layout, indent: str | None) -> str:
    """The text of a node once it says a value: what it says already, and its comments, stay as they are."""
    match node, value:
        case _ if same(node, value):
            return node.text
        case Group(is_object=True, members=[_, *_]), dict():
            return regrouped(node, _members(node, value, layout), layout)
        case Group(is_object=False, members=[_, *_]), list():
            return regrouped(node, _items(node, value, layout), layout)
        case _:
            return fresh(value, layout, indent)


def regrouped(group: Group, parts: Iterable[Part], layout: Layout) -> str:
    """A group that is not empty, with other members: each keeps what stood before it, as far as it can."""
    texts = [*parts]
    if not texts:
        return group.text[0] + group.text[-1]
    between = _gap_of_a_new_one(group, layout)
    gaps = [part.gap if part.gap and "," in part.gap else between for part in texts]
    gaps[0] = group.members[0].gap
    body = "".join(gap + part.text for gap, part in zip(gaps, texts, strict=True))
    return group.text[0] + body + group.tail + group.text[-1]


def added(key: str, value: Any, group: Group, layout: Layout, *, spread: bool = False) -> Part:
    """A new member of an object."""
    label = _inline(key, layout) + layout.colon
    return Part(label + fresh(value, layout, indent_in(group), used=len(label), spread=spread))


def fresh(value: Any, layout: Layout, indent: str | None, *, used: int = 0, spread: bool = False) -> str:
    """A value that is new; on one line where it fits, or where there is no indentation to follow."""
    line = _inline(value, layout)
    if indent is None or not value or not isinstance(value, dict | list):
        return line
    if not spread and len(indent) + used + len(line) <= WIDEST:
        return line
    inner = indent + layout.step
    labels = [_inline(key, layout) + layout.colon if isinstance(value, dict) else "" for key in value]
    items = value.values() if isinstance(value, dict) else value
    texts = (
        label + fresh(item, layout, inner, used=len(label)) for label, item in zip(labels, items, strict=True)
    )
    body = ",".join(layout.line_end + inner + text for text in texts)
    return line[0] + body + layout.line_end + indent + line[-1]


def indent_in(group: Group) -> str | None:
    """How far the members of a group are indented; `None` if they do not begin on a line of their own."""
    return _indent(group.members[0].gap) if group.members else None


def is_spread(node: Node) -> bool:
    return LINE_BREAK.search(node.text) is not None


def _members(group: Group, value: dict[str, Any], layout: Layout) -> Iterator[Part]:
    indent = indent_in(group)
    for member in group.members:
        if member.key in value:
            text = rewritten(member.node, value[member.key], layout, indent)
            yield Part(member.label + text, member.gap)
        elif member.is_comment:
            yield Part(member.text, member.gap)
    known = {member.key for member in group.members}
    yield from (added(key, value[key], group, layout) for key in value if key not in known)


def _items(group: Group, value: list[Any], layout: Layout) -> Iterator[Part]:
    """An item that stood in the list keeps its text wherever it goes; a new one takes over a place."""
    stood = dict(enumerate(group.members))
    indent = indent_in(group)
    kept: dict[int, Member] = {}
    for index, item in enumerate(value):
        order = [index, *(other for other in stood if other != index)]
        match = next((other for other in order if other in stood and same(stood[other].node, item)), None)
        if match is not None:
            kept[index] = stood.pop(match)
    for index, item in enumerate(value):
        if index in kept:
            yield Part(kept[index].text, kept[index].gap)
        elif index in stood:
            yield Part(rewritten(stood[index].node, item, layout, indent), stood[index].gap)
        else:
            yield Part(fresh(item, layout, indent))


def _gap_of_a_new_one(group: Group, layout: Layout) -> str:
    lead = group.members[0].gap
    is_spread = _indent(lead) is not None
    known = [member.gap for member in group.members[1:] if not is_spread or LINE_BREAK.search(member.gap)]
    return min(known, key=len, default="," + lead if is_spread else layout.comma)


def _step(group: Group) -> str | None:
    inner, outer = indent_in(group), _indent(group.tail)
    if inner is None or outer is None or not inner.startswith(outer):
        return None
    return inner[len(outer) :]


def _indent(gap: str) -> str | None:
    pieces = LINE_BREAK.split(gap)
    return pieces[-1] if len(pieces) > 1 and "," not in pieces[-1] else None


def _groups(node: Node) -> Iterator[Group]:
    if isinstance(node, Group):
        yield node
        for member in node.members:
            yield from _groups(member.node)


def _inline(value: Any, layout: Layout) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(layout.comma, layout.colon))
