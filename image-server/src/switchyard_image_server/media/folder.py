"""Files of this machine, where the operator has set a folder apart for them. Nothing outside is opened."""

import os
import stat
from pathlib import Path
from urllib.parse import unquote, urlsplit

from switchyard_image_server.errors import InvalidValue, MediaNotAllowed, TooLarge
from switchyard_image_server.settings import MediaSettings


def read_file(url: str, param: str, settings: MediaSettings) -> bytes:
    """Of `file:///folder/name` or, below the folder, `file:name`. Says nothing of what lies outside."""
    if settings.root is None:
        raise MediaNotAllowed(
            "cannot read files of the server's machine: no folder is set apart for them; send the content as "
            "a data URL, or start the server with --media-root",
            param=param,
        )
    try:
        root = settings.root.resolve(strict=True)
        path = (root / _path(url, param)).resolve(strict=True)
        if not path.is_relative_to(root):
            raise _not_there(param)
        return _content(path, param, settings.max_fetch_mib)
    except (OSError, ValueError, RuntimeError):  # missing, unreadable, a NUL in its name, a loop of links
        raise _not_there(param) from None


def _path(url: str, param: str) -> str:
    parts = urlsplit(url)
    if parts.netloc not in {"", "localhost"} or parts.query or parts.fragment:
        raise InvalidValue("cannot read the address: a file is named as file:///folder/name", param=param)
    return unquote(parts.path, errors="strict")


def _content(path: Path, param: str, max_mib: int) -> bytes:
    # Asked of the open file, so that it cannot be another one afterwards; a pipe must not be waited for.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise _not_there(param)
        if facts.st_size > max_mib * 1024 * 1024:
            raise TooLarge(f"cannot use the file: it is larger than {max_mib} MiB", param=param)
        return file.read(max_mib * 1024 * 1024)


def _not_there(param: str) -> MediaNotAllowed:
    return MediaNotAllowed(
        "cannot read the file: there is none of that name in the folder set apart for media", param=param
    )
