"""The Hugging Face Hub's API: what a repository holds, and why it may not be had. The one module that knows it.

Only the child process imports this. The bytes themselves are `transfer`'s: the Hub's own library begins a file
that broke off from its start again.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from huggingface_hub import HfApi, hf_hub_download, hf_hub_url
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled
from huggingface_hub.utils import build_hf_headers, tqdm

from switchyard_contracts.errors import Reason
from switchyard_manager.model_files.cache import COMMIT, is_plain
from switchyard_manager.model_files.job import failure
from switchyard_manager.model_files.needs import Need
from switchyard_manager.model_files.transfer import Broken, FetchFailed, Remote, disk_failure

ANSWER_WITHIN_S = 20.0
LARGE_HASH, SMALL_HASH = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-f]{40}")
NO_HUBS = (
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
)  # what its library makes of a page that logs people in


@dataclass(frozen=True, slots=True)
class Listing:
    commit: str
    files: Mapping[str, Remote]


class Hub:
    def __init__(self, endpoint: str, token: str) -> None:
        self.endpoint = endpoint
        self._token: str | bool = token or False
        self._api = HfApi(endpoint=endpoint, token=self._token, library_name="switchyard")

    @property
    def headers(self) -> dict[str, str]:
        return dict(build_hf_headers(token=self._token, library_name="switchyard"))

    def listing(self, need: Need) -> Listing:
        """Raises `FetchFailed` where asking again would not help, `Broken` where it may."""
        if not is_plain(need.branch):
            raise self.refusal(need, 404, {"X-Error-Code": "RevisionNotFound"})
        try:
            found = self._api.model_info(
                need.repo, revision=need.branch, files_metadata=True, timeout=ANSWER_WITHIN_S
            )
        except (HfHubHTTPError, HFValidationError, httpx2.HTTPError, OfflineModeIsEnabled, OSError) as error:
            raise self._translated(error, need) from error
        except NO_HUBS as error:
            raise Broken(f"{self.endpoint} does not answer as a Hub does ({_first_line(error)})") from error
        if found.sha is None or not COMMIT.fullmatch(found.sha):
            raise self._strange(need, f"the commit {found.sha!r}")
        files = {file.rfilename: self._remote(need, found.sha, file) for file in found.siblings or ()}
        return Listing(found.sha, files)

    def _remote(self, need: Need, commit: str, file: Any) -> Remote:
        """Names and hashes become paths of this machine: they look as the Hub's do, or nothing is taken."""
        is_large = file.lfs is not None
        etag = file.lfs["sha256"] if is_large else file.blob_id
        if etag is None or file.size is None:
            raise Broken(f"{self.endpoint} does not tell the size of {file.rfilename}")
        if not is_plain(file.rfilename):
            raise self._strange(need, f"a file {file.rfilename!r}")
        if not (LARGE_HASH if is_large else SMALL_HASH).fullmatch(etag) or file.size < 0:
            raise self._strange(need, f"{file.rfilename} with the hash {etag!r} and {file.size} bytes")
        return Remote(self._url(need, commit, file.rfilename), etag, file.size, is_large)

    def _strange(self, need: Need, what: str) -> FetchFailed:
        said = f"cannot download {need.repo}: {self.endpoint} tells of {what[:200]}, which no Hub does"
        return _never(
            Reason.HUB_UNREACHABLE, said, "see that HF_ENDPOINT is a Hub, or a mirror, that you trust"
        )

    def fetch_with_its_own_library(
        self, need: Need, commit: str, name: str, cache: Path, tell: Callable[[int], None]
    ) -> None:
        """For what the Hub does not hand out over plain HTTP: files of more than 50 GB."""
        try:
            hf_hub_download(
                need.repo,
                name,
                revision=commit,
                cache_dir=cache,
                token=self._token,
                endpoint=self.endpoint,
                library_name="switchyard",
                tqdm_class=_bar(tell),
            )
        except OSError as error:
            if isinstance(error, (HfHubHTTPError, httpx2.HTTPError)) or error.errno is None:
                raise self._translated(error, need) from error
            raise FetchFailed(disk_failure(error, cache)) from error
        except (httpx2.HTTPError, RuntimeError, ValueError) as error:  # Xet's own are of the last two
            raise self._translated(error, need) from error

    def _url(self, need: Need, commit: str | None, name: str) -> str:
        return str(hf_hub_url(need.repo, name, revision=commit, endpoint=self.endpoint))

    def _translated(self, error: Exception, need: Need) -> FetchFailed | Broken:
        match error:
            case HfHubHTTPError():
                return self.refusal(need, error.response.status_code, error.response.headers)
            case HFValidationError():
                said = f"cannot download {need.repo}: {error}"
                return _never(Reason.MODEL_NOT_FOUND, said, 'write `repo` as "owner/name"')
            case _:
                return Broken(f"{self.endpoint} cannot be reached ({_first_line(error)})")

    def refusal(self, need: Need, status: int, headers: Mapping[str, str]) -> FetchFailed | Broken:
        """What an answer means that is not what was asked for."""
        cannot = f"cannot download {need.repo}"
        message = headers.get("X-Error-Message") or ""
        match headers.get("X-Error-Code"), status:
            case "GatedRepo", _:
                return self._gated(need)
            case "RevisionNotFound", _:
                said = f"{cannot}: it has no branch, tag or commit {need.branch!r}"
                return _never(Reason.MODEL_NOT_FOUND, said, "check `revision` of this model in models.json")
            case "EntryNotFound", _:
                said = f"{cannot}: a file of it is gone"
                return _never(Reason.MODEL_NOT_FOUND, said, "try again: the repository has changed")
            case _, 401 if "Invalid credentials" in message:
                said = f"{cannot}: {self.endpoint} does not accept the token"
                advice = "make a new one on the Hub (Settings, Access Tokens) and give it as HF_TOKEN"
                return _never(Reason.GATED_REPO, said, advice)
            case ("RepoNotFound", _) | (_, 401 | 404):
                return self._no_such(need)
            case _, 403:
                said = f"{cannot}: {message or 'the token may not read it'}"
                advice = "give HF_TOKEN a token that may read this repository, or choose another one"
                return _never(Reason.GATED_REPO, said, advice)
            case _, 400 | 410:
                said = f"{cannot}: {self.endpoint} answers {status} {message}".strip()
                return _never(Reason.MODEL_NOT_FOUND, said, "check `repo` and `revision` in models.json")
            case _:
                return Broken.of_reply(self.endpoint, status, headers)

    def _gated(self, need: Need) -> FetchFailed:
        said = f"cannot download {need.repo}: it is gated, and "
        if self._token:
            said += "the account of this token was not given access to it"
        else:
            said += "there is no token of an account that has accepted its licence"
        page = f"{self.endpoint}/{need.repo}"
        advice = f"accept the licence on {page}, and set HF_TOKEN to a token of that account"
        return _never(Reason.GATED_REPO, said, advice)

    def _no_such(self, need: Need) -> FetchFailed:
        said = f"cannot download {need.repo}: there is no such repository on {self.endpoint}"
        if self._token:
            said += " that this token may see"
        advice = (
            "check `repo` of this model in models.json; if it is private, set HF_TOKEN to one that may read it"
        )
        return _never(Reason.MODEL_NOT_FOUND, said, advice)


def _bar(tell: Callable[[int], None]) -> type[tqdm]:
    """Where the Hub's library would draw, it tells."""

    class Bar(tqdm):  # type: ignore[misc]
        def __init__(self, *args: Any, **said: Any) -> None:
            super().__init__(*args, **{**said, "disable": True})

        def update(self, n: float | None = 1) -> bool | None:
            tell(int(n or 0))
            return None

        def update_transfer(self, _: float | None = 1) -> None:
            tell(0)  # what came over the network is not in the file yet

        def set_transfer_postfix_str(self, *_: Any, **__: Any) -> None:
            pass

    return Bar


def _never(reason: Reason, message: str, advice: str) -> FetchFailed:
    return FetchFailed(failure(reason, message, advice))


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
