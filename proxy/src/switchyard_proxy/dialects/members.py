"""Members of the JSON in an event, found in its raw bytes, so that one can change and no other byte does.

Only structure counts: what merely looks like a member inside a string is never one, and an `id` further down
(a tool call's) is not the `id` of the outermost object. Data that spans several lines is read across them.
"""

import re
from collections.abc import Iterator, Mapping

Path = tuple[bytes, ...]

DEEPEST = 2
BEGIN = re.compile(rb"(?:^|[\r\n])data: ?")
# A string; the end of a line with what the next one begins with; a sign; a number or a word.
TOKEN = re.compile(
    rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|(?:\r\n|\n|\r)(?:data: ?|[^\r\n]*+)|[{}\[\],:]|[^\s{}\[\],:"]++', re.DOTALL
)
LINE_ENDS = b"\r\n"


def scalars(event: bytes) -> Iterator[tuple[Path, int, int]]:
    """Strings, numbers and words that are members of the outermost object, or of an object that is one of its
    members, each with its path and place."""
    begin = BEGIN.search(event)
    names: list[bytes] = []
    objects: list[bool] = []  # of what is open: an object, or a list
    name, is_name = b"", False
    for token in TOKEN.finditer(event, begin.end() if begin else len(event)):
        text = token[0]
        if text in (b"{", b"["):
            names.append(name)
            objects.append(text == b"{")
            is_name = objects[-1]
        elif text in (b"}", b"]"):
            names, objects, is_name = names[:-1], objects[:-1], False
        elif text == b",":
            is_name = bool(objects) and objects[-1]
        elif text == b":" or text[0] in LINE_ENDS:
            continue
        elif is_name:
            name, is_name = text[1:-1], False
        elif objects and objects[-1] and len(objects) <= DEEPEST:
            yield (*names[1:], name), token.start(), token.end()
        if not objects:
            return


def replaced(event: bytes, values: Mapping[Path, bytes]) -> bytes:
    """With these values in place of the engine's, where it has any."""
    pieces: list[bytes] = []
    at = 0
    for path, start, end in scalars(event):
        value = values.get(path)
        if value is not None:
            pieces += event[at:start], value
            at = end
    return b"".join((*pieces, event[at:])) if pieces else event
