"""Control tokens that a client has cut in pieces, so that nobody sees them before a template joins the pieces.

What is found whole is sent as plain text by the tokenizer; here pieces are made whole.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from itertools import accumulate
from typing import Any


def any_of(tokens: Iterable[str]) -> re.Pattern[str]:
    longest_first = sorted((token for token in tokens if not token.isspace()), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)) or "(?!)")


def whole_tokens(parts: list[dict[str, Any]], tokens: re.Pattern[str]) -> list[dict[str, Any]]:
    """Texts that follow one another are one wherever they would make up a token together, even trimmed."""
    told: list[dict[str, Any]] = []
    run: list[str] = []
    for part in [*parts, None]:
        if part is not None and part["type"] == "text":
            run.append(part["text"])
            continue
        told += [{"type": "text", "text": text} for text in _joined(run, tokens)]
        run = []
        if part is not None:
            told.append(part)
    return told


def _joined(texts: list[str], tokens: re.Pattern[str]) -> list[str]:
    trimmed = [text.strip() for text in texts]
    ends = list(accumulate(map(len, trimmed)))
    glued: set[int] = set()  # texts that belong to the one before
    for found in tokens.finditer("".join(trimmed)):
        first, last = bisect_right(ends, found.start()), bisect_left(ends, found.end())
        glued.update(range(first + 1, last + 1))
    made: list[str] = []
    for at, text in enumerate(texts):
        if at in glued:
            made[-1] += text
        else:
            made.append(text)
    return made
