"""Where pictures and videos come from: base64 in the request; the network or a folder of this machine only
where the operator allows it.
"""

import asyncio
import base64
import binascii
import re

from switchyard_image_server.errors import InvalidValue, MediaNotAllowed
from switchyard_image_server.media.fetch import Door, fetch
from switchyard_image_server.media.folder import read_file
from switchyard_image_server.settings import MediaSettings

_DATA_URL = re.compile(
    r"data:(?P<type>[\w.+-]+/[\w.+-]+)?(?:;[\w.+-]+=[^;,]*)*(?P<base64>;base64)?,", re.ASCII | re.IGNORECASE
)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_SHORTEST = 32  # bare base64; no picture is smaller, but many a path and word
_LONG = 65_536  # longer base64 is decoded off the loop


class MediaReader:
    """The bytes behind an address, under the operator's rules. Used on the event loop."""

    def __init__(self, settings: MediaSettings, door: Door | None = None) -> None:
        self._settings = settings
        self._door = door or Door()

    async def read(self, url: str, param: str) -> bytes:
        """`param` names the field that the address came in. Every refusal is a `ServerError` that names it."""
        scheme = _SCHEME.match(url[:64])
        kind = scheme[1].lower() if scheme else ""
        if kind in {"http", "https"}:
            if not self._settings.fetch:
                raise MediaNotAllowed(
                    f"cannot fetch {kind} addresses: this server does not; send the content as a data URL "
                    "(data:image/png;base64,…), or start it with --fetch-media",
                    param=param,
                )
            return await fetch(url, param, self._settings, self._door)
        if kind == "file":
            return await asyncio.to_thread(read_file, url, param, self._settings)
        if len(url) > _LONG:
            return await asyncio.to_thread(read_inline, url, param)
        return read_inline(url, param)


def read_inline(url: str, param: str) -> bytes:
    """The bytes of a base64 data URL, or of bare base64. Every other kind of address is refused."""
    head = _DATA_URL.match(url[:1000])
    if head is not None:
        if not head["base64"]:
            raise InvalidValue(
                "cannot read the data URL: it is not base64 (data:image/png;base64,…)", param=param
            )
        return _decoded(url, head.end(), "cannot read the data URL: its base64 is broken", param)
    if scheme := _SCHEME.match(url[:64]):
        raise _no_such_scheme(scheme[1].lower(), param)
    fault = "cannot read this: it is neither a data URL nor base64"
    if len(url) < _SHORTEST:
        raise InvalidValue(fault, param=param)
    return _decoded(url, 0, fault, param)


def _no_such_scheme(scheme: str, param: str) -> InvalidValue | MediaNotAllowed:
    if scheme == "data":
        return InvalidValue("cannot read the data URL: its head is none (data:image/png;base64,…)", param=param)
    return MediaNotAllowed(
        f"cannot read from a {scheme}: address; send a data URL (data:image/png;base64,…)", param=param
    )


def _decoded(text: str, start: int, fault: str, param: str) -> bytes:
    try:
        return base64.b64decode(text[start:], validate=True)
    except (binascii.Error, ValueError):
        pass
    try:
        return base64.b64decode(_tidied(text[start:]), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidValue(fault, param=param) from None


def _tidied(text: str) -> str:
    """Some senders break lines, some use the alphabet of URLs, and some leave the padding out."""
    plain = "".join(text.split()).replace("-", "+").replace("_", "/").rstrip("=")
    return plain + "=" * (-len(plain) % 4)
