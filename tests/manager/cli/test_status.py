"""`switchyard status`, and `--watch`."""

import json
import signal
from itertools import takewhile

import pytest
from rich.console import Console

from switchyard_contracts.catalog import Engine, ModelType
from switchyard_contracts.errors import Reason
from switchyard_contracts.status import (
    Failure,
    GpuModel,
    GpuProcess,
    GpuStatus,
    ManagerStatus,
    ModelStatus,
    Phase,
    Queued,
    RamStatus,
)
from switchyard_manager.cli.status_page import BAR_WIDTH, bar, page
from tests.manager.cli.conftest import Served

UUIDS = ("GPU-5c89a1b2-0000-4000-8000-000000000001", "GPU-5c89a1b2-0000-4000-8000-000000000002")
FULL_HOUSE = ManagerStatus(
    manager="m",
    version="0.1.0",
    runtime="process, docker",
    models=(
        ModelStatus(
            name="qwen/a-model-with-a-name-longer-than-most-columns@2026",
            type=ModelType.VISION,
            engine=Engine.VLLM,
            phase=Phase.LOADING,
            waiting=3,
            progress="weights 45 %",
            expected_s=125,
            gpus=UUIDS,
        ),
        ModelStatus(
            name="flux",
            type=ModelType.IMAGE,
            engine=Engine.IMAGE_SERVER,
            phase=Phase.FAILED,
            failure=Failure(
                reason=Reason.CUDA_OUT_OF_MEMORY, message="cannot run flux: it is big", advice="get a card"
            ),
            retry_in_s=40,
        ),
        ModelStatus(
            name="[bold]chat[/]",
            type=ModelType.TEXT,
            engine=Engine.VLLM,
            phase=Phase.READY,
            in_flight=2,
            pinned=True,
            gpus=(UUIDS[1],),
        ),
    ),
    gpus=(
        GpuStatus(
            uuid=UUIDS[0],
            name="NVIDIA GeForce RTX 4090",
            total_mib=24_564,
            reserve_mib=512,
            claimed_mib=18_000,
            used_mib=12_282,
            models=(GpuModel(model="chat", claim_mib=18_000),),
            processes=(
                GpuProcess(pid=4242, name="blender", used_mib=2048),
                GpuProcess(pid=4243, name="vllm", used_mib=9000, model="chat"),
            ),
            utilisation_pct=100,
            temperature_c=83,
            power_w=449.6,
        ),
        GpuStatus(uuid=UUIDS[1], name="NVIDIA GeForce RTX 3060", total_mib=12_288, reserve_mib=0),
    ),
    ram=RamStatus(total_mib=65_536, available_mib=32_768, reserve_mib=4096, sleepers_mib=8192),
    queue=(Queued(model="flux", waiting=4, waited_s=12.2, priority=0.4, blocked="chat makes room"),),
    trouble=("cannot keep the history: the disk is full",),
)


def drawn(width: int = 80) -> str:
    out = Console(width=width, markup=False, highlight=False, color_system=None)
    with out.capture() as captured:
        for part in page(FULL_HOUSE):
            out.print(part)
    return captured.get()


def test_it_shows_each_model_and_what_it_does(served: Served) -> None:
    done = served.run("status")

    assert done.code == 0
    heads, chat = done.out.splitlines()[:2]
    assert heads.split() == ["model", "type", "phase", "GPU", "running", "waiting", "note"]
    assert chat.split() == ["chat", "text", "stopped"]


def test_json_is_the_status_of_the_api(served: Served) -> None:
    status = ManagerStatus.model_validate(served.run("status", "--json").json)

    assert [model.name for model in status.models] == ["chat", "slow", "broken"]


def test_everything_there_is_to_say_fits_eighty_columns() -> None:
    lines = drawn(80).splitlines()

    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("width", [60, 80, 120])
def test_what_is_too_long_is_folded_and_never_cut(width: int) -> None:
    name, folded = FULL_HOUSE.models[0].name, drawn(width)

    row = takewhile(lambda line: not line.startswith("flux"), folded.splitlines()[1:])
    first = "".join(line[: folded.index("type") - 1] for line in row)
    assert name in "".join(first.split())
    assert "…" not in folded


