"""The page: static files, read once at start and served from memory, so that no path can lead out of them."""

from dataclasses import dataclass
from pathlib import Path

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.asgi import Header
from switchyard_proxy.errors import Refused

FOLDER = Path(__file__).parent.parent / "ui"
# Ours to say: on some systems the registry calls a script plain text, and browsers then refuse it.
KINDS = {
    ".css": b"text/css; charset=utf-8",
    ".html": b"text/html; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".svg": b"image/svg+xml",
}
POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    b"media-src 'self' blob:; font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; "
    b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    b"require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS: tuple[Header, ...] = (
    (b"cache-control", b"no-cache"),
    (b"content-security-policy", POLICY),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)


@dataclass(frozen=True, slots=True)
class Page:
    """Every file of the page by its path below `/ui/`; the empty path is the page itself."""

    files: dict[str, tuple[bytes, bytes]]

    @classmethod
    def load(cls, folder: Path = FOLDER) -> "Page":
        files = {
            path.relative_to(folder).as_posix(): (KINDS[path.suffix], path.read_bytes())
            for path in sorted(folder.rglob("*"))
            if path.suffix in KINDS
        }
        return cls(files | {"": files["index.html"]})

    def file(self, name: str) -> tuple[list[Header], bytes]:
        """Raises `Refused` for a name that is no file of the page."""
        if name not in self.files:
            raise Refused(ErrorCode.UNKNOWN_URL, "cannot find that file: the page has no such one")
        kind, content = self.files[name]
        return [(b"content-type", kind), *HEADERS], content
