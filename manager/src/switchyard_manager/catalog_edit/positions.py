"""Where in a text each place of it stands, so that an editor can lead there. Only for text that is JSON."""

import json
import re
from collections.abc import Iterator

from switchyard_contracts.catalog.faults import Place, path_of
from switchyard_manager.catalog_edit.tree import Group, Node, read_tree

LAST_STEP = re.compile(r'(\.[A-Za-z0-9_$-]+|\[(?:[0-9]+|"(?:[^"\\]|\\.)*")\])$')
SYNTAX = re.compile(r"line ([0-9]+), column ([0-9]+)")

Position = tuple[int, int]  # line and column, from 1


class Positions:
    """Of one text. `of` takes paths as faults have them."""

    def __init__(self, text: str) -> None:
        self._text = text
        try:
            json.loads(text.removeprefix("\ufeff"))
            document = read_tree(text)
            self._starts = dict(_starts(document.root, len(document.head), ()))
        except (ValueError, RecursionError):
            self._starts = {}

    def of(self, path: str) -> Position | None:
        """Of what is missing, where the object begins that lacks it."""
        if syntax := SYNTAX.fullmatch(path):
            return int(syntax[1]), int(syntax[2])
        while path and path not in self._starts:
            shorter = LAST_STEP.sub("", path)
            path = shorter if shorter != path else ""
        at = self._starts.get(path)
        if at is None:
            return None
        return self._text.count("\n", 0, at) + 1, at - self._text.rfind("\n", 0, at)


def _starts(node: Node, at: int, place: Place) -> Iterator[tuple[str, int]]:
    """An object's member begins at its key. Of one that comes twice, the last counts: it is too many."""
    if not place:
        yield "", at
    if not isinstance(node, Group):
        return
    at += 1
    for index, member in enumerate(node.members):
        at += len(member.gap)
        inner: Place = (*place, member.key if node.is_object else index)
        yield path_of(inner), at
        yield from _starts(member.node, at + len(member.label), inner)
        at += len(member.text)
