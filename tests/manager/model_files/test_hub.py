"""What the Hub tells of a repository, and that nothing is believed which no Hub says."""

from collections.abc import Callable
from typing import Any

import pytest

from switchyard_contracts.errors import Reason
from switchyard_manager.model_files.hub import Hub as OurHub
from switchyard_manager.model_files.needs import Need
from switchyard_manager.model_files.transfer import Broken, FetchFailed
from tests.manager.model_files.conftest import FILES, REPO, WEIGHTS
from tests.manager.model_files.hub import Hub, etag_of

NEED = Need(REPO)


def failure_of(hub: Hub, need: Need = NEED) -> FetchFailed:
    with pytest.raises(FetchFailed) as refused:
        OurHub(hub.url, "").listing(need)
    return refused.value


def test_a_list_tells_the_commit_and_of_each_file_its_hash_and_size(hub: Hub) -> None:
    repo = hub.repo(REPO, FILES)

    listing = OurHub(hub.url, "").listing(NEED)

    assert listing.commit == repo.branches["main"]
    assert set(listing.files) == set(FILES)
    large = listing.files["model.safetensors"]
    assert (large.etag, large.size, large.is_large) == (etag_of(WEIGHTS), len(WEIGHTS), True)


@pytest.mark.parametrize(
    "name",
    ["../../../outside.json", "/etc/outside.json", "a/../../../../x.json", "a//b.json", "..", "", "a\0.json"],
)
def test_a_name_that_leads_out_of_the_cache_is_refused(hub: Hub, name: str) -> None:
    hub.repo(REPO, {**FILES, name: "{}"})

    refused = failure_of(hub)

    assert refused.failure.reason is Reason.HUB_UNREACHABLE
    assert "HF_ENDPOINT" in refused.failure.advice


def _another_commit(said: dict[str, Any]) -> None:
    said["sha"] = "../../../../x"


def _no_commit(said: dict[str, Any]) -> None:
    said["sha"] = None


def _hash_with_a_way(said: dict[str, Any]) -> None:
    said["siblings"][0]["blobId"] = "../../x"


def _large_hash_with_a_way(said: dict[str, Any]) -> None:
    said["siblings"][-1]["lfs"]["sha256"] = "../" * 20 + "aaaa"


def _less_than_nothing(said: dict[str, Any]) -> None:
    said["siblings"][0]["size"] = -5


@pytest.mark.parametrize(
    "lie", [_another_commit, _no_commit, _hash_with_a_way, _large_hash_with_a_way, _less_than_nothing]
)
def test_what_no_hub_says_is_not_believed(hub: Hub, lie: Callable[[dict[str, Any]], None]) -> None:
    hub.repo(REPO, FILES)
    hub.faults.listed = lie

    refused = failure_of(hub)

    assert refused.failure.reason is Reason.HUB_UNREACHABLE
    assert "which no Hub does" in refused.failure.message


def _without_hash(said: dict[str, Any]) -> None:
    del said["siblings"][-1]["lfs"]["sha256"]


def _without_size(said: dict[str, Any]) -> None:
    del said["siblings"][0]["size"]


@pytest.mark.parametrize("lie", [_without_hash, _without_size])
def test_a_list_that_lacks_something_may_be_whole_later(
    hub: Hub, lie: Callable[[dict[str, Any]], None]
) -> None:
    hub.repo(REPO, FILES)
    hub.faults.listed = lie

    with pytest.raises(Broken):
        OurHub(hub.url, "").listing(NEED)


@pytest.mark.parametrize("page", [b"<html>sign in</html>", b"[]", b"null", b'{"id": "a/b", "siblings": 5}'])
def test_a_page_that_wants_people_to_sign_in_is_no_answer_of_the_hub(hub: Hub, page: bytes) -> None:
    hub.repo(REPO, FILES)
    hub.faults.page = page

    with pytest.raises(Broken):
        OurHub(hub.url, "").listing(NEED)


@pytest.mark.parametrize("revision", ["../../x", "/x", "a/../b", "a//b"])
def test_a_revision_that_leads_elsewhere_is_none(hub: Hub, revision: str) -> None:
    hub.repo(REPO, FILES)

    refused = failure_of(hub, Need(REPO, revision))

    assert refused.failure.reason is Reason.MODEL_NOT_FOUND
    assert hub.asked == []
