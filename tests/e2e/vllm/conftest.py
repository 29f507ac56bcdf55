"""One installation with real vLLM as a process, for every test of it: a start takes ten seconds."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Yard
from tests.vllm_on_cpu.fixtures import MakeTiny
from tests.vllm_on_cpu.models import CARD, THINKING, TOOLS, card, embeddings_model, text_model
from tests.vllm_on_cpu.tiny_model import Tiny

THINKER, WORDS, EYES, LATE = "tiny-thinker", "tiny-words", "tiny-eyes", "tiny-late"


@pytest.fixture(scope="session")
def thinker(tiny: MakeTiny) -> Path:
    return tiny(Tiny(THINKER, thinks=True))


@pytest.fixture(scope="module")
def vllm_yard(
    tmp_path_factory: pytest.TempPathFactory, demo: Path, vllm_command: str, tiny: MakeTiny, thinker: Path
) -> Iterator[Yard]:
    folder = tmp_path_factory.mktemp("vllm-yard") / "y"
    yard = Yard(folder, demo, settings={"SWITCHYARD_VLLM": vllm_command, "SWITCHYARD_RUNTIME": "process"})
    models = {
        THINKER: text_model(thinker, TOOLS, THINKING, gpus=[CARD], vram_mib=4000),
        WORDS: embeddings_model(tiny(Tiny(WORDS, scripted=False))),
        EYES: text_model(tiny(Tiny(EYES, sees=True)), type="vision"),
        LATE: text_model(thinker),
    }
    yard.write_catalog({"models": models, "gpus": [card(8000)]})
    yard.up()
    yield yard
    yard.end(signal.SIGTERM)
    assert yard.processes() == []
