"""What end-to-end tests share of vLLM: made once for all of them. tests/e2e/conftest.py brings it in."""

import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.vllm_on_cpu import image, tiny_model
from tests.vllm_on_cpu.environment import forked_command, what_is_missing
from tests.vllm_on_cpu.tiny_model import Tiny

MakeTiny = Callable[[Tiny], Path]


@pytest.fixture(scope="session")
def vllm_is_here() -> None:
    if missing := what_is_missing():
        pytest.skip(missing)


@pytest.fixture(scope="session")
def vllm_command(vllm_is_here: None, tmp_path_factory: pytest.TempPathFactory) -> str:
    """For SWITCHYARD_VLLM: real vLLM, which starts in ten seconds."""
    return str(forked_command(tmp_path_factory.mktemp("vllm-command")))


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> MakeTiny:
    """Each model is made once; its folder is for reading."""
    folder = tmp_path_factory.mktemp("tiny-models")

    def make(wanted: Tiny) -> Path:
        place = folder / wanted.name
        return place if place.exists() else tiny_model.make(place, wanted)

    return make


@pytest.fixture(scope="session")
def vllm_image(vllm_is_here: None) -> Iterator[str]:
    """For SWITCHYARD_VLLM_IMAGE. Two gigabytes, while the tests run."""
    if shutil.which("docker") is None:
        pytest.skip("Docker is not installed")
    asked = subprocess.run(["docker", "version"], capture_output=True, text=True, timeout=30, check=False)
    if asked.returncode != 0:
        pytest.skip(f"no Docker Engine answers: {asked.stderr.strip()}")
    name = image.make(f"switchyard-test-{uuid.uuid4().hex[:12]}:vllm")
    yield name
    subprocess.run(["docker", "image", "rm", "--force", name], capture_output=True, timeout=120, check=True)
