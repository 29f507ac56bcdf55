"""`pull` and `models`, against a manager that downloads from a hub on loopback."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from switchyard_contracts.catalog import Engine
from switchyard_manager import app as manager_app
from tests.manager.cli.conftest import Served
from tests.manager.conftest import ScriptedAdapter
from tests.manager.model_files.hub import Hub

WEIGHTS = os.urandom(2_000_000)
FILES: dict[str, bytes | str] = {"config.json": "{}", "model.safetensors": WEIGHTS}
CATALOG = """{"models": {
  "chat": {"type": "text", "engine": "vllm", "repo": "org/chat", "gpus": 0, "aliases": ["gpt"]},
  "gated": {"type": "text", "engine": "vllm", "repo": "org/gated", "gpus": 0}
}}"""


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub().running() as running:
        running.repo("org/chat", FILES)
        running.repo("org/gated", FILES, gated=True)
        yield running


@pytest.fixture
def downloads(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setattr(manager_app, "ADAPTERS", dict.fromkeys(Engine, ScriptedAdapter()))
    served = Served(tmp_path)
    served.env |= {"HF_HUB_OFFLINE": "0", "HF_ENDPOINT": hub.url, "SWITCHYARD_HF_CACHE": str(tmp_path / "hf")}
    served.catalog.write_text(CATALOG)
    served.start_manager()
    yield served
    served.end_commands()
    served.stop_manager()


def test_a_model_is_downloaded_shown_loaded_and_removed(downloads: Served, hub: Hub) -> None:
    pulled = downloads.run("pull", "gpt")
    again = downloads.run("pull", "chat", "--json")
    shown = downloads.run("models")

    assert (pulled.code, pulled.out.splitlines()[-1]) == (0, "chat is here")
    assert hub.sent("model.safetensors") == len(WEIGHTS)
    assert again.json[0]["files"]["at"] == "here"
    assert "org/chat" in shown.out
    assert "2.0 MB taken" in " ".join(shown.out.split())  # a long path is wrapped

    assert downloads.run("load", "chat").code == 0
    busy = downloads.run("models", "rm", "chat")
    assert "unload it first" in busy.err
    downloads.run("unload", "chat")
    downloads.until("status", shows="stopped")
    removed = downloads.until("models", "rm", "chat", shows="2.0 MB are free again")
    assert removed.code == 0
    assert downloads.run("models", "--json").json["repositories"] == []


def test_what_may_not_be_had_is_said_with_what_to_do(downloads: Served) -> None:
    refused = downloads.run("pull", "gated")

    assert refused.code == 1
    assert "accept the licence on " in refused.err
    assert "gated_repo" in downloads.run("status").out


def test_a_load_has_the_files_fetched_first(downloads: Served) -> None:
    loaded = downloads.run("load", "chat")

    assert loaded.code == 0
    assert "chat is ready" in loaded.out


def test_what_is_no_command_of_models_is_told(downloads: Served) -> None:
    refused = downloads.run("models", "remove", "chat")

    assert refused.code == 1
    assert "switchyard models rm NAME" in refused.err
