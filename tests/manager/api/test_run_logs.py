"""Which run each kept log is of."""

from switchyard_contracts.events import RunRecord
from switchyard_manager.api.history import with_logs


def run(instance: str, model: str, *, logged: bool = True) -> RunRecord:
    return RunRecord(instance=instance, model=model, began_at=0.0, logged=logged)


def test_the_last_two_runs_of_each_model_that_began_a_log_have_theirs_still() -> None:
    runs = [run("a-4", "a"), run("b-2", "b"), run("a-3", "a", logged=False), run("a-2", "a"), run("a-1", "a")]

    found = {one.instance: one.log for one in with_logs(runs)}

    assert found == {"a-4": "current", "b-2": "current", "a-3": None, "a-2": "previous", "a-1": None}
