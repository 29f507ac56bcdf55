"""Real vLLM in a container that the manager makes of its image, as it makes one of the official image."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openai import APIError, OpenAI

from tests.e2e.conftest import Yard
from tests.e2e.docker.conftest import docker
from tests.e2e.vllm.engines import log, status
from tests.vllm_on_cpu.fixtures import MakeTiny
from tests.vllm_on_cpu.models import CARD, CONTEXT, card, text_model
from tests.vllm_on_cpu.script import replies
from tests.vllm_on_cpu.tiny_model import Tiny

pytestmark = pytest.mark.timeout(300)

TALKER, LATE = "tiny-talker", "tiny-latecomer"
QUESTION = [{"role": "user", "content": "Who are you?"}]
WITHIN_S = 60
GONE_WITHIN_S = 5
COMPILED = "switchyard-vllm"  # the volume that all installations of a machine share


@pytest.fixture(scope="module")
def compiled_volume() -> Iterator[None]:
    """Left as it was found."""
    was_there = COMPILED in docker("volume", "ls", "--quiet").split()
    yield
    if not was_there:
        docker("volume", "rm", "--force", COMPILED)


@pytest.fixture(scope="module")
def contained(
    tmp_path_factory: pytest.TempPathFactory, demo: Path, vllm_image: str, tiny: MakeTiny, compiled_volume: None
) -> Iterator[Yard]:
    settings = {"SWITCHYARD_VLLM_IMAGE": vllm_image, "SWITCHYARD_RUNTIME": "docker"}
    yard = Yard(tmp_path_factory.mktemp("contained") / "y", demo, settings=settings)
    weights = tiny(Tiny(TALKER))
    on_card = {"gpus": [CARD], "vram_mib": 3000}
    models = {TALKER: text_model(weights, **on_card), LATE: text_model(weights, **on_card)}
    yard.write_catalog({"models": models, "gpus": [card(8000)]})
    yard.up()
    yield yard
    yard.end(signal.SIGTERM)
    assert containers(yard) == []


@pytest.fixture(scope="module")
def client(contained: Yard) -> Iterator[OpenAI]:
    with contained.client() as client:
        yield client


def containers(yard: Yard, model: str = "") -> list[str]:
    told = docker(
        *("ps", "--all", "--format", '{{.ID}} {{.Label "switchyard.model"}}'),
        *("--filter", f"label=switchyard.installation={yard.installation}"),
    )
    found = [line.split(maxsplit=1) for line in told.splitlines()]
    return [container for container, of in found if model in ("", of)]


def inspected(container: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(docker("inspect", container))[0]
    return told


def test_the_answer_comes_from_the_container(contained: Yard, client: OpenAI) -> None:
    reply = client.chat.completions.create(model=TALKER, messages=QUESTION)
    stream = client.chat.completions.create(model=TALKER, messages=QUESTION, stream=True)
    streamed = "".join(chunk.choices[0].delta.content or "" for chunk in stream)

    assert reply.choices[0].message.content == streamed == replies(TALKER)["text"]
    assert reply.usage is not None
    assert reply.usage.completion_tokens == len(streamed.split()) + 1
    assert len(containers(contained, TALKER)) == 1


def test_its_command_is_one_for_the_official_image(contained: Yard, client: OpenAI, vllm_image: str) -> None:
    client.chat.completions.create(model=TALKER, messages=QUESTION)

    (container,) = containers(contained, TALKER)
    made = inspected(container)

    assert made["Config"]["Image"] == vllm_image
    assert made["Config"]["Entrypoint"] == ["vllm", "serve"]
    assert made["Config"]["Cmd"][1:3] == ["--served-model-name", TALKER]
    assert made["HostConfig"]["DeviceRequests"] is None


def test_what_python_compiles_outlasts_the_container(contained: Yard, client: OpenAI) -> None:
    client.chat.completions.create(model=TALKER, messages=QUESTION)
    (container,) = containers(contained, TALKER)

    written = docker("diff", container).splitlines()
    kept = next(one for one in inspected(container)["Config"]["Env"] if one.startswith("PYTHONPYCACHEPREFIX="))

    assert not [line for line in written if line.endswith(".pyc")]
    assert docker("exec", container, "ls", kept.partition("=")[2])


def test_it_sleeps_and_wakes_in_its_container(contained: Yard, client: OpenAI) -> None:
    client.chat.completions.create(model=TALKER, messages=QUESTION)
    before = containers(contained, TALKER)

    contained.setup("sleep", TALKER).check_returncode()
    contained.until(lambda: status(contained, TALKER)["phase"] == "asleep", WITHIN_S)
    reply = client.chat.completions.create(model=TALKER, messages=QUESTION)

    assert reply.choices[0].message.content == replies(TALKER)["text"]
    assert containers(contained, TALKER) == before


def test_a_core_that_is_killed_breaks_the_stream_and_is_a_failure_although_the_container_ends_with_zero(
    contained: Yard, client: OpenAI
) -> None:
    endless = {"max_tokens": CONTEXT - 100, "extra_body": {"ignore_eos": True}}
    stream = iter(client.chat.completions.create(model=TALKER, messages=QUESTION, stream=True, **endless))
    next(stream)
    (container,) = containers(contained, TALKER)

    kill_core(container)
    with pytest.raises(APIError, match="EngineCore"):
        list(stream)
    contained.until(lambda: status(contained, TALKER)["phase"] == "failed", WITHIN_S)

    failure = status(contained, TALKER)["failure"]
    assert (failure["reason"], failure["exit_code"]) == ("engine_exited", 0)
    # Its end is told before it is removed.
    contained.until(lambda: containers(contained, TALKER) == [], WITHIN_S)


def kill_core(container: str) -> None:
    """From outside, where every process of it has a number, too."""
    lines = docker("top", container, "-o", "pid,args").splitlines()
    (core,) = (int(line.split()[0]) for line in lines if "VLLM::EngineCore" in line)
    os.kill(core, signal.SIGKILL)


def test_a_load_that_is_cancelled_is_gone_soon_although_vllm_is_deaf_while_it_loads(contained: Yard) -> None:
    contained.setup("load", LATE, "--no-wait").check_returncode()
    contained.until(lambda: "(EngineCore" in log(contained, LATE), WITHIN_S)

    contained.setup("cancel", LATE).check_returncode()
    began = time.monotonic()
    contained.until(lambda: not containers(contained, LATE), WITHIN_S)

    assert time.monotonic() - began < GONE_WITHIN_S
    assert status(contained, LATE)["phase"] == "stopped"
