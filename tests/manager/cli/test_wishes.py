"""`unload`, `sleep`, `wake`, `pin`, `unpin`, `cancel`."""

import pytest

from switchyard_contracts.admin import ModelChange
from tests.manager.cli.conftest import Served

IDLE = [
    ("unload", "chat was not loaded"),
    ("unpin", "chat was not pinned"),
    ("cancel", "chat was not being loaded"),
]


def test_a_loaded_model_is_unloaded(served: Served) -> None:
    served.run("load", "chat")

    done = served.run("unload", "gpt")

    assert done.code == 0
    assert done.out.startswith("chat is being unloaded (")
    assert served.until("status", shows="stopped").code == 0


@pytest.mark.parametrize(("command", "said"), IDLE)
def test_what_is_so_already_is_said_and_is_no_error(served: Served, command: str, said: str) -> None:
    done = served.run(command, "chat")

    assert (done.code, done.out) == (0, f"{said} (stopped now)\n")


def test_a_pin_shows_in_the_status_until_it_is_undone(served: Served) -> None:
    assert served.run("pin", "chat").out == "chat is pinned (stopped now)\n"
    assert "pinned" in served.run("status").out
    assert served.run("pin", "chat").out == "chat was pinned already (stopped now)\n"

    assert served.run("unpin", "chat").out == "chat is no longer pinned (stopped now)\n"
    assert "pinned" not in served.run("status").out


@pytest.mark.parametrize("command", ["sleep", "wake"])
def test_what_cannot_be_is_said_with_what_to_do(served: Served, command: str) -> None:
    done = served.run(command, "chat")

    assert done.code == 1
    assert done.err.startswith("cannot ")
    assert "load" in done.err


@pytest.mark.parametrize("command", ["unload", "pin", "unpin", "cancel"])
def test_json_is_the_change_of_the_api(served: Served, command: str) -> None:
    change = ModelChange.model_validate(served.run(command, "gpt", "--json").json)

    assert change.model == "chat"
