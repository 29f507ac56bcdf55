"""Follow a multipart/form-data body as it arrives: its fields, and where the model's name stands.

Nothing is kept but the few small fields that routing needs; the bytes themselves are not touched here.
"""

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.errors import Refused

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MOST_PARTS = 1000
LARGEST_FIELD = 1024 * 1024
WANTED = frozenset({"model", "stream", "response_format"})
_BLANK_LINE = len(b"\r\n\r\n")

# It warns of every bad byte that a client sends; the client gets to hear of it from us.
logging.getLogger("python_multipart").setLevel(logging.ERROR)


@dataclass(slots=True)
class Part:
    """A part while it goes by."""

    name: str = ""
    is_file: bool = False
    headers_end: int | None = None  # where the value of its last header ended in the body
    starts: int = 0  # where its own value stands
    size: int = 0
    kept: bytearray = field(default_factory=bytearray)


@dataclass(frozen=True, slots=True)
class Form:
    """What was found. `spans` are the values of `model`, as places in the body."""

    boundary: bytes
    starts: int  # where the first boundary stands
    fields: dict[str, str]
    spans: tuple[tuple[int, int], ...]


class FormReader:
    """Fed with every byte of a body once, in any pieces. Raises `Refused` for what is no proper form."""

    def __init__(self, content_type: bytes) -> None:
        self._boundary = _boundary_in(content_type)
        self._parser = self._new_parser()
        self._seen = 0  # bytes of the body before the piece at hand
        self._starts: int | None = None
        self._parts = 0
        self._part = Part()
        self._header = bytearray()
        self._value = bytearray()
        self._ended = False
        self._fields: dict[str, str] = {}
        self._spans: list[tuple[int, int]] = []

    def _new_parser(self) -> MultipartParser:
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
        try:
            return MultipartParser(self._boundary, callbacks)
        except FormParserError as error:
            raise _bad(str(error)) from None

    def feed(self, piece: bytes) -> None:
        if self._starts is None and (dash := piece.find(b"-")) >= 0:
            self._starts = self._seen + dash
        try:
            self._parser.write(piece)
        except FormParserError as error:
            raise _bad(str(error)) from None
        self._seen += len(piece)

    def form(self) -> Form:
        """What was found, when all was fed."""
        if not self._ended:
            raise _bad(f"it breaks off in part {self._parts}: its last boundary never came")
        return Form(self._boundary, self._starts or 0, self._fields, tuple(self._spans))

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise _bad(f"it has more than {MOST_PARTS} parts")
        self._part = Part()

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]
        self._part.headers_end = self._seen + end

    def _header_ends(self) -> None:
        if bytes(self._header).lower() == b"content-disposition":
            _, options = parse_options_header(bytes(self._value))
            self._part.name = options.get(b"name", b"").decode("utf-8", "replace")
            self._part.is_file = b"filename" in options or b"filename*" in options
        if not self._value:
            self._part.headers_end = None  # the parser does not tell where this one ended
        self._header.clear()
        self._value.clear()

    def _headers_end(self) -> None:
        part = self._part
        if not part.name:
            raise _bad(f"part {self._parts} has no name")
        if part.headers_end is not None:
            part.starts = part.headers_end + _BLANK_LINE
        elif part.name == "model":
            raise _bad("the last header of its part 'model' is empty; leave that header out")

    def _data(self, data: bytes, start: int, end: int) -> None:
        part = self._part
        part.size += end - start
        if part.is_file:
            return
        if part.size > LARGEST_FIELD:
            raise _bad(f"its field {part.name!r} is over {LARGEST_FIELD} bytes and no file")
        if part.name in WANTED:
            part.kept += data[start:end]

    def _end(self) -> None:
        part = self._part
        if part.is_file or part.name not in WANTED:
            return
        try:
            self._fields[part.name] = part.kept.decode()
        except UnicodeDecodeError:
            raise Refused(
                ErrorCode.INVALID_VALUE, f"cannot use this `{part.name}`: it is no UTF-8 text", part.name
            ) from None
        if part.name == "model":
            self._spans.append((part.starts, part.starts + part.size))

    def _over(self) -> None:
        self._ended = True


def _boundary_in(content_type: bytes) -> bytes:
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data":
        raise _bad(f"its content-type is {kind.decode('latin-1')!r}, and must be multipart/form-data")
    if not boundary:
        raise _bad("its content-type names no boundary")
    return boundary


def _bad(why: str) -> Refused:
    return Refused(ErrorCode.INVALID_VALUE, f"cannot read the form: {why}")
