"""`switchyard remove`."""

from switchyard_contracts.catalog import read_catalog
from tests.manager.cli.conftest import CATALOG, Machine


def test_a_model_is_taken_out_and_comments_stay(machine: Machine) -> None:
    done = machine.run("remove", "slow", "--yes")

    assert done.code == 0
    assert '-    "slow"' in done.out
    after = machine.catalog.read_text()
    assert list(read_catalog(after).models) == ["chat", "broken"]
    assert set(after.splitlines()) < set(CATALOG.splitlines())
    assert '"// note": "this file is mine"' in after


def test_nothing_is_written_unasked(machine: Machine) -> None:
    done = machine.run("remove", "slow")

    assert done.code == 1
    assert machine.catalog.read_text() == CATALOG


def test_a_misspelt_name_is_answered_with_the_one_that_was_meant(machine: Machine) -> None:
    done = machine.run("remove", "slwo", "--yes")

    assert (done.code, done.err) == (
        1,
        "cannot find the model slwo in models.json: did you mean slow?\n",
    )


def test_the_last_model_cannot_be_removed_and_the_fault_is_told(machine: Machine) -> None:
    machine.run("remove", "slow", "--yes")
    machine.run("remove", "broken", "--yes")
    before = machine.catalog.read_text()

    done = machine.run("remove", "chat", "--yes")

    assert done.code == 1
    assert "cannot run an empty catalog" in done.err
    assert machine.catalog.read_text() == before


def test_json_is_what_was_removed(machine: Machine) -> None:
    said = machine.run("remove", "chat", "--yes", "--json").json

    assert said["model"] == "chat"
    assert said["entry"]["aliases"] == ["gpt"]
    assert said["written"] is True
