"""`switchyard logs`."""

import signal

from tests.manager.cli.conftest import Served


def test_it_shows_what_the_engine_said_last(served: Served) -> None:
    served.run("load", "broken")

    assert served.run("logs", "broken").out == "loading\ntorch.OutOfMemoryError: CUDA out of memory.\n"
    assert served.run("logs", "broken", "-n", "1").out == "torch.OutOfMemoryError: CUDA out of memory.\n"


def test_json_is_the_model_and_its_lines(served: Served) -> None:
    served.run("load", "chat")

    assert served.run("logs", "chat", "--json").json == {"model": "chat", "lines": ["loading"]}


def test_the_run_before_is_another(served: Served) -> None:
    served.run("load", "broken")
    assert served.run("logs", "broken", "--previous").out == "There is no log of that run of broken.\n"

    served.run("load", "broken")

    assert "CUDA out of memory" in served.run("logs", "broken", "--previous").out


def test_followed_it_tells_where_another_run_begins(served: Served) -> None:
    served.run("load", "broken")
    following = served.start("logs", "broken", "-f", "-n", "1")
    assert following.stdout is not None
    first = following.stdout.readline()

    served.run("load", "broken")
    then = [following.stdout.readline() for _ in range(3)]
    following.send_signal(signal.SIGINT)
    following.communicate(timeout=30)

    assert first == "torch.OutOfMemoryError: CUDA out of memory.\n"
    assert then == ["--- another run of broken ---\n", "loading\n", first]
    assert following.returncode == 0


def test_a_run_that_is_over_cannot_be_followed(served: Served) -> None:
    done = served.run("logs", "chat", "--previous", "-f")

    assert (done.code, done.err) == (
        1,
        "cannot follow the previous run, which is over: leave out --previous or --follow\n",
    )
