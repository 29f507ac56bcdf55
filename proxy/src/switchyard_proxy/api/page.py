"""The page: static files, served from memory, so that no path can lead out of them.

Below `/ui/<version>/` a file never changes, so browsers keep it for good; the page itself, which names the
version in its links, is asked for each time.
"""

import asyncio
import gzip
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.asgi import Header
from switchyard_proxy.errors import Refused
from switchyard_proxy.settings import Settings

FOLDER = Path(__file__).parent.parent / "ui"
INDEX = "index.html"
# Ours to say: on some systems the registry calls a script plain text, and browsers then refuse it.
KINDS = {
    ".css": b"text/css; charset=utf-8",
    ".html": b"text/html; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".json": b"application/json",
    ".png": b"image/png",
    ".svg": b"image/svg+xml",
    ".txt": b"text/plain; charset=utf-8",
    ".webmanifest": b"application/manifest+json",
    ".woff2": b"font/woff2",
}
PACKED_ALREADY = (".png", ".woff2")
POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    b"media-src 'self' blob:; font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; "
    b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    b"require-trusted-types-for 'script'; trusted-types switchyard-worker"
)
HEADERS: tuple[Header, ...] = (
    (b"content-security-policy", POLICY),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)
ASK_EACH_TIME: Header = (b"cache-control", b"no-cache")
KEEP: Header = (b"cache-control", b"public, max-age=31536000, immutable")
KEEP_NOTHING: Header = (b"cache-control", b"no-store")
VARIES: Header = (b"vary", b"accept-encoding")
PACKED: Header = (b"content-encoding", b"gzip")
REFUSED_GZIP = re.compile(rb"(?:gzip|\*)\s*;\s*q=0(?:\.0*)?\s*(?:,|$)")


@dataclass(frozen=True)
class File:
    """One file, as it is and packed."""

    kind: bytes
    content: bytes
    packs: bool = True

    @cached_property
    def packed(self) -> bytes | None:
        """None where that saves nothing."""
        if not self.packs:
            return None
        packed = gzip.compress(self.content, mtime=0)
        return packed if len(packed) < len(self.content) else None

    def sent(self, caching: Header, accepts: bytes | None) -> tuple[list[Header], bytes]:
        headers = [(b"content-type", self.kind), caching, *HEADERS]
        if self.packed is None:
            return headers, self.content
        if not _takes_gzip(accepts):
            return [*headers, VARIES], self.content
        return [*headers, VARIES, PACKED], self.packed


class Page:
    """Every file of the page by its path below `/ui/`; the empty path is the page itself."""

    def __init__(self, files: dict[str, File]) -> None:
        self.version = _version_of(files)
        index = files[INDEX]
        linked = index.content.replace(b'"/ui/', b'"/ui/%b/' % self.version.encode())
        self.files = files | dict.fromkeys((INDEX, ""), File(index.kind, linked))

    @classmethod
    def load(cls, folder: Path = FOLDER) -> "Page":
        """Blocks. What is packed once is packed for all."""
        page = cls({name: _read(path) for name, path in _paths(folder)})
        for file in page.files.values():
            _ = file.packed
        return page

    async def file(self, name: str, accepts: bytes | None = None) -> tuple[list[Header], bytes]:
        """For what the client accepts. Raises `Refused` for a name that is no file of the page."""
        version, _, below = name.partition("/")
        is_lasting = version == self.version and below not in ("", INDEX)
        found = self.files.get(below if version == self.version else name)
        if found is None:
            raise nothing_there()
        return found.sent(KEEP if is_lasting else ASK_EACH_TIME, accepts)


class PageAnew:
    """For those who work on the page: each file is read when it is asked for, and nobody keeps it."""

    version = "anew"

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder

    async def file(self, name: str, accepts: bytes | None = None) -> tuple[list[Header], bytes]:
        """As `Page.file`."""
        found = await asyncio.to_thread(self._read, name or INDEX)
        return found.sent(KEEP_NOTHING, None)

    def _read(self, name: str) -> File:
        path = dict(_paths(self._folder)).get(name)
        if path is None:
            raise nothing_there()
        return _read(path)


AnyPage = Page | PageAnew


def page_for(settings: Settings) -> AnyPage:
    return PageAnew() if settings.ui_reload == "on" else Page.load()


def nothing_there() -> Refused:
    return Refused(ErrorCode.UNKNOWN_URL, "cannot find that file: the page has no such one")


def _paths(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        if path.suffix in KINDS and path.is_file():
            yield path.relative_to(folder).as_posix(), path


def _read(path: Path) -> File:
    return File(KINDS[path.suffix], path.read_bytes(), path.suffix not in PACKED_ALREADY)


def _version_of(files: dict[str, File]) -> str:
    """The same for the same files, in every worker and after every restart."""
    digest = hashlib.sha256()
    for name, file in sorted(files.items()):
        digest.update(f"{name} {len(file.content)} ".encode())
        digest.update(file.content)
    return digest.hexdigest()[:12]


def _takes_gzip(accepts: bytes | None) -> bool:
    return accepts is not None and b"gzip" in accepts and REFUSED_GZIP.search(accepts) is None
