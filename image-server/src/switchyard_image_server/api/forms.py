"""Read a multipart form: bounded in every direction, pictures spooled to disk, its parts in any order.

What a field means, and which fields there are, is the caller's word.
"""

import asyncio
import logging
import re
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Self

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from switchyard_image_server.api.nesting import PLACE, Entry, nested
from switchyard_image_server.api.receiving import pieces
from switchyard_image_server.errors import InvalidValue, ServerError, TooLarge

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MIB = 1024 * 1024
MAX_FORM = 256 * MIB
MAX_FILE = 50 * MIB
MAX_TEXT = 4 * MIB  # of all fields that are no pictures
MAX_PARTS = 256
SPOOLED_FROM = 1 * MIB
_AT_A_TIME = 1 * MIB
_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_KEY = re.compile(r"\[([^\[\]]*)\]")

# It warns of every bad byte that a client sends; the client gets to hear of it from us.
logging.getLogger("python_multipart").setLevel(logging.ERROR)


def is_form(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0]
    return kind.strip().lower() == "multipart/form-data"


@dataclass(frozen=True, slots=True)
class Kinds:
    """Which names carry pictures, and which may be lists or objects. All others are single texts."""

    uploads: frozenset[str]
    nested: frozenset[str]


@dataclass(slots=True)
class Upload:
    """A part that carries a picture, or the address of one: then it has no file name."""

    name: str
    place: int | None
    is_file: bool
    spool: IO[bytes]
    size: int = 0

    def read(self) -> bytes:
        self.spool.seek(0)
        return self.spool.read()


@dataclass(slots=True)
class _Part:
    """A part while it goes by."""

    name: str = ""
    keys: tuple[str, ...] = ()
    has_file_name: bool = False
    upload: Upload | None = None
    text: bytearray | None = None  # None: nobody asked for this


@dataclass(slots=True)
class Form:
    """Close it: its files are on disk."""

    fields: dict[str, Any]
    uploads: list[Upload]

    def named(self, *names: str) -> list[Upload]:
        """In the order of their numbers, where they have some, else as they came."""
        found = [one for one in self.uploads if one.name in names]
        return sorted(found, key=lambda one: -1 if one.place is None else one.place)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for one in self.uploads:
            one.spool.close()


async def read_form(request: Request, kinds: Kinds, limit: int = MAX_FORM) -> Form:
    reader = FormReader(request.headers.get("content-type", ""), kinds)
    try:
        async for block in _blocks(request, limit):
            # Disks are slow, and so is looking for boundaries in megabytes: not on the loop.
            await asyncio.to_thread(reader.feed, block)
        return reader.form()
    except BaseException:
        reader.close()
        raise


async def _blocks(request: Request, limit: int) -> AsyncIterator[bytes]:
    """What is over the limit is read to its end within reason, so that the client gets to hear of it."""
    held: list[bytes] = []
    size = waiting = 0
    async for piece in pieces(request):
        size += len(piece)
        waiting += len(piece)
        if size > 2 * limit:
            break
        if size <= limit:
            held.append(piece)
        if waiting >= _AT_A_TIME and held:
            yield b"".join(held)
            held.clear()
            waiting = 0
    if size > limit:
        raise TooLarge(f"cannot take a form of over {limit} bytes; send fewer or smaller images")
    if held:
        yield b"".join(held)


