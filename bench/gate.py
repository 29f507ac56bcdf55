"""What the gate costs: the same load with nothing in between, and past it, in turns.

    python -m bench.gate [--rounds N]

Linux with two cores and a C compiler; the load and the engine are those of `bench.proxy`. The first core is the
gate's, the second is for both others, so latencies hold what the machine does besides: trust the CPU times.
"""

import argparse
import contextlib
import socket
import statistics
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.request import urlopen

from bench.proxy import processes
from bench.proxy.load import Bench, Load, Question, prepared
from bench.proxy.measures import MEASURES, Measure
from bench.proxy.targets import CORE, KEY, Running, direct
from bench.proxy.targets import Plan as Wanted

from switchyard_contracts.gate import Gate

SHARED = "bench"
NAMES = ("requests-1", "requests-64", "saturated", "paced", "large")
ROUNDS = 5
TARGETS = ("direct", "gate")
Found = dict[str, dict[str, dict[str, float]]]  # measure → target → figures
FIGURES = {
    "cpu_us": "CPU µs",
    "cpu_s_per_100k": "CPU s of 100,000 events",
    "p50_us": "p50 µs",
    "p99_us": "p99 µs",
}


@dataclass(frozen=True, slots=True)
class Keyed(Question):
    """The same question, on the engine's path past the gate, with its key."""

    engine: str = ""

    def request(self, key: str) -> bytes:
        gate = Gate("", SHARED)
        path = gate.endpoint("bench-1", self.engine).encode() + b"/v1/chat/completions"
        headers = "".join(
            f"{name}: {value}\r\n" for name, value in gate.headers("bench-1", self.engine).items()
        )
        head, _, rest = Question.request(self, key).partition(b"\r\n")
        return head.replace(b"/v1/chat/completions", path) + b"\r\n" + headers.encode() + rest


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.gate")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    measures = [measure for measure in MEASURES if measure.name in NAMES]
    with tempfile.TemporaryDirectory() as folder, prepared(Path(folder)) as bench:
        wanted = Wanted(bench.upstream, Path(folder), ())
        with direct(wanted) as bare, gate(bench, Path(folder)) as past:
            found = [_round(bench, bare, past, measures, number) for number in range(rounds)]
            mib = processes.resident_mib(past.root or 0)
    for measure in measures:
        for figure, meaning in FIGURES.items():
            middles = {target: _middle(found, measure, target, figure) for target in TARGETS}
            if all(middles.values()):
                told = (f"{target}: {value}" for target, value in middles.items())
                print(f"{measure.name:12} {meaning:24}", *told)
    print(f"memory after it all: {mib:.0f} MiB")


def _round(bench: Bench, bare: Running, past: Running, measures: list[Measure], number: int) -> Found:
    print(f"round {number + 1}", file=sys.stderr)
    engine = f"http://127.0.0.1:{bench.upstream}"
    found: Found = {}
    for measure in measures:
        asked = measure.load.question
        keyed = Keyed(asked.model, asked.streams, asked.tokens, asked.letters, engine)
        turns: list[tuple[Running, Load]] = [
            (bare, measure.load),
            (past, replace(measure.load, question=keyed)),
        ]
        for target, load in turns if number % 2 else reversed(turns):
            found.setdefault(measure.name, {})[target.name] = measure.figures(bench.run(target, load))
            processes.settle(target.pids)
    return found


def _middle(found: list[Found], measure: Measure, target: str, figure: str) -> str:
    known = [one[measure.name][target][figure] for one in found if figure in one[measure.name][target]]
    return f"{statistics.median(known):.2f}" if known else ""


@contextlib.contextmanager
def gate(bench: Bench, folder: Path) -> Iterator[Running]:
    with socket.socket() as finder:
        finder.bind(("127.0.0.1", 0))
        port = int(finder.getsockname()[1])
    program = Path(sys.executable).with_name("switchyard-gate")
    process = processes.start(
        (program, "--gate-port", str(port)), CORE, folder / "gate.log", {"SWITCHYARD_TOKEN": SHARED}
    )
    try:
        while True:
            with contextlib.suppress(OSError), urlopen(f"http://127.0.0.1:{port}/health"):
                break
            processes.pause(0.05)
        yield Running("gate", port, process.pid, KEY)
    finally:
        processes.end(process)


if __name__ == "__main__":
    main()
