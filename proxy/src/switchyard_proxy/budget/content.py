"""A file inside a data URL, read here and there. Only what is looked at is ever decoded.

Pictures and videos are megabytes of base64, and all that counting needs are some hundred bytes of their heads.
"""

import base64
import binascii
import re

_HEAD = re.compile(r"data:[^,]{0,500}?;base64,", re.IGNORECASE)
_PLAIN = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_LOOK = 256  # line breaks come every 64 or 76 characters, if they come at all


class Broken(ValueError):
    """No data URL, or its base64 cannot be read; the message says which."""


class Content:
    """The bytes behind base64 text, from anywhere in it. Ends where the text ends: short reads tell."""

    def __init__(self, text: str, start: int = 0) -> None:
        self._text = text
        self._start = start
        if not _PLAIN.fullmatch(text[start : start + _LOOK]):
            self._text, self._start = _tidied(text[start:]), 0
        self.size = (len(self._text) - self._start) * 3 // 4  # but for padding
        if not self.at(0, 1):
            raise Broken("it is empty")

    def at(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes from there on. Raises `Broken`."""
        if offset >= self.size or size <= 0:
            return b""
        first = offset // 3
        last = (min(offset + size, self.size) + 2) // 3
        text = self._text[self._start + first * 4 : self._start + last * 4]
        try:
            decoded = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        except (binascii.Error, ValueError) as error:
            raise Broken(f"its base64 is broken: {error}") from None
        skip = offset - first * 3
        return decoded[skip : skip + size]


def data_url(url: str) -> Content:
    """Raises `Broken`."""
    head = _HEAD.match(url)
    if head is None:
        raise Broken("it is no base64 data URL (data:image/png;base64,…)")
    return Content(url, head.end())


def _tidied(text: str) -> str:
    """Some senders break lines, and some use the alphabet of URLs."""
    return "".join(text.split()).replace("-", "+").replace("_", "/")
