"""What of a body may be kept: no secret, no picture. Pure, and fit for texts that were cut off anywhere.

When in doubt it takes out too much: a log probability whose name is `token` goes, too.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from switchyard_proxy.asgi import Header

GONE = "[redacted]"
SECRET_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "x-api-key", "api-key", "cookie", "set-cookie"}
)
SECRET = re.compile(r"key|token|passw|secret|credential|authorization|cookie", re.IGNORECASE)
# A number may be a count of tokens, but is no password.
WHOLLY_SECRET = re.compile(r"passw|secret|credential", re.IGNORECASE)
READABLE = re.compile(r"(?:text/|application/(?:[\w.-]+\+)?(?:json|x-ndjson))", re.IGNORECASE)
KEYLIKE = re.compile(
    r"\b(?:Bearer|Basic)\s+[\w.~+/=-]{6,}|\b(?:sk|pk|rk|hf|sy|gh[pousr]|xox[abpr])[-_][\w-]{12,}"
)
IN_QUERY = re.compile(r"([?&][^=&]*(?:key|token|passw|secret|credential)[^=&]*=)[^&]*", re.IGNORECASE)
PICTURE = re.compile(r"(?:data:([\w.+/-]{1,80});base64,)?([A-Za-z0-9+/_-]{512,}={0,2})")
BEGINNINGS = {"iVBORw0KGgo": "image/png", "/9j/": "image/jpeg", "R0lGOD": "image/gif", "UklGR": "image/webp"}
# A text or the rest of one, a bracket, a comma, a colon, or a number or word.
# A line's end ends a text that nobody closed, so that a stray quote does not turn all that follows inside out.
TOKEN = re.compile(r'"(?:[^"\\\n]|\\[^\n])*(?:"|\\?\Z)|[{}\[\],:]|[^\s"{}\[\],:]+')
# A name that may be secret, or one that is not what it looks like.
SUSPECT = re.compile(rf'(?:{SECRET.pattern})[^"\n]{{0,200}}"\s*:|\\u', re.IGNORECASE)
NAME_ENDS = re.compile(r"\s*:")
NUMBER = re.compile(r"-?[0-9.eE+-]+")


@dataclass(frozen=True, slots=True)
class Clean:
    """A body as it is kept."""

    text: str
    size: int  # in bytes, as it was
    cut: bool = False  # whether `text` is only its beginning


def safe_headers(headers: Iterable[Header]) -> dict[str, str]:
    told = ((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in headers)
    return {
        name: GONE if name in SECRET_HEADERS or SECRET.search(name) else KEYLIKE.sub(GONE, value)
        for name, value in told
    }


def safe_target(target: str) -> str:
    return KEYLIKE.sub(GONE, IN_QUERY.sub(rf"\1{GONE}", target))


def cleaned(kind: str, encoding: str, kept: bytes, size: int, *, cut: bool) -> Clean:
    """`kept` is what was laid aside of a body of `size` bytes."""
    if not size:
        return Clean("", 0)
    if encoding not in {"", "identity"} or not (READABLE.match(kind) or not kind):
        told = " ".join(filter(None, (encoding, kind.partition(";")[0])))
        return Clean(f"[{size} bytes of {told}]", size)
    # A cut in the middle of a character is no reason to drop the rest.
    text = kept.decode("utf-8", errors="replace")
    return Clean(KEYLIKE.sub(GONE, without_secrets(without_pictures(text))), size, cut)


def without_pictures(text: str) -> str:
    return PICTURE.sub(_note, text)


def _note(match: re.Match[str]) -> str:
    begins = match[2]
    kind = match[1] or next((kind for start, kind in BEGINNINGS.items() if begins.startswith(start)), "base64")
    return f"[{kind}, {len(begins) * 3 // 4} bytes left out]"


def without_secrets(text: str) -> str:
    """Members whose names sound like secrets keep their names only. For JSON, lines of it, and events of it."""
    walk = _Walk()
    return TOKEN.sub(walk.passes, text) if SUSPECT.search(text) else text


class _Walk:
    """Along the tokens of a text that may begin and end anywhere."""

    def __init__(self) -> None:
        self._last = ""  # a text that may turn out to be a name
        self._under: str | None = None  # the secret name whose value comes
        self._depth = 0  # of brackets within that value

    def passes(self, match: re.Match[str]) -> str:
        piece = match[0]
        if self._under is None:
            return self._outside(piece)
        return self._inside(piece, is_name=NAME_ENDS.match(match.string, match.end()) is not None)

    def _outside(self, piece: str) -> str:
        if piece == ":" and SECRET.search(self._last):
            self._under, self._depth = self._last, 0
        if piece.startswith('"'):
            self._last = _read(piece)
            return _nested(piece)
        self._last = ""
        return piece

    def _inside(self, piece: str, *, is_name: bool) -> str:
        """Until the value is over, every text in it goes but for names."""
        if piece in "{[":
            self._depth += 1
        elif piece in "}]":
            self._depth -= 1
        elif piece in ",:" or is_name:
            return piece
        if self._depth <= 0:
            under, self._under, self._last = self._under, None, ""
        else:
            under = self._under
        return piece if piece in "{}[]" or _may_stay(piece, under or "") else f'"{GONE}"'


def _may_stay(word: str, name: str) -> bool:
    return word in {"null", "true", "false"} or (
        NUMBER.fullmatch(word) is not None and not WHOLLY_SECRET.search(name)
    )


def _read(piece: str) -> str:
    try:
        return str(json.loads(piece, strict=False))
    except ValueError:
        return piece


def _nested(piece: str) -> str:
    """A text may be JSON itself: the arguments of a tool call are."""
    if '\\"' not in piece or not piece.endswith('"') or not SECRET.search(piece):
        return piece
    inner = _read(piece)
    clean = without_secrets(inner)
    return piece if clean == inner or inner == piece else json.dumps(clean)
