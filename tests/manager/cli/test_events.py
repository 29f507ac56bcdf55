"""`switchyard events` and `history`."""

import json
import signal

from switchyard_contracts import __version__
from switchyard_contracts.events import EventKind, ManagerEvent, RunRecord
from tests.manager.cli.conftest import Served


def test_what_happened_is_told_oldest_first(served: Served) -> None:
    served.run("load", "chat")
    served.run("load", "broken")

    lines = served.run("events", "-n", "1000").out.splitlines()

    assert [line.split("  ", 1)[1] for line in lines[:4]] == [
        f"the manager began (version {__version__})",
        "chat: asked for by hand: load",
        "chat: stopped → starting (start issued)",
        "chat: starting → loading (launched)",
    ]
    assert any("broken: failed (cuda_out_of_memory): cannot run broken" in line for line in lines)


def test_only_the_last_so_many_of_one_model_by_its_alias(served: Served) -> None:
    served.run("load", "chat")
    served.run("load", "broken")

    lines = served.run("events", "gpt", "-n", "2").out.splitlines()

    assert len(lines) == 2
    assert lines[-1].endswith("chat: warming → ready (proved)")


def test_before_anything_has_happened_it_says_so(served: Served) -> None:
    assert served.run("events", "chat").out == "Nothing has happened yet.\n"
    assert served.run("history", "chat").out == "Nothing has run yet.\n"


def test_followed_it_goes_on_from_what_was_without_a_gap_or_a_repeat(served: Served) -> None:
    served.run("load", "chat")
    following = served.start("events", "-f", "--json", "-n", "3")
    assert following.stdout is not None
    seen = [json.loads(following.stdout.readline())["seq"] for _ in range(3)]

    served.run("load", "broken")
    while (event := json.loads(following.stdout.readline()))["kind"] != "refused":
        seen.append(event["seq"])
    following.send_signal(signal.SIGINT)
    rest = following.communicate(timeout=30)[0]

    assert seen == list(range(seen[0], seen[0] + len(seen)))
    assert (following.returncode, rest) == (0, "")


def test_followed_over_a_restart_of_the_manager_nothing_is_missed_or_told_twice(served: Served) -> None:
    served.run("load", "chat")
    following = served.start("events", "chat", "-f", "--json", "-n", "1")
    assert following.stdout is not None
    numbers = [json.loads(following.stdout.readline())["seq"]]

    served.stop_manager()
    served.start_manager()
    for command in ("pin", "unpin", "pin"):
        served.run(command, "chat")
    told = []
    while len(told) < 3:
        event = json.loads(following.stdout.readline())
        numbers.append(event["seq"])
        told += [event["data"]["command"]] if event["kind"] == "operator" else []
    following.send_signal(signal.SIGINT)
    following.communicate(timeout=30)

    assert told == ["pin", "unpin", "pin"]  # all of them, though only the last one was asked for at first
    assert numbers == sorted(set(numbers))


def test_json_is_what_the_api_gives(served: Served) -> None:
    served.run("load", "chat")

    events = [ManagerEvent.model_validate(said) for said in served.run("events", "--json").json]
    history = served.run("history", "--json").json

    assert [event.kind for event in events[:2]] == [EventKind.MANAGER, EventKind.OPERATOR]
    told = [ManagerEvent.model_validate(said) for said in history["events"]]
    assert told[: len(events)] == events  # more may have happened meanwhile
    assert [
        RunRecord.model_validate(said).model
        for said in served.until("history", "--json", shows="chat-").json["runs"]
    ] == ["chat"]


def test_history_is_runs_with_how_they_ended_and_what_went_wrong(served: Served) -> None:
    served.run("load", "chat")
    served.run("unload", "chat")
    served.run("load", "broken")

    text = served.until("history", shows="(exit code 3)").out

    assert "cuda_out_of_memory" in text
    assert "failed" in text
    assert "stopped → starting" not in text  # the runs say as much
    assert max(map(len, text.splitlines())) <= 80


def test_a_model_that_left_the_catalog_has_a_history_still(served: Served) -> None:
    served.run("load", "chat")
    served.run("unload", "chat")
    served.run("remove", "chat", "--yes")
    served.until("events", shows="removed chat")

    done = served.run("events", "chat")

    assert done.code == 0
    assert "chat: warming → ready" in done.out
