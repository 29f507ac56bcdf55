"""The Hub's cache on a disk: what is whole, what it takes, what is left of a removal."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from switchyard_manager.model_files.cache import Cache, is_plain
from switchyard_manager.model_files.needs import Need, Part

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

    assert [left.name for left in cache.hub.iterdir()] == [".locks"]
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


@pytest.mark.parametrize("said", ["../../../etc", "/etc", "main", "", "b" * 39])
def test_a_branch_that_stands_at_no_commit_stands_nowhere(cache: Cache, said: str) -> None:
    whole(cache)

    (cache.folder(NEED.repo) / "refs" / "main").write_text(said)

    assert cache.commit_of(NEED) is None
    assert cache.snapshot(NEED) is None


@pytest.mark.parametrize("branch", ["../main", "/etc/passwd", "a/../../refs/main", "a//b", "a\0b"])
def test_a_branch_that_leads_elsewhere_is_none(cache: Cache, branch: str) -> None:
    whole(cache)

    assert cache.commit_of(Need("org/m", branch)) is None


def test_what_another_program_downloads_is_not_removed(cache: Cache) -> None:
    whole(cache)

    with cache.alone_with(NEED.repo, lambda: None), pytest.raises(OSError, match="another program"):
        cache.remove(NEED.repo)

    assert cache.has(NEED)


def test_a_repository_on_another_disk_is_removed_there(cache: Cache, tmp_path: Path) -> None:
    whole(cache)
    elsewhere = tmp_path / "larger disk"
    cache.folder(NEED.repo).rename(elsewhere)
    cache.folder(NEED.repo).symlink_to(elsewhere)

    assert cache.remove(NEED.repo) == 7

    assert not elsewhere.exists()
    assert not cache.folder(NEED.repo).is_symlink()


def test_a_removal_that_was_cut_off_is_finished_later(cache: Cache) -> None:
    whole(cache)
    left = cache.hub / ".removed-1-models--org--m"
    cache.folder(NEED.repo).rename(left)

    cache.make()

    assert not left.exists()


def test_a_commit_that_is_pinned_is_no_branch(cache: Cache) -> None:
    put(cache, "model.safetensors", b"weights", "e1")
    pinned = Need("org/m", COMMIT)

    cache.finish(pinned, COMMIT, {"model.safetensors": 7})

    assert cache.has(pinned)
    assert cache.snapshot(pinned) == cache.folder("org/m") / "snapshots" / COMMIT
    assert not (cache.folder("org/m") / "refs").exists()


def test_one_file_or_part_that_is_here_says_nothing_of_another(cache: Cache) -> None:
    put(cache, "a.safetensors", b"weights", "e1")
    one = Need("org/m", part=Part.ADAPTER, file="a.safetensors")

    cache.finish(one, COMMIT, {"a.safetensors": 7})

    assert cache.has(one)
    assert not cache.has(Need("org/m", part=Part.ADAPTER, file="b.safetensors"))
    assert not cache.has(Need("org/m", part=Part.ADAPTER))
    assert not cache.has(Need("org/m", part=Part.SMALL, file="a.safetensors"))


def test_a_list_that_a_library_of_the_hub_left_does_not_outlive_what_was_fetched(cache: Cache) -> None:
    put(cache, "model.safetensors", b"weights", "e1")
    left = cache.folder("org/m") / "trees" / f"{COMMIT}.json"
    left.parent.mkdir()
    left.write_text("[]")

    cache.finish(NEED, COMMIT, {"model.safetensors": 7})

    assert not left.exists()


def test_a_name_that_is_given_to_other_bytes_leads_to_them(cache: Cache) -> None:
    put(cache, "config.json", b"old", "e1")

    put(cache, "config.json", b"new", "e2")

    assert (cache.folder("org/m") / "snapshots" / COMMIT / "config.json").read_bytes() == b"new"


@pytest.mark.parametrize(("total_gib", "left_mib"), [(10, 512), (4000, 1024)])
def test_some_of_the_disk_is_left_free(
    cache: Cache, monkeypatch: pytest.MonkeyPatch, total_gib: int, left_mib: int
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=total_gib * 2**30, free=7))

    assert cache.room() == (7, left_mib * 2**20)


@pytest.mark.parametrize("name", ["", "/x", "x/", "a//b", ".", "./a", "a/..", "../a", "a/../b", "a\0b"])
def test_a_name_that_leads_out_of_its_folder_is_not_plain(name: str) -> None:
    assert not is_plain(name)


@pytest.mark.parametrize("name", ["main", "refs/pr/1", "a..b", ".gitattributes", "sub/model.safetensors"])
def test_names_that_repositories_have_are_plain(name: str) -> None:
    assert is_plain(name)