def test_it_says_of_models_gpus_ram_queue_and_trouble_what_there_is_to_say() -> None:
    text = " ".join(drawn(160).split())

    assert "loading 0,1 3 weights 45 %; about 2 min 5 s left" in text
    assert "failed cuda_out_of_memory; again in 40 s" in text
    assert "cannot run flux: it is big: get a card" in text
    assert "[bold]chat[/] text ready 1 2 pinned" in text
    assert "GPU 0 NVIDIA GeForce RTX 4090" in text
    assert "[############======......] used 12.0, claimed 17.6 of 24.0 GiB, 100 %, 83 °C, 450 W" in text
    assert "blender (process 4242), none of ours, holds 2.0 GiB" in text
    assert "process 4243" not in text  # the bar has it
    assert "[........................] used ?, claimed 0.0 of 12.0 GiB" in text
    assert "used 32.0, of which 8.0 for models asleep of 64.0 GiB, 4.0 kept free" in text
    assert "1. flux 4 12 s chat makes room" in text
    assert "trouble cannot keep the history: the disk is full" in text


@pytest.mark.parametrize(
    ("used", "claimed", "total", "cells"),
    [
        (0, 0, 100, "." * 24),
        (1, 0, 10_000, "#" + "." * 23),
        (9_999, 0, 10_000, "#" * 23 + "."),
        (100, 100, 100, "#" * 24),
        (50, 200, 100, "#" * 12 + "=" * 12),
        (200, 0, 100, "#" * 24),
        (5, 5, 0, "." * 24),
    ],
)
def test_a_bar_has_its_width_whatever_the_numbers(used: int, claimed: int, total: int, cells: str) -> None:
    assert bar(used, claimed, total).plain == f"[{cells}]"
    assert len(cells) == BAR_WIDTH


def test_watched_without_a_terminal_it_is_the_page_and_then_a_line_for_each_event(served: Served) -> None:
    watching = served.start("status", "--watch")
    assert watching.stdout is not None
    while "RAM" not in watching.stdout.readline():
        pass

    served.run("load", "chat")
    lines = [watching.stdout.readline() for _ in range(5)]
    watching.send_signal(signal.SIGINT)
    rest = watching.communicate(timeout=30)[0]

    assert lines[0].rstrip().endswith("chat: asked for by hand: load")
    assert lines[1].rstrip().endswith("chat: stopped → starting (start issued)")
    assert watching.returncode == 0
    assert "Traceback" not in rest
    assert "\x1b" not in "".join(lines) + rest


def test_watched_in_json_each_line_is_a_status(served: Served) -> None:
    watching = served.start("status", "--watch", "--json")
    assert watching.stdout is not None
    first = ManagerStatus.model_validate(json.loads(watching.stdout.readline()))

    served.run("load", "chat")
    phases = {first.models[0].phase}
    while Phase.READY not in phases:
        status = ManagerStatus.model_validate(json.loads(watching.stdout.readline()))
        phases.add(status.models[0].phase)
    watching.send_signal(signal.SIGINT)

    watching.communicate(timeout=30)
    assert watching.returncode == 0


def test_watched_in_a_terminal_it_changes_in_place_and_ends_cleanly_at_ctrl_c(served: Served) -> None:
    with served.terminal("status", "-w") as terminal:
        terminal.until("Ctrl-C ends this")
        served.run("load", "chat")
        terminal.until("ready")

        code = terminal.interrupt()

    assert code == 0
    assert "Traceback" not in terminal.seen
    assert terminal.seen.rstrip().endswith("\x1b[?25h")  # the cursor is back


def test_whoever_watches_is_told_that_the_manager_went_and_sees_it_come_back(served: Served) -> None:
    watching = served.start("status", "-w")
    assert watching.stdout is not None
    while "RAM" not in watching.stdout.readline():
        pass

    served.stop_manager()
    went = watching.stdout.readline()
    served.start_manager()
    back = watching.stdout.readline()
    watching.send_signal(signal.SIGINT)
    watching.communicate(timeout=30)

    assert went.startswith("cannot reach the manager at http://127.0.0.1:")
    assert back.startswith("model ")
