"""Read models.json. Blocks: an event loop calls it in a thread."""

from pathlib import Path

from switchyard_contracts.catalog import Catalog, read_catalog
from switchyard_manager.errors import Refused


def load(file: Path) -> Catalog:
    """Raises `Refused` (no such file, not text) or `CatalogRefused` (what is in it)."""
    return read_catalog(text_of(file, content_of(file)))


def content_of(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise Refused(
            f"cannot read {file}: {error.strerror}; set SWITCHYARD_CATALOG to your models.json"
        ) from error


def text_of(file: Path, content: bytes) -> str:
    """All of it: a byte order mark and the line ends too."""
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise Refused(
            f"cannot read {file}: it is not UTF-8 text (byte {error.start}); save it as UTF-8"
        ) from error
