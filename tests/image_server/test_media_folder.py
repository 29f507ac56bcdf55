"""Files below the one folder that is set apart, and none elsewhere."""

import os
from pathlib import Path

import pytest

from switchyard_image_server.errors import InvalidValue, MediaNotAllowed, TooLarge
from switchyard_image_server.media.folder import read_file
from switchyard_image_server.settings import MediaSettings


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "media"
    (folder / "inside").mkdir(parents=True)
    (folder / "a b.png").write_bytes(b"a")
    (folder / "inside" / "c.png").write_bytes(b"c")
    (tmp_path / "secret").write_bytes(b"secret")
    return folder


def read(url: str, root: Path, **settings: int) -> bytes:
    return read_file(url, "x", MediaSettings(root=root, **settings))


def test_reads_what_lies_below_the_folder(root: Path) -> None:
    addresses = [f"file://{root}/a%20b.png", f"file://localhost{root}/a%20b.png", "file:a%20b.png"]

    assert [read(address, root) for address in addresses] == [b"a"] * 3
    assert read("file:inside/c.png", root) == b"c"


@pytest.mark.parametrize(
    "path",
    [
        *("{outside}/secret", "{root}/../secret", "{root}/%2e%2e/secret", "{root}/inside/../../secret"),
        *("{root}", "{root}/inside", "{root}/none.png", "{root}/link", "{root}/links/secret", "{root}/pipe"),
        *("{root}/a%00.png", "/etc/passwd", "/dev/zero", "{root}/loop", "{root}/%ff.png"),
    ],
)
def test_opens_nothing_else_and_does_not_say_what_is_there(root: Path, path: str) -> None:
    (root / "link").symlink_to(root.parent / "secret")
    (root / "links").symlink_to(root.parent)
    (root / "loop").symlink_to(root / "loop")
    os.mkfifo(root / "pipe")

    with pytest.raises(MediaNotAllowed, match="there is none of that name"):
        read("file://" + path.format(root=root, outside=root.parent), root)


def test_names_no_other_machine(root: Path) -> None:
    with pytest.raises(InvalidValue, match="file:///folder/name"):
        read(f"file://elsewhere{root}/a%20b.png", root)


def test_refuses_a_file_that_is_too_large_unread(root: Path) -> None:
    with (root / "large").open("wb") as file:
        file.truncate(2 * 1024 * 1024)

    with pytest.raises(TooLarge, match="larger than 1 MiB"):
        read("file:large", root, max_fetch_mib=1)
