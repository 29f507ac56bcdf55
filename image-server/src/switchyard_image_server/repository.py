"""Fetch what a repository holds: the two small files that tell what it is, and then all of it."""

from pathlib import Path

from huggingface_hub import hf_hub_download, snapshot_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
)

from switchyard_image_server.errors import StartCode, StartFailure
from switchyard_image_server.identity import CONFIG_FILE, PIPELINE_FILE, Identity, identify

WANTED = ["*.json", "*.safetensors", "*.txt", "*.jinja", "*.model"]
UNWANTED = ["original/*", "consolidated*", "onnx/*"]


def identify_repository(repo: str, revision: str | None = None) -> Identity:
    texts: dict[str, str | None] = {}
    unreachable = False
    for file in (PIPELINE_FILE, CONFIG_FILE):
        try:
            texts[file] = Path(hf_hub_download(repo, file, revision=revision)).read_text(encoding="utf-8")
        except GatedRepoError:
            raise StartFailure(
                StartCode.GATED_REPO,
                f"cannot load {repo}: its owner asks you to accept a licence first; do so on its page, and "
                "set HF_TOKEN",
            ) from None
        except (RepositoryNotFoundError, HFValidationError):
            raise StartFailure(
                StartCode.MODEL_NOT_FOUND,
                f"cannot load {repo}: there is no such folder here and no such repository",
            ) from None
        except LocalEntryNotFoundError:
            unreachable = True
        except EntryNotFoundError:
            texts[file] = None
    if unreachable and not any(texts.values()):
        raise StartFailure(
            StartCode.MODEL_NOT_FOUND,
            f"cannot load {repo}: it is not a folder here, not in the local cache, and the hub cannot be "
            "reached",
        )
    return identify(repo, texts.get(PIPELINE_FILE), texts.get(CONFIG_FILE))


def fetch_language_model(repo: str, revision: str | None = None) -> Path:
    """The folder in the local cache that holds all of it. Diffusers fetches pipelines by itself."""
    return Path(snapshot_download(repo, revision=revision, allow_patterns=WANTED, ignore_patterns=UNWANTED))
