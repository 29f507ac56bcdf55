"""The Hub's cache on a disk: what is whole, what it takes, what is left of a removal."""

from pathlib import Path

import pytest

from switchyard_manager.model_files.cache import Cache
from switchyard_manager.model_files.needs import Need

NEED = Need("org/m")
COMMIT = "a" * 40


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    made = Cache(tmp_path / "hub")
    made.make()
    return made


def put(cache: Cache, name: str, data: bytes, etag: str) -> None:
    blob = cache.blob(NEED.repo, etag)
    blob.parent.mkdir(parents=True, exist_ok=True)
    blob.write_bytes(data)
    cache.link(NEED.repo, COMMIT, name, etag)


def whole(cache: Cache) -> None:
    put(cache, "sub/model.safetensors", b"weights", "e1")
    cache.finish(NEED, COMMIT, {"sub/model.safetensors": 7})


def test_what_was_finished_is_here(cache: Cache) -> None:
    put(cache, "sub/model.safetensors", b"weights", "e1")
    assert not cache.has(NEED)

    cache.finish(NEED, COMMIT, {"sub/model.safetensors": 7})

    assert cache.has(NEED)
    assert not cache.has(Need("org/m", "v2"))
    assert cache.has(Need("org/m", COMMIT)) is False


def test_what_somebody_took_a_file_from_is_not(cache: Cache) -> None:
    whole(cache)

    cache.blob(NEED.repo, "e1").write_bytes(b"cut")

    assert not cache.has(NEED)


def test_what_another_tool_moved_on_to_a_newer_commit_is_not(cache: Cache) -> None:
    whole(cache)

    (cache.folder(NEED.repo) / "refs" / "main").write_text("b" * 40)

    assert not cache.has(NEED)


def test_a_mark_that_makes_no_sense_says_nothing(cache: Cache) -> None:
    whole(cache)
    (mark,) = (cache.folder(NEED.repo) / ".switchyard").iterdir()

    mark.write_text("[1, 2]")

    assert not cache.has(NEED)


def test_each_file_counts_once_and_what_is_not_whole_is_told(cache: Cache) -> None:
    whole(cache)
    cache.link(NEED.repo, COMMIT, "again.safetensors", "e1")
    cache.blob(NEED.repo, "e2.incomplete").write_bytes(b"beg")

    (kept,) = cache.contents()

    assert (kept.repo, kept.bytes, kept.incomplete_bytes, kept.revisions) == ("org/m", 10, 3, ("main",))


def test_a_removal_leaves_nothing_and_says_what_it_freed(cache: Cache) -> None:
    whole(cache)

    assert cache.remove(NEED.repo) == 7

    assert list(cache.hub.iterdir()) == []
    assert cache.contents() == ()
    assert cache.remove(NEED.repo) == 0


def test_what_was_begun_of_an_older_commit_is_swept_and_other_tools_files_are_not(cache: Cache) -> None:
    whole(cache)
    stale, wanted = "f" * 40, "9" * 64
    for name in (f"{stale}.incomplete", f"{wanted}.incomplete", "tool.12345678.incomplete"):
        cache.blob(NEED.repo, name).touch()

    cache.sweep(NEED.repo, {wanted})

    left = {file.name for file in cache.blob(NEED.repo, "e1").parent.iterdir()}
    assert left == {"e1", f"{wanted}.incomplete", "tool.12345678.incomplete"}


def test_a_cache_that_nobody_made_yet_is_empty(tmp_path: Path) -> None:
    assert Cache(tmp_path / "nothing").contents() == ()
    assert not Cache(tmp_path / "nothing").has(NEED)