class FormReader:
    """Fed with every byte of a body once, in any pieces. A fault is told when the whole form was fed, so that
    the client has sent it all, and listens.
    """

    def __init__(self, content_type: str, kinds: Kinds) -> None:
        self._kinds = kinds
        self._part = _Part()
        self._parts = 0
        self._header = bytearray()
        self._value = bytearray()
        self._ended = False
        self._fault: ServerError | None = None
        self._texts: dict[str, list[Entry]] = {}
        self._text_size = 0
        self._uploads: list[Upload] = []
        self._parser = self._new_parser(content_type)

    def _new_parser(self, content_type: str) -> MultipartParser:
        callbacks: MultipartCallbacks = {
            "on_part_begin": self._begin,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_ends,
            "on_headers_finished": self._headers_end,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_end": self._over,
        }
        _, options = parse_options_header(content_type.encode("latin-1", "replace"))
        if not options.get(b"boundary"):
            raise _bad("its content type names no boundary")
        try:
            return MultipartParser(options[b"boundary"], callbacks)
        except FormParserError as error:
            raise _bad(str(error)) from None

    def feed(self, block: bytes) -> None:
        if self._fault is not None:
            return
        try:
            self._parser.write(block)
        except FormParserError as error:
            self._fault = _bad(str(error))
        except ServerError as fault:
            self._fault = fault

    def form(self) -> Form:
        """What was found, when all was fed."""
        if self._fault is not None:
            raise self._fault
        if not self._ended:
            raise _bad(f"it breaks off in part {self._parts}: its last boundary never came")
        for one in self._uploads:
            if not one.size:
                one.spool.close()
        return Form(dict(self._fields()), [one for one in self._uploads if one.size])

    def _fields(self) -> Iterator[tuple[str, Any]]:
        for name, entries in self._texts.items():
            if name in self._kinds.nested:
                yield name, nested(name, entries)
            elif plain := [text or None for keys, text in entries if not keys]:
                yield name, plain[0] if len(plain) == 1 else plain

    def close(self) -> None:
        for one in self._uploads:
            one.spool.close()

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise _bad(f"it has more than {MAX_PARTS} parts")
        self._part = _Part()

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_ends(self) -> None:
        if bytes(self._header).lower() == b"content-disposition":
            _, options = parse_options_header(bytes(self._value))
            self._part.name = options.get(b"name", b"").decode("utf-8", "replace")
            self._part.has_file_name = b"filename" in options or b"filename*" in options
        self._header.clear()
        self._value.clear()

    def _headers_end(self) -> None:
        part = self._part
        name = _NAME.fullmatch(part.name)
        if name is None:
            raise _bad(f"part {self._parts} has no name that can be read")
        part.name, part.keys = name[1], tuple(_KEY.findall(name[2]))
        if part.name in self._kinds.uploads:
            part.upload = self._new_upload(part)
        elif not part.has_file_name:
            part.text = bytearray()

    def _new_upload(self, part: _Part) -> Upload:
        numbered = bool(part.keys) and PLACE.fullmatch(part.keys[0])
        place = int(part.keys[0]) if numbered else None
        spool = tempfile.SpooledTemporaryFile(max_size=SPOOLED_FROM)  # noqa: SIM115 - closed with the form
        upload = Upload(part.name, place, part.has_file_name, spool)
        self._uploads.append(upload)
        return upload

    def _data(self, data: bytes, start: int, end: int) -> None:
        upload, text = self._part.upload, self._part.text
        if upload is not None:
            upload.size += end - start
            if upload.size > MAX_FILE:
                raise TooLarge(
                    f"cannot take an image of over {MAX_FILE // MIB} MiB; send a smaller one", param=upload.name
                )
            upload.spool.write(data[start:end])
        elif text is not None:
            text += data[start:end]
            self._text_size += end - start
            if self._text_size > MAX_TEXT:
                raise TooLarge(
                    f"cannot take over {MAX_TEXT // MIB} MiB of fields that are no images; shorten this one",
                    param=self._part.name,
                )

    def _end(self) -> None:
        part = self._part
        if part.text is None:
            return
        try:
            text = part.text.decode()
        except UnicodeDecodeError:
            raise InvalidValue("cannot use this field: it is no UTF-8 text", param=part.name) from None
        self._texts.setdefault(part.name, []).append((part.keys, text))

    def _over(self) -> None:
        self._ended = True


def _bad(why: str) -> InvalidValue:
    return InvalidValue(f"cannot read the form: {why}; send multipart/form-data as RFC 7578 has it")
