"""The disk that Docker, the manager's state and the models share is full: what is said, and what goes on."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.docker.registry import Registry, serving
from tests.e2e.house.stack import until
from tests.e2e.own_engine.box import said
from tests.e2e.own_engine.conftest import COUNT, SECOND_COUNT, Boxes, catalog, counting
from tests.e2e.proxy.hearing import Heard, Verdict, error_in, judge
from tests.vllm_on_cpu.models import text_model

pytestmark = pytest.mark.timeout(300)

OF_THE_HUB, TO_BE_PULLED = "of-the-hub", "to-be-pulled"
WEIGHTS = bytes(20_000_000)
PIECES = 160  # eight seconds


@contextlib.contextmanager
def filled(disk: Path) -> Iterator[None]:
    """To the last block."""
    filler = disk / "filler"
    try:
        with filler.open("wb") as file:
            for block in (2**30, 2**24, 2**18, 2**12):
                with contextlib.suppress(OSError):  # until there is none of that size any more
                    while True:
                        os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, block)
        yield
    finally:
        filler.unlink()


@pytest.fixture
def registry(one_box: Boxes) -> Iterator[Registry]:
    """On the GPU box, as Docker asks none of another machine without a certificate."""
    made = Registry()
    made.full_speed.set()
    running = serving(made)
    yield one_box.gpu.machine.does(running.__enter__)
    running.__exit__(None, None, None)


@pytest.fixture
def boxes_with_much_to_fetch(one_box: Boxes, registry: Registry) -> Boxes:
    """One model is warm, one was never started, one is to be pulled, and one to be downloaded."""
    gpu, hub = one_box.gpu, one_box.hub
    hub.repo("org/model", {"config.json": "{}", "model.safetensors": WEIGHTS})
    downloaded = text_model(Path("-"), repo="org/model")
    del downloaded["path"]
    gpu.write(catalog(**{TO_BE_PULLED: counting(image=registry.image), OF_THE_HUB: downloaded}))
    until(lambda: {model["name"] for model in gpu.manager("GET", "status")["models"]} >= {OF_THE_HUB})
    until(lambda: one_box.client.asks(COUNT).status == 200)
    if gpu.engines(SECOND_COUNT):
        gpu.manager("POST", f"models/{SECOND_COUNT}/unload")
        until(lambda: not gpu.engines(SECOND_COUNT))
    return one_box


def refused(heard: Heard) -> str:
    assert heard.status == 503, heard.raw[-600:]
    error = error_in(heard)
    assert error["code"] == "model_load_failed"
    return str(error["message"])


def test_who_needs_room_is_told_that_there_is_none_and_everybody_else_goes_on(
    boxes_with_much_to_fetch: Boxes,
) -> None:
    gpu, client, hub = (
        boxes_with_much_to_fetch.gpu,
        boxes_with_much_to_fetch.client,
        boxes_with_much_to_fetch.hub,
    )
    stream = client.streaming(COUNT, PIECES).speaks()

    with filled(gpu.engine.folder / "data"):
        told = {model: refused(client.asks(model)) for model in (SECOND_COUNT, TO_BE_PULLED, OF_THE_HUB)}
        reasons = {model: gpu.model(model)["failure"]["reason"] for model in told}
        warm, streamed = client.asks(COUNT), stream.whole()
        warnings = until(lambda: [one for one in gpu.manager("GET", "status")["trouble"] if "space" in one])

    assert set(reasons.values()) == {"disk_full"}, told
    assert all("free disk space" in words for words in told.values()), told
    assert hub.sent("model.safetensors") == 0
    assert judge(streamed, PIECES) is Verdict.WHOLE
    assert said(warm) == "hi"
    assert any("free some space on that disk" in one for one in warnings)
    until(lambda: client.asks(SECOND_COUNT).status == 200)
    gpu.manager("POST", f"models/{OF_THE_HUB}/pull")
    until(lambda: gpu.model(OF_THE_HUB)["files"]["at"] == "here")
    assert hub.sent("model.safetensors") == len(WEIGHTS)
