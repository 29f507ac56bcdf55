"""`switchyard load` and `switch`: real engines, seen coming up."""

import json
import signal

import pytest

from switchyard_contracts.admin import ModelChange
from switchyard_contracts.status import Phase
from tests.manager.cli.conftest import Served


def test_it_shows_the_phases_and_ends_when_the_model_serves(served: Served) -> None:
    done = served.run("load", "gpt")

    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[-1].startswith("chat is ready after ")
    assert "chat: starting its engine" in lines
    assert served.run("status", "--json").json["models"][0]["phase"] == "ready"


def test_asked_again_it_changes_nothing_and_is_no_error(served: Served) -> None:
    served.run("load", "chat")

    done = served.run("load", "chat")

    assert (done.code, done.out.splitlines()[-1]) == (0, "chat is ready already")


def test_a_failure_is_its_reason_and_exit_code_1(served: Served) -> None:
    done = served.run("load", "broken")

    assert done.code == 1
    assert done.err.startswith("cannot run broken: torch.OutOfMemoryError: CUDA out of memory.: free the card")
    assert "ready" not in done.out


def test_a_failure_in_json_is_the_error_object(served: Served) -> None:
    done = served.run("load", "broken", "--json")

    assert done.code == 1
    assert done.json["error"]["code"] == "model_load_failed"
    assert done.json["source"] == "switchyard"


def test_json_is_what_came_of_it_and_nothing_else(served: Served) -> None:
    change = ModelChange.model_validate(served.run("load", "chat", "--json").json)

    assert (change.model, change.changed) == ("chat", True)
    assert change.status is not None
    assert change.status.phase is Phase.READY


def test_not_waiting_it_returns_while_the_load_goes_on(served: Served) -> None:
    done = served.run("load", "slow", "--no-wait")

    assert (done.code, done.out) == (0, "slow is asked for; `switchyard status` shows how far it is\n")
    served.until("status", shows="loading")
    assert served.run("cancel", "slow").out.startswith("slow is no longer being loaded")


def test_ctrl_c_leaves_the_load_be_and_says_so(served: Served) -> None:
    loading = served.start("load", "slow")
    assert loading.stdout is not None
    while "slow: loading" not in loading.stdout.readline():
        pass

    loading.send_signal(signal.SIGINT)
    said = loading.communicate(timeout=30)[0]

    assert loading.returncode == 130
    assert said == "The load of slow goes on; `switchyard cancel slow` would end it.\n"
    assert "loading" in served.run("status").out


def test_whoever_looks_on_is_told_that_it_was_cancelled(served: Served) -> None:
    loading = served.start("load", "slow")
    assert loading.stdout is not None
    while "slow: loading" not in loading.stdout.readline():
        pass

    served.run("cancel", "slow")
    said = loading.communicate(timeout=30)[0]

    assert loading.returncode == 1
    assert "cannot load slow: the operator cancelled it" in said


def test_in_a_terminal_one_line_changes_and_the_end_stays(served: Served) -> None:
    with served.terminal("load", "chat") as terminal:
        code = terminal.end()

    assert code == 0
    assert "chat is ready after " in terminal.seen
    assert terminal.seen.count("\x1b[?25l") == terminal.seen.count("\x1b[?25h") == 1  # the cursor is back


def test_a_manager_that_ends_meanwhile_is_said(served: Served) -> None:
    loading = served.start("load", "slow")
    assert loading.stdout is not None
    while "slow: loading" not in loading.stdout.readline():
        pass

    served.stop_manager()
    said = loading.communicate(timeout=30)[0]
    served.start_manager()

    assert loading.returncode == 1
    assert "cannot reach the manager" in said or "nobody asks for it any more" in said


ONE_CARD = {
    "gpus": [{"uuid": "GPU-00000000-0000-4000-8000-000000000001", "name": "Card", "vram_mib": 24_000}],
    "models": {
        name: {"type": "text", "engine": "vllm", "path": "/x", "vram_mib": 20_000} for name in ("chat", "code")
    },
}


def test_switch_tells_who_made_room(served: Served) -> None:
    served.catalog.write_text(json.dumps(ONE_CARD))
    served.until("status", shows="Card")
    served.run("load", "chat")

    done = served.run("switch", "code")

    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert any(line.startswith("chat made room") for line in lines), lines
    assert lines[-1].startswith("code is ready after ")
    assert "claimed 19.5 of 23.4 GiB" in served.run("status").out


@pytest.mark.parametrize("command", ["load", "switch"])
def test_a_misspelt_name_is_answered_with_the_one_that_was_meant(served: Served, command: str) -> None:
    done = served.run(command, "Chta")

    assert (done.code, done.err) == (1, "cannot find the model Chta: did you mean chat?\n")
