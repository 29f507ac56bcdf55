"""What a model's files tell before it is added: its type, how much memory it may take.

From a folder, or from the Hub if it can be reached. Never an error: `unknown` tells what could not
be found out.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import httpx

from switchyard_contracts.catalog import ModelType
from switchyard_manager.engines.estimate import FORMATS, VARIANT, Estimate, estimate_mib, weights_bytes
from switchyard_manager.settings import Settings

HUB = "https://huggingface.co"
ANSWER_WITHIN_S = 10.0
PIPELINE, CONFIG = "model_index.json", "config.json"
NOT_FOR_YOU = frozenset({401, 403})
NOT_THERE = 404


@dataclass(frozen=True, slots=True)
class WeightsFacts:
    config: Mapping[str, Any] | None = None
    bytes: int = 0
    unknown: str = ""  # why there is no config

    @property
    def type(self) -> ModelType | None:
        if self.config is None:
            return None
        if "_class_name" in self.config:
            return ModelType.IMAGE
        sees = any(key in self.config for key in ("vision_config", "visual", "thinker_config"))
        return ModelType.VISION if sees else ModelType.TEXT

    def estimate(self, context: int | None) -> Estimate | None:
        if self.config is None or not self.bytes:
            return None
        return estimate_mib(self.config, self.bytes, context)


def of_folder(folder: Path) -> WeightsFacts:
    """Blocking."""
    if not folder.is_dir():
        return WeightsFacts(unknown=f"there is no folder {folder}")
    for name in (PIPELINE, CONFIG):
        try:
            config = json.loads((folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(config, dict):
            return WeightsFacts(config, weights_bytes(folder))
    return WeightsFacts(unknown=f"{folder} holds neither {CONFIG} nor {PIPELINE}")


def of_repo(repo: str, revision: str | None, settings: Settings) -> WeightsFacts:
    """Blocking. Asks for the list of files and one small file of it, and downloads no weights."""
    if settings.hf_offline:
        return WeightsFacts(unknown="HF_HUB_OFFLINE keeps from asking the Hub")
    hub = os.environ.get("HF_ENDPOINT") or HUB
    token = _token(settings)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    at = revision or "main"
    try:
        with httpx.Client(
            base_url=hub, headers=headers, timeout=ANSWER_WITHIN_S, follow_redirects=True
        ) as http:
            listed = http.get(f"/api/models/{repo}/revision/{at}", params={"blobs": "true"})
            listed.raise_for_status()
            sizes = _sizes(listed.json())
            name = PIPELINE if PIPELINE in sizes else CONFIG
            said = http.get(f"/{repo}/resolve/{at}/{name}")
            said.raise_for_status()
            config = said.json()
    except httpx.HTTPStatusError as error:
        return WeightsFacts(unknown=_refusal(repo, hub, error.response.status_code))
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError) as error:
        return WeightsFacts(unknown=f"cannot ask {hub} ({type(error).__name__})")
    if not isinstance(config, dict):
        return WeightsFacts(unknown=f"{repo} has a {name} of another shape")
    return WeightsFacts(config, sum(sizes[file] for file in _loaded(sizes, config)))


def _refusal(repo: str, hub: str, status: int) -> str:
    if status in NOT_FOR_YOU:
        return f"{hub} does not show {repo}: it is gated, private, or not there; see its page, and set HF_TOKEN"
    if status == NOT_THERE:
        return f"{hub} has no {repo} with a {CONFIG}"
    return f"{hub} answered {status}"


def _token(settings: Settings) -> str:
    if settings.hf_token_file is None:
        return settings.hf_token
    try:
        return settings.hf_token_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError):
        return ""


def _sizes(said: Mapping[str, Any]) -> dict[str, int]:
    return {file["rfilename"]: int(file.get("size") or 0) for file in said["siblings"]}


def _loaded(files: Mapping[str, int], config: Mapping[str, Any]) -> Iterator[str]:
    """Those that an engine would load, as `estimate.weights_bytes` finds them in a folder."""
    parts = [name for name, made_by in config.items() if isinstance(made_by, list) and any(made_by)]
    for part in ("", *parts) if "_class_name" in config else ("",):
        here = [name for name in files if (name.rpartition("/")[0]) == part]
        for pattern in FORMATS:
            found = [name for name in here if _is_weights(name.rpartition("/")[2], pattern)]
            if found:
                yield from [name for name in found if not VARIANT.search(name)] or found
                break


def _is_weights(name: str, pattern: str) -> bool:
    return fnmatch(name, pattern) and not name.startswith("consolidated")
