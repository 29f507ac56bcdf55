"""JSON text as a tree in which nothing is lost: joined again, its pieces are the text, byte for byte.

Only for text that is known to be JSON. What a comment holds is one piece, whatever is in it.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from switchyard_contracts.catalog.fields import COMMENT_PATTERN

COMMENT = re.compile(COMMENT_PATTERN)
BYTE_ORDER_MARK = "\ufeff"
# Only where a value ends is asked here, and Python refuses to read an integer of thousands of digits.
DECODER = json.JSONDecoder(parse_int=lambda digits: int(digits) if len(digits) < 20 else digits)


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value that nobody looks into."""

    text: str

    def value(self) -> Any:
        return DECODER.decode(self.text)


@dataclass(frozen=True, slots=True)
class Member:
    """What stands in a group: a key with its value, or an item of a list."""

    gap: str  # what is before it: blanks, and unless it is the first, a comma
    label: str  # the key and the colon as written; in a list, nothing
    key: str
    node: "Node"

    @property
    def text(self) -> str:
        return self.label + self.node.text

    @property
    def is_comment(self) -> bool:
        return COMMENT.match(self.key) is not None


@dataclass(frozen=True, slots=True)
class Group:
    """An object or a list."""

    text: str
    members: tuple[Member, ...]
    tail: str  # blanks before the closing bracket

    @property
    def is_object(self) -> bool:
        return self.text.startswith("{")

    def find(self, key: str) -> Member | None:
        return next((member for member in self.members if member.key == key), None)


Node = Leaf | Group


@dataclass(frozen=True, slots=True)
class Document:
    head: str  # a byte order mark, blanks
    root: Node
    foot: str


def read_tree(text: str) -> Document:
    start = BYTE_ORDER_MARK if text.startswith(BYTE_ORDER_MARK) else ""
    begin = _after_blanks(text, len(start))
    root, end = _node(text, begin)
    return Document(text[:begin], root, text[end:])


def same(node: Node, value: object) -> bool:
    """Whether a node says a value already. Comments in the node count only if the value has them too."""
    match node, value:
        case Group(is_object=True), dict():
            told = {member.key: member for member in node.members if _counts(member, value)}
            return told.keys() == value.keys() and all(same(told[key].node, value[key]) for key in told)
        case Group(is_object=False), list():
            alike = len(node.members) == len(value)
            return alike and all(
                same(member.node, item) for member, item in zip(node.members, value, strict=True)
            )
        case Leaf(), _:
            return json.dumps(node.value()) == json.dumps(value)
        case _:
            return False


def _counts(member: Member, value: dict[str, Any]) -> bool:
    return member.key in value or not member.is_comment


def _node(text: str, at: int) -> tuple[Node, int]:
    return _group(text, at) if text[at] in "{[" else _leaf(text, at)


def _leaf(text: str, at: int) -> tuple[Leaf, int]:
    _, end = DECODER.raw_decode(text, at)
    return Leaf(text[at:end]), end


def _group(text: str, start: int) -> tuple[Group, int]:
    members: list[Member] = []
    at = start + 1
    while True:
        begin = _after_blanks(text, at)
        if text[begin] == ",":
            begin = _after_blanks(text, begin + 1)
        if text[begin] in "}]":
            return Group(text[start : begin + 1], tuple(members), text[at:begin]), begin + 1
        member, at = _member(text, at, begin, in_object=text[start] == "{")
        members.append(member)


def _member(text: str, gap: int, begin: int, *, in_object: bool) -> tuple[Member, int]:
    key, at = "", begin
    if in_object:
        key, at = DECODER.raw_decode(text, begin)
        colon = _after_blanks(text, at)
        at = _after_blanks(text, colon + 1)
    read = _leaf if in_object and COMMENT.match(key) else _node
    node, end = read(text, at)
    return Member(text[gap:begin], text[begin:at], key, node), end


def _after_blanks(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at
