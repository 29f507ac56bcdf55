"""Downloads by the real child process, from a hub that speaks the real protocol, with whatever can go wrong."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from switchyard_contracts.errors import Reason
from switchyard_contracts.status import Failure
from switchyard_manager.model_files import fetcher as fetcher_of
from tests.manager.model_files.conftest import FILES, REPO, SMALL_FILES, WEIGHTS, Desk
from tests.manager.model_files.hub import STRANGERS, TOKEN, Hub, etag_of

Until = Callable[[Callable[[], bool]], Awaitable[None]]
LARGE = "model.safetensors"


def reason_of(failed: Failure | None) -> Reason:
    assert failed is not None
    assert failed.message.startswith("cannot ")
    return failed.reason


async def test_what_an_engine_needs_is_fetched_and_nothing_else(hub: Hub, desk: Desk) -> None:
    hub.repo(REPO, {**FILES, "pytorch_model.bin": WEIGHTS, "README.md": "words", "original/params.json": "{}"})

    assert await desk.fetch() is None

    assert desk.has()
    assert desk.names() == set(FILES)
    assert desk.file(LARGE).read_bytes() == WEIGHTS
    assert hub.sent() == sum(map(len, FILES.values()))
    assert desk.told[-1].done_bytes == desk.told[-1].total_bytes == hub.sent()


async def test_the_hubs_own_library_finds_all_of_it_without_a_network(hub: Hub, desk: Desk) -> None:
    """In a process of its own, as engines are: it reads its environment when it is loaded."""
    hub.repo(REPO, FILES)
    await desk.fetch()
    program = f"from huggingface_hub import snapshot_download; print(snapshot_download({REPO!r}))"
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(desk.places.hub)}

    found = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True
    )

    assert found.stdout.strip() == str(desk.file("").resolve())


async def test_a_transfer_that_breaks_goes_on_where_it_was(hub: Hub, desk: Desk) -> None:
    hub.repo(REPO, FILES)
    hub.faults.cut_after[LARGE] = [1_000_000, 500_000]

    assert await desk.fetch() is None

    assert hub.ranges(LARGE) == [None, "bytes=1000000-", "bytes=1500000-"]
    assert hub.sent(LARGE) == len(WEIGHTS)
    assert desk.file(LARGE).read_bytes() == WEIGHTS


async def test_one_that_gets_on_each_time_may_break_as_often_as_it_likes(hub: Hub, desk: Desk) -> None:
    hub.repo(REPO, FILES)
    hub.faults.cut_after[LARGE] = [200_000] * 9

    assert await desk.fetch() is None

    assert len(hub.ranges(LARGE)) == 10
    assert desk.file(LARGE).read_bytes() == WEIGHTS


async def test_one_that_breaks_too_often_is_given_up_and_keeps_what_came(hub: Hub, desk: Desk) -> None:
    hub.repo(REPO, FILES)
    hub.faults.cut_after[LARGE] = [1_000_000] + [0] * 20

    assert reason_of(await desk.fetch()) is Reason.HUB_UNREACHABLE

    assert not desk.has()
    hub.faults.cut_after.clear()
    assert await desk.fetch() is None
    assert hub.ranges(LARGE)[-1] == "bytes=1000000-"
    assert hub.sent(LARGE) == len(WEIGHTS)


async def test_a_server_without_ranges_sends_it_all_again(hub: Hub, desk: Desk) -> None:
    hub.repo(REPO, FILES)
    hub.faults.cut_after[LARGE] = [1_000_000]
    hub.faults.no_ranges = True

    assert await desk.fetch() is None

    assert desk.file(LARGE).read_bytes() == WEIGHTS
    assert hub.ranges(LARGE) == [None, "bytes=1000000-"]
    assert desk.told[-1].done_bytes == desk.told[-1].total_bytes


async def test_bytes_that_are_not_what_was_announced_are_thrown_away(hub: Hub, desk: Desk) -> None:
    hub.repo(REPO, FILES)
    hub.faults.corrupt = {LARGE: 1, "tokenizer.json": 1}

    assert await desk.fetch() is None

    assert desk.file(LARGE).read_bytes() == WEIGHTS
    assert desk.file("tokenizer.json").read_text() == SMALL_FILES["tokenizer.json"]


async def test_a_manager_that_is_killed_leaves_no_download_behind_and_the_next_one_goes_on(
    hub: Hub, desk: Desk, until: Until, gone: Callable[[int], bool]
) -> None:
    hub.repo(REPO, FILES)
    hub.holds_after = 1_000_000
    hub.may_send.clear()
    manager = await asyncio.create_subprocess_exec(
        sys.executable, "-c", MANAGER, desk.places.hub.parent, hub.url, REPO, cwd=Path.cwd()
    )
    begun = desk.cache.blob(REPO, etag_of(WEIGHTS))
    await until(lambda: hub.held.is_set() and _size(begun.with_name(f"{begun.name}.incomplete")) > 900_000)
    (child,) = psutil.Process(manager.pid).children()

    manager.send_signal(signal.SIGKILL)

    await manager.wait()
    assert await asyncio.to_thread(gone, child.pid)
    hub.may_send.set()
    have = _size(begun.with_name(f"{begun.name}.incomplete"))
    assert await desk.fetch() is None
    assert hub.ranges(LARGE)[-1] == f"bytes={have}-"
    assert desk.file(LARGE).read_bytes() == WEIGHTS


MANAGER = """
import asyncio, sys
from pathlib import Path
from switchyard_manager.model_files.fetcher import Fetcher
from switchyard_manager.places import Places
from tests.manager.model_files.conftest import model_of
places = Places(Path("models.json"), Path(), "-", "-", hf_cache=Path(sys.argv[1]), hf_endpoint=sys.argv[2])
asyncio.run(Fetcher(places).fetch(1, model_of(repo=sys.argv[3]), lambda told: None))
"""


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


async def test_a_download_that_is_called_off_ends_and_keeps_what_came(
    hub: Hub, desk: Desk, until: Until
) -> None:
    hub.repo(REPO, FILES)
    hub.holds_after = 1_000_000
    hub.may_send.clear()
    async with asyncio.TaskGroup() as both:
        fetching = both.create_task(desk.fetch())
        await until(hub.held.is_set)
        await until(lambda: any(told.done_bytes > 900_000 for told in desk.told))

        desk.fetcher.call_off(1)

    assert fetching.result() is not None
    assert not psutil.Process().children()
    hub.may_send.set()
    assert await desk.fetch() is None
    assert hub.ranges(LARGE)[-1] is not None


async def test_two_models_of_one_repository_fetch_it_once(hub: Hub, desk: Desk) -> None:
    hub.repo(REPO, FILES)

    async with asyncio.TaskGroup() as both:
        fetches = [both.create_task(desk.fetch()), both.create_task(desk.fetch(context_length=1024))]

    assert [one.result() for one in fetches] == [None, None]
    assert hub.sent(LARGE) == len(WEIGHTS)


async def test_a_repository_that_has_not_changed_needs_no_byte(hub: Hub, desk: Desk) -> None:
    hub.repo(REPO, FILES)
    await desk.fetch()
    before = hub.sent()

    assert await desk.fetch(refresh=True) is None

    assert hub.sent() == before


async def test_of_one_that_has_changed_only_what_is_new_comes_and_until_then_the_old_one_serves(
    hub: Hub, desk: Desk
) -> None:
    repo = hub.repo(REPO, FILES)
    await desk.fetch()
    before, old = hub.sent(), desk.file("config.json")
    repo.push({**FILES, "config.json": '{"model_type": "newer"}'})
    hub.faults.answers = []
    assert desk.has()

    assert await desk.fetch(refresh=True) is None

    assert hub.sent() - before == len('{"model_type": "newer"}')
    assert json.loads(desk.file("config.json").read_text()) == {"model_type": "newer"}
    assert old.is_file()


async def test_while_the_new_one_is_not_whole_the_branch_stands_where_it_was(hub: Hub, desk: Desk) -> None:
    repo = hub.repo(REPO, FILES)
    await desk.fetch()
    repo.push({**FILES, LARGE: os.urandom(2_000_000)})
    hub.faults.cut_after[LARGE] = [100_000] + [0] * 20

    assert reason_of(await desk.fetch(refresh=True)) is Reason.HUB_UNREACHABLE

    assert desk.has()
    assert desk.file(LARGE).read_bytes() == WEIGHTS


async def test_a_pinned_revision_is_what_is_fetched(hub: Hub, desk: Desk) -> None:
    repo = hub.repo(REPO, FILES)
    tagged = repo.push({**FILES, "config.json": '{"tag": 1}'}, branch="v1")
    (commit,) = [one for one in repo.commits if one not in {tagged}]

    assert await desk.fetch(revision="v1") is None
    assert await desk.fetch(revision=commit) is None

    folder = desk.cache.folder(REPO)
    assert (folder / "refs" / "v1").read_text() == tagged
    assert [one.name for one in (folder / "refs").iterdir()] == ["v1"]
    assert (folder / "snapshots" / commit / "config.json").read_text() == SMALL_FILES["config.json"]
    assert desk.has(revision="v1")
    assert desk.has(revision=commit)
    assert not desk.has()


@pytest.mark.parametrize(
    ("token", "private", "gated", "reason", "says"),
    [
        ("", False, True, Reason.GATED_REPO, "accept the licence"),
        (STRANGERS, False, True, Reason.GATED_REPO, "was not given access"),
        ("", True, False, Reason.MODEL_NOT_FOUND, "if it is private, set HF_TOKEN"),
        (STRANGERS, True, False, Reason.MODEL_NOT_FOUND, "that this token may see"),
        ("hf_expired", False, False, Reason.GATED_REPO, "does not accept the token"),
    ],
)
async def test_who_may_not_have_it_is_told_what_to_do(
    hub: Hub, desk: Desk, token: str, private: bool, gated: bool, reason: Reason, says: str
) -> None:
    hub.repo(REPO, FILES, private=private, gated=gated)

    failed = await desk.but(hf_token=token).fetch()

    assert reason_of(failed) is reason
    assert failed is not None
    assert says in failed.sentence()
    assert hub.sent(LARGE) == 0


async def test_with_the_right_token_a_gated_one_comes_and_no_other_host_sees_it(hub: Hub, desk: Desk) -> None:
    hub.repo(REPO, FILES, private=True, gated=True)

    assert await desk.but(hf_token=TOKEN).fetch() is None

    assert {one.token for one in hub.asked if one.host.startswith("127.0.0.1")} == {TOKEN}
    assert {one.token for one in hub.asked if one.host.startswith("localhost")} == {None}


async def test_a_token_of_the_models_own_goes_before_the_managers(hub: Hub, desk: Desk) -> None:
    hub.repo(REPO, FILES, private=True, gated=True)

    assert await desk.but(hf_token=STRANGERS).fetch(env={"HF_TOKEN": TOKEN}) is None


@pytest.mark.parametrize(
    ("said", "says"),
    [({"repo": "org/nothing"}, "no such repository"), ({"revision": "v9"}, "no branch, tag or commit 'v9'")],
)
async def test_what_is_not_there_is_said_to_be_not_there(
    hub: Hub, desk: Desk, said: dict[str, Any], says: str
) -> None:
    hub.repo(REPO, FILES)

    failed = await desk.fetch(**said)

    assert reason_of(failed) is Reason.MODEL_NOT_FOUND
    assert failed is not None
    assert says in failed.message


async def test_a_busy_hub_is_asked_again_when_it_said(hub: Hub, desk: Desk) -> None:
    hub.repo(REPO, FILES)
    hub.faults.answers = [(429, {"Retry-After": "1"}), (503, {}), (500, {})]

    assert await desk.fetch() is None

    assert any(told.text and "answers 429" in told.text for told in desk.told)


async def test_a_hub_that_cannot_be_reached_is_said_to_be_so(desk: Desk) -> None:
    nowhere = desk.but(hf_endpoint="http://127.0.0.1:9")

    failed = await nowhere.fetch()

    assert reason_of(failed) is Reason.HUB_UNREACHABLE
    assert failed is not None
    assert "http://127.0.0.1:9" in failed.message


async def test_offline_what_is_here_does_and_what_is_not_is_refused(hub: Hub, desk: Desk) -> None:
    hub.repo(REPO, FILES)
    await desk.fetch()
    asked = len(hub.asked)
    offline = desk.but(hf_offline=True)

    assert await offline.fetch() is None
    refused = await offline.fetch(repo="org/other")

    assert reason_of(refused) is Reason.HUB_UNREACHABLE
    assert refused is not None
    assert "HF_HUB_OFFLINE" in refused.message
    assert len(hub.asked) == asked


async def test_what_somebody_else_downloaded_whole_is_taken_where_the_hub_is_away(hub: Hub, desk: Desk) -> None:
    hub.repo(REPO, FILES)
    await desk.fetch()
    (mark,) = (desk.cache.folder(REPO) / ".switchyard").iterdir()
    mark.unlink()
    assert not desk.has()

    assert await desk.but(hf_endpoint="http://127.0.0.1:9").fetch() is None

    assert desk.has()


async def test_what_would_not_fit_on_the_disk_is_not_begun(hub: Hub, small_disk: Desk) -> None:
    hub.repo(REPO, {**FILES, LARGE: os.urandom(9_000_000)})

    failed = await small_disk.fetch()

    assert reason_of(failed) is Reason.DISK_FULL
    assert failed is not None
    assert "9.0 MB are missing" in failed.message
    assert hub.sent(LARGE) == 0


async def test_a_disk_that_fills_meanwhile_ends_the_download_and_says_so(hub: Hub, small_disk: Desk) -> None:
    hub.repo(REPO, {**FILES, LARGE: os.urandom(5_000_000)})
    hub.repo("org/other", {**FILES, LARGE: os.urandom(5_000_000)})

    async with asyncio.TaskGroup() as both:
        fetches = [both.create_task(small_disk.fetch()), both.create_task(small_disk.fetch(repo="org/other"))]

    failed = [one.result() for one in fetches if one.result() is not None]
    assert failed  # both, if they came to the last byte of the disk together
    assert {reason_of(one) for one in failed} == {Reason.DISK_FULL}


async def test_a_cache_that_cannot_be_written_is_named(hub: Hub, desk: Desk, tmp_path: Path) -> None:
    hub.repo(REPO, FILES)
    (tmp_path / "file").write_text("in the way")

    failed = await desk.but(hf_cache=tmp_path / "file").fetch()

    assert reason_of(failed) is Reason.RUNTIME_UNAVAILABLE
    assert failed is not None
    assert "SWITCHYARD_HF_CACHE" in failed.advice


async def test_a_folder_that_is_not_there_is_refused_before_anything_starts(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()

    assert await desk.fetch(repo=None, path="weights") is None
    failed = await desk.fetch(repo=None, path="elsewhere")

    assert reason_of(failed) is Reason.MODEL_NOT_FOUND
    assert desk.has(repo=None, path="weights")
    assert not desk.has(repo=None, path="elsewhere")


async def test_a_tokenizer_of_another_repository_comes_without_its_weights(hub: Hub, desk: Desk) -> None:
    hub.repo(REPO, FILES)
    hub.repo("org/words", FILES)

    assert await desk.fetch(engine_args={"tokenizer": "org/words"}) is None

    assert desk.names("org/words") == set(SMALL_FILES)


async def test_a_name_that_is_no_repository_may_be_a_folder_of_the_engines(hub: Hub, desk: Desk) -> None:
    hub.repo(REPO, FILES)

    assert await desk.fetch(engine_args={"tokenizer": "mounted/words"}) is None


async def test_code_that_a_configuration_names_elsewhere_belongs_to_it(hub: Hub, desk: Desk) -> None:
    config = '{"auto_map": {"AutoConfig": "org/code--configuration.Tiny"}}'
    hub.repo(REPO, {**FILES, "config.json": config})
    hub.repo("org/code", {"configuration.py": "class Tiny: ...", "model.safetensors": WEIGHTS})

    await desk.fetch()
    assert not desk.cache.folder("org/code").exists()
    assert await desk.fetch(engine_args={"trust_remote_code": True}, refresh=True) is None

    assert desk.names("org/code") == {"configuration.py"}


async def test_a_program_that_ends_by_itself_is_said_to_have(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetcher_of, "COMMAND", (sys.executable, "-c", "raise SystemExit('out of luck')"))

    failed = await desk.fetch()

    assert reason_of(failed) is Reason.RUNTIME_UNAVAILABLE
    assert failed is not None
    assert "out of luck" in failed.message


async def test_very_large_files_come_by_the_hubs_own_library(hub: Hub, desk: Desk, tmp_path: Path) -> None:
    """The Hub does not hand those out over plain HTTP. Here the limit is low, and the library falls back."""
    hub.repo(REPO, FILES)
    program = tmp_path / "child.py"
    program.write_text(
        "from switchyard_manager.model_files import child, fetching\n"
        "fetching.PLAIN_HTTP_LIMIT = 1_000_000\nchild.main()\n"
    )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fetcher_of, "COMMAND", (sys.executable, str(program)))
        assert await desk.fetch() is None

    assert desk.file(LARGE).read_bytes() == WEIGHTS


def test_the_managers_own_process_never_loads_the_hubs_library() -> None:
    program = "import sys, switchyard_manager.app; print('huggingface_hub' in sys.modules)"

    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert said.stdout.strip() == "False"


# A hub that lies, or what stands between it and us


async def test_a_part_that_is_not_the_one_asked_for_is_not_taken_for_it(hub: Hub, desk: Desk) -> None:
    hub.repo(REPO, FILES)
    whole = len(WEIGHTS)
    hub.faults.cut_after[LARGE] = [1_000_000, whole, 1_000_000]
    hub.faults.other_parts = 2

    assert await desk.fetch() is None

    assert desk.file(LARGE).read_bytes() == WEIGHTS
    assert hub.ranges(LARGE) == [None, "bytes=1000000-"] * 2 + [None]
    assert desk.told[-1].done_bytes == desk.told[-1].total_bytes


async def test_no_more_of_a_file_is_taken_than_was_announced(hub: Hub, desk: Desk) -> None:
    hub.repo(REPO, FILES)
    hub.faults.endless = {LARGE}

    failed = await desk.fetch()

    assert reason_of(failed) is Reason.HUB_UNREACHABLE
    assert failed is not None
    assert "other bytes than it announced, 2 times" in failed.message
    assert hub.sent(LARGE) < 20 * len(WEIGHTS)  # what was on its way when we had heard enough counts, too


async def test_bytes_that_are_always_others_are_not_fetched_for_ever(hub: Hub, desk: Desk) -> None:
    hub.repo(REPO, FILES)
    hub.faults.corrupt = {LARGE: 100}

    failed = await desk.fetch()

    assert reason_of(failed) is Reason.HUB_UNREACHABLE
    assert failed is not None
    assert "a proxy, a mirror" in failed.advice
    assert len(hub.ranges(LARGE)) == 2


async def test_a_server_that_begins_anew_each_time_and_gets_no_further_is_given_up(
    hub: Hub, desk: Desk
) -> None:
    hub.repo(REPO, FILES)
    hub.faults.cut_after[LARGE] = [1_000_000] * 100
    hub.faults.no_ranges = True

    assert reason_of(await desk.fetch()) is Reason.HUB_UNREACHABLE

    assert len(hub.ranges(LARGE)) == 6


async def test_a_file_that_is_shorter_than_announced_is_given_up(hub: Hub, desk: Desk) -> None:
    def lie(said: dict[str, Any]) -> None:
        (large,) = [one for one in said["siblings"] if one["rfilename"] == LARGE]
        large["size"] = large["lfs"]["size"] = len(WEIGHTS) + 1

    hub.repo(REPO, FILES)
    hub.faults.listed = lie

    assert reason_of(await desk.fetch()) is Reason.HUB_UNREACHABLE

    assert not desk.has()


async def test_an_adapter_without_weights_is_told_before_anything_starts(hub: Hub, desk: Desk) -> None:
    hub.repo(REPO, FILES)
    hub.repo("org/adapter", SMALL_FILES)

    failed = await desk.fetch(variants={"v": {"lora": {"repo": "org/adapter"}}})

    assert reason_of(failed) is Reason.MODEL_NOT_FOUND
    assert failed is not None
    assert "org/adapter: it holds no weights" in failed.message


# The cache


async def test_a_file_that_a_disk_has_cut_is_fetched_again(hub: Hub, desk: Desk) -> None:
    hub.repo(REPO, FILES)
    await desk.fetch()
    desk.cache.blob(REPO, etag_of(WEIGHTS)).write_bytes(WEIGHTS[:1000])
    assert not desk.has()

    assert await desk.fetch() is None

    assert desk.has()
    assert desk.file(LARGE).read_bytes() == WEIGHTS


async def test_a_lock_that_cannot_be_made_names_the_folder(hub: Hub, desk: Desk) -> None:
    hub.repo(REPO, FILES)
    desk.cache.make()
    (desk.places.hub / ".locks").write_text("in the way")

    failed = await desk.fetch()

    assert reason_of(failed) is Reason.RUNTIME_UNAVAILABLE
    assert failed is not None
    assert "SWITCHYARD_HF_CACHE" in failed.advice


async def test_one_that_cannot_be_written_below_names_the_folder(hub: Hub, desk: Desk) -> None:
    hub.repo(REPO, FILES)
    folder = desk.cache.folder(REPO)
    folder.mkdir(parents=True)
    (folder / "blobs").write_text("in the way")

    failed = await desk.fetch()

    assert reason_of(failed) is Reason.RUNTIME_UNAVAILABLE
    assert failed is not None
    assert "cannot write to" in failed.message
