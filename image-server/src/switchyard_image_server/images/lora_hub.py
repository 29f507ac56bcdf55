"""Fetch a LoRA of the operator's from its repository. Requests never come here."""

from pathlib import Path

from huggingface_hub import HfApi, hf_hub_download, snapshot_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HFValidationError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)

from switchyard_image_server.errors import StartCode, StartFailure, brief
from switchyard_image_server.images.lora_names import ENDING
from switchyard_image_server.images.lora_sources import failure, only_one
from switchyard_image_server.settings import NamedLora


def fetch(repo: str, inside: str, lora: NamedLora) -> Path:
    """`inside` names the file; without it there must be only one to mean."""
    try:
        if not inside:
            inside = only_one([name for name in _names(repo) if name.endswith(ENDING)], lora)
        return Path(hf_hub_download(repo, inside))
    except GatedRepoError:
        raise StartFailure(
            StartCode.GATED_REPO,
            f"cannot load the LoRA {lora.name}: the owner of {repo} asks you to accept a licence first; do so "
            "on its page, and set HF_TOKEN",
        ) from None
    except (RepositoryNotFoundError, EntryNotFoundError, HFValidationError):
        raise failure(lora, "there is no such file here, and none on the hub that can be reached") from None
    except OSError as error:
        raise failure(lora, f"the hub cannot be asked ({brief(error)})") from None


def _names(repo: str) -> list[str]:
    """Of its files; where the hub may not be asked, of those that are here."""
    try:
        return list(HfApi().list_repo_files(repo))
    except OfflineModeIsEnabled:
        folder = Path(snapshot_download(repo))
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
