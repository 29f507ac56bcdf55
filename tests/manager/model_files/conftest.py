"""A hub on loopback, and a manager's fetcher with a cache of its own."""

import asyncio
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from switchyard_contracts.catalog import Model
from switchyard_contracts.status import Failure
from switchyard_manager.model_files import fetcher as fetcher_of
from switchyard_manager.model_files.cache import Cache
from switchyard_manager.model_files.fetcher import Fetcher
from switchyard_manager.model_files.job import Told
from switchyard_manager.model_files.looking import is_here
from switchyard_manager.places import Places
from tests.manager.conftest import catalog_of
from tests.manager.model_files.hub import Hub

REPO = "org/model"
WEIGHTS = os.urandom(3_000_000)
SMALL_FILES = {"config.json": '{"model_type": "tiny"}', "tokenizer.json": "{}"}
FILES: dict[str, bytes | str] = {**SMALL_FILES, "model.safetensors": WEIGHTS}


def model_of(**said: Any) -> Model:
    fields = {"path": None, "repo": REPO, **said}
    return catalog_of(m=fields).models["m"]


@dataclass
class Desk:
    """Asks for one model's files, as the manager does."""

    places: Places
    told: list[Told] = field(default_factory=list)
    number: int = 0

    def __post_init__(self) -> None:
        self.fetcher = Fetcher(self.places, pause_s=0.01)

    @property
    def cache(self) -> Cache:
        return Cache(self.places.hub)

    async def fetch(self, *, refresh: bool = False, **said: Any) -> Failure | None:
        self.number += 1
        return await self.fetcher.fetch(self.number, model_of(**said), self.told.append, refresh=refresh)

    def has(self, **said: Any) -> bool:
        return is_here(model_of(**said), self.places)

    def file(self, name: str, repo: str = REPO) -> Path:
        """As an engine finds it: by the branch."""
        folder = self.cache.folder(repo)
        return folder / "snapshots" / (folder / "refs" / "main").read_text() / name

    def names(self, repo: str = REPO) -> set[str]:
        folder = self.file("", repo)
        return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}

    def but(self, **changed: Any) -> "Desk":
        return Desk(replace(self.places, **changed))


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub().running() as running:
        yield running


@pytest.fixture
def desk(hub: Hub, tmp_path: Path) -> Desk:
    places = Places(tmp_path / "models.json", tmp_path, "-", "-", hf_cache=tmp_path / "hf", hf_endpoint=hub.url)
    return Desk(places)


@pytest.fixture
def small_disk(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """Its cache is on a disk of 8 MB, which is there in a namespace of this test's own: it needs no rights."""
    place = tmp_path / "small"
    place.mkdir()
    ready = tmp_path / "ready"
    script = f"mount -t tmpfs -o size=8m tmpfs {place} && touch {ready} && sleep 600"
    holder = subprocess.Popen(["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script])
    deadline = time.monotonic() + 20
    while not ready.exists():
        assert holder.poll() is None
        assert time.monotonic() < deadline
    inside = ("nsenter", f"--target={holder.pid}", "--user", "--mount", "--preserve-credentials")
    monkeypatch.setattr(fetcher_of, "COMMAND", (*inside, *fetcher_of.COMMAND))
    yield desk.but(hf_cache=place)
    holder.kill()
    holder.wait()


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], Any]:
    async def until(true: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not true():
                await asyncio.sleep(0.01)

    return until
