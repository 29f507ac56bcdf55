"""Fetch a LoRA of the operator's from its repository. Requests never come here."""

from pathlib import Path

from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HFValidationError,
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
            found = [name for name in HfApi().list_repo_files(repo) if name.endswith(ENDING)]
            inside = only_one(found, lora)
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
