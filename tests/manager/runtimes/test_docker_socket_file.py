"""A socket that was mounted, and whose file the Engine replaced."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from switchyard_manager.runtimes.docker import socket_file


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """The file on its machine, and as it is seen by who has it for good, as a mount has."""
    file = tmp_path / "docker.sock"
    with file.open("w") as held:
        yield file, Path(f"/proc/self/fd/{held.fileno()}")


def test_a_socket_whose_file_has_no_name_any_more_is_replaced(mounted: tuple[Path, Path]) -> None:
    file, seen = mounted
    before = socket_file.is_replaced(seen)

    file.unlink()

    assert (before, socket_file.is_replaced(seen)) == (False, True)


def test_one_that_is_not_there_is_only_away(tmp_path: Path) -> None:
    assert not socket_file.is_replaced(tmp_path / "docker.sock")


async def test_it_is_told_once(mounted: tuple[Path, Path]) -> None:
    file, seen = mounted
    told: list[str] = []
    looks = iter([None, file.unlink])

    class Replaced(type(seen)):  # type: ignore[misc]
        def stat(self, **more: bool) -> object:
            act = next(looks, None)
            if act is not None:
                act()
            return super().stat(**more)

    await socket_file.follow(Replaced(seen), lambda: told.append("end"), every_s=0)

    assert told == ["end"]


async def test_where_links_are_not_counted_nothing_is_concluded(mounted: tuple[Path, Path]) -> None:
    file, seen = mounted
    file.unlink()
    told: list[str] = []

    await socket_file.follow(seen, lambda: told.append("end"), every_s=0)

    assert told == []


@pytest.mark.parametrize("host", [None, "unix:///nowhere/docker.sock", "tcp://10.0.0.1:2375"])
def test_on_the_machine_itself_there_is_nothing_to_follow(host: str | None) -> None:
    assert socket_file.mounted_socket(host) is None
