"""What is made of Docker's words: how far a pull is, why something was refused, each line of a log once."""

import io
from collections.abc import Iterator
from typing import Any

import pytest

from switchyard_contracts.errors import Reason
from switchyard_manager.runtimes.docker import refusals
from switchyard_manager.runtimes.docker.engine import EngineSaid
from switchyard_manager.runtimes.docker.image import Progress
from switchyard_manager.runtimes.docker.log_copy import LogCopy
from switchyard_manager.runtimes.docker.seen import nanoseconds


def loading(layer: str, current: int, total: int) -> dict[str, Any]:
    return {"id": layer, "status": "Downloading", "progressDetail": {"current": current, "total": total}}


def test_progress_is_of_all_layers_together() -> None:
    progress = Progress("engine:1")
    progress.heard(loading("a", 1_000_000_000, 2_000_000_000))

    assert progress.heard(loading("b", 200_000_000, 800_000_000)) == (
        "pulling image engine:1: 42 %, 1.2 of 2.8 GB"
    )


def test_a_layer_that_is_complete_counts_in_full() -> None:
    progress = Progress("engine:1")
    progress.heard(loading("a", 100, 2_000_000))
    progress.heard(loading("b", 0, 2_000_000))

    assert progress.heard({"id": "a", "status": "Download complete", "progressDetail": {}}) == (
        "pulling image engine:1: 50 %, 2.0 of 4.0 MB"
    )


def test_before_anything_is_known_no_number_is_made_up() -> None:
    progress = Progress("engine:1")

    assert progress.heard({"id": "a", "status": "Pulling fs layer", "progressDetail": {}}) == (
        "pulling image engine:1"
    )


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ('could not select device driver "nvidia" with capabilities: [[gpu]]', Reason.NO_GPU_DRIVER),
        ("write /var/lib/docker/tmp/x: no space left on device", Reason.DISK_FULL),
        ("invalid mount config: bind source path does not exist: /models", Reason.MODEL_NOT_FOUND),
        ('exec: "vllm": executable file not found in $PATH: unknown', Reason.ENGINE_MISSING),
        ("No such image: engine:1", Reason.IMAGE_MISSING),
        ("something that nobody has seen yet", Reason.RUNTIME_UNAVAILABLE),
    ],
)
def test_a_refusal_is_read(said: str, reason: Reason) -> None:
    failed = refusals.refused("one", EngineSaid(500, said), ())

    assert (failed.failure.reason, said in failed.failure.message) == (reason, True)


def test_a_request_that_docker_finds_wrong_is_the_operators_to_correct() -> None:
    failed = refusals.refused("one", EngineSaid(400, "invalid volume specification"), ())

    assert failed.failure.reason is Reason.BAD_ENGINE_ARGUMENT


def test_a_secret_in_dockers_words_is_struck_out() -> None:
    failed = refusals.refused("one", EngineSaid(400, "invalid variable: =hush"), ["hush", ""])

    assert "hush" not in failed.failure.message


@pytest.mark.parametrize(
    ("said", "reason", "advice"),
    [
        ("manifest for engine:1 not found: manifest unknown", Reason.IMAGE_MISSING, "none of that name"),
        ("pull access denied for engine, repository does not exist", Reason.IMAGE_MISSING, "docker login"),
        ("Get https://registry: dial tcp: i/o timeout", Reason.IMAGE_MISSING, "reaches the registry"),
        ("failed to register layer: no space left on device", Reason.DISK_FULL, "disk space"),
    ],
)
def test_why_an_image_cannot_be_had_is_read(said: str, reason: Reason, advice: str) -> None:
    failed = refusals.not_pulled("one", "engine:1", said)

    assert failed.failure.reason is reason
    assert advice in failed.failure.advice


def test_times_are_read_to_the_nanosecond() -> None:
    assert nanoseconds("1970-01-01T00:00:01.000000002Z") == 1_000_000_002
    assert nanoseconds("1970-01-01T00:00:01Z") == 1_000_000_000
    assert nanoseconds("0001-01-01T00:00:00Z") == 0
    assert nanoseconds("") == 0


class BreaksOff:
    """Says its pieces from wherever it is asked, but breaks off after so many."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces
        self.breaks_after = [len(pieces)]
        self.asked: list[int] = []

    def words(self, _: str, since_ns: int, *, follow: bool, terminal: bool) -> Iterator[bytes]:
        self.asked.append(since_ns)
        known = [piece for piece in self.pieces if nanoseconds(piece.split()[0].decode()) >= since_ns]
        return iter(known[: self.breaks_after.pop(0)])


def stamped(nanosecond: int, words: str) -> bytes:
    return f"2026-01-01T00:00:00.{nanosecond:09}Z {words}\n".encode()


@pytest.mark.parametrize("first", range(6))
def test_a_log_that_breaks_off_anywhere_goes_on_there(first: int) -> None:
    # Three at the same time: two programs write, or one wrote a line too long for one piece.
    engine = BreaksOff(*(stamped(at, f"{number}") for number, at in enumerate([5, 7, 7, 7, 9])))
    engine.breaks_after = [first, 2, 99]
    out = io.BytesIO()
    copy = LogCopy(engine, "one", out, since_ns=0, terminal=False)  # type: ignore[arg-type]

    copy.follow()
    copy.follow()
    copy.finish()

    assert out.getvalue() == b"0\n1\n2\n3\n4\n"


def test_a_disk_that_is_full_costs_the_log_and_not_the_watch() -> None:
    class DiskFull(io.BytesIO):
        def write(self, _: object) -> int:
            raise OSError(28, "No space left on device")

    copy = LogCopy(BreaksOff(stamped(1, "a")), "one", DiskFull(), since_ns=0, terminal=False)  # type: ignore[arg-type]

    copy.follow()
