"""How fast the proxy is: nothing in between, nginx, LiteLLM and ours, side by side in one run.

    python -m bench.proxy [--quick] [--rounds N] [--targets nginx,ours] [--json FILE] [--write]

Linux with two cores, a C compiler and nginx; LiteLLM is installed into an environment of its own. The first
core is the target's, the second is for the load and the engine. Trust CPU times and ratios: whatever else the
machine does shows in latencies.
"""

import argparse
import contextlib
import json
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from bench.proxy.load import MODELS, Bench, prepared
from bench.proxy.measures import MEASURES, Measure, Memory, Round, memory_of, one_round, shorter
from bench.proxy.plot import Panel, picture
from bench.proxy.report import tables
from bench.proxy.summary import DIRECT, Rounds
from bench.proxy.targets import TARGETS, VENV, MissingError, Plan, Running

DOCS = Path(__file__).parents[2] / "docs"
PAGE, PLOT = DOCS / "performance.md", DOCS / "performance.svg"
ROUNDS, QUICK_ROUNDS = 7, 2
LARGE_REQUESTS, QUICK_LARGE_REQUESTS = 100, 16


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended before it was done"))  # what it started ends, too
    options = _options()
    rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    measures = [shorter(measure) for measure in MEASURES] if options.quick else MEASURES
    large = QUICK_LARGE_REQUESTS if options.quick else LARGE_REQUESTS
    with tempfile.TemporaryDirectory() as folder, prepared(Path(folder)) as bench:
        plan = Plan(bench.upstream, Path(folder), MODELS, options.litellm_venv)
        names, found = _rounds(bench, plan, options.targets, measures, rounds)
        memory = _memory(bench, plan, options.targets, large)
    shown = _shown(Rounds(found), memory, names)
    print(shown)
    if options.json:
        raw = {"rounds": found, "memory": {name: asdict(one) for name, one in memory.items()}}
        options.json.write_text(json.dumps(raw, indent=1), encoding="utf-8")
    if options.write:
        write(shown, drawing(Rounds(found), names))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.proxy", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--quick", action="store_true", help="a first look: short loads, two rounds")
    parser.add_argument("--rounds", type=int, help=f"rounds; {ROUNDS}, or {QUICK_ROUNDS} with --quick")
    parser.add_argument("--targets", type=_targets, default=list(TARGETS), help=f"of {','.join(TARGETS)}")
    parser.add_argument("--litellm-venv", type=Path, default=VENV, help=f"made if missing; {VENV}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep every figure of every round")
    parser.add_argument("--write", action="store_true", help="write the tables and the plot into docs/")
    return parser.parse_args()


def _targets(text: str) -> list[str]:
    names = text.split(",")
    if unknown := [name for name in names if name not in TARGETS]:
        raise argparse.ArgumentTypeError(f"cannot measure {unknown[0]}; choose of {','.join(TARGETS)}")
    return [name for name in TARGETS if name in names or name == DIRECT]


def _rounds(
    bench: Bench, plan: Plan, chosen: Sequence[str], measures: Sequence[Measure], rounds: int
) -> tuple[list[str], list[Round]]:
    with contextlib.ExitStack() as stack:
        targets = list(_started(stack, plan, chosen))
        found = []
        for number in range(rounds):
            print(f"round {number + 1} of {rounds}", file=sys.stderr)
            found.append(one_round(bench, targets, measures, number))
        return [target.name for target in targets], found


def _started(stack: contextlib.ExitStack, plan: Plan, chosen: Sequence[str]) -> Iterator[Running]:
    for name in chosen:
        try:
            yield stack.enter_context(TARGETS[name](plan))
        except MissingError as missing:
            print(missing, file=sys.stderr)


def _memory(bench: Bench, plan: Plan, chosen: Sequence[str], requests: int) -> dict[str, Memory]:
    found = {}
    for name in chosen:
        if name == DIRECT:
            continue
        print(f"memory of {name}", file=sys.stderr)
        with contextlib.suppress(MissingError):
            known, memory = memory_of(bench, TARGETS[name], plan, requests=requests)
            found[known] = memory
    return found


def _shown(rounds: Rounds, memory: Mapping[str, Memory], names: Sequence[str]) -> str:
    heads = {
        "promises": "What is promised",
        "requests": "A request of 1 KB, an answer of 1 KB",
        "streams": "64 streams, read as fast as they come",
        "paced": "200 streams, an event each 20 ms",
        "large": "Large bodies and memory",
    }
    found = tables(rounds, memory, names)
    parts = [f"**{heads[name]}**\n\n{table}" for name, table in found.items()]
    return "\n\n".join((_setting(rounds), *parts))


def _setting(rounds: Rounds) -> str:
    cpu = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    program = shutil.which("nginx")
    nginx = ""
    if program:
        said = subprocess.run((program, "-v"), capture_output=True, text=True, check=False).stderr
        nginx = f", nginx {said.rpartition('/')[2].strip()}"
    processor = cpu[1] if cpu else platform.machine()
    others = f"{rounds.everywhere('others') or 0:.0%}"
    return (
        f"{len(rounds.rounds)} rounds on two cores of {processor}, Python {platform.python_version()}{nginx}. "
        f"Other programs had {others} of the machine meanwhile, in the median."
    )


def drawing(rounds: Rounds, names: Sequence[str]) -> str:
    between = [name for name in names if name != DIRECT]

    def of(measure: str, figure: str) -> dict[str, float | None]:
        return {name: rounds.median(measure, name, figure) for name in between}

    return picture(
        (
            Panel("CPU µs of a request of 1 KB", of("requests-64", "cpu_us")),
            Panel("CPU s of 100,000 events, 64 streams at saturation", of("saturated", "cpu_s_per_100k")),
            Panel("CPU s of 100,000 events, 200 streams at 20 ms", of("paced", "cpu_s_per_100k")),
            Panel(
                "Added µs of a request, one at a time",
                {name: rounds.added("requests-1", name, "p50_us") for name in between},
            ),
        )
    )


def write(shown: str, svg: str) -> None:
    pattern = re.compile(r"(<!-- measured:bench.proxy -->\n).*?(<!-- end -->)", re.DOTALL)
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(pattern.sub(lambda found: f"{found[1]}{shown}\n{found[2]}", page), encoding="utf-8")
    PLOT.write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
