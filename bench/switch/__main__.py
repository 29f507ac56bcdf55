"""How long a switch takes as a client sees it, what it is made of, and how much of it is Switchyard's.

    .venv/bin/python -m bench.switch [--quick] [--write]

Real engines: the image server on demo models, and vLLM for CPUs where it is installed; as processes, and
in containers of the Docker Engine where their images are there. A card is declared where there is none, so that
models sleep: all that a GPU would have to move then is missing from the times, and all the rest is there.
"""

import argparse
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.switch import report
from bench.switch.lines import Line, lines
from bench.switch.split import Mode, Row

PAGE = Path(__file__).parents[2] / "docs/switching.md"
ROUNDS, QUICK_ROUNDS = 4, 2


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended before it was done"))  # what it started ends, too
    options = argparse.ArgumentParser(
        prog="python -m bench.switch", description=(__doc__ or "").partition("\n")[0]
    )
    options.add_argument("--quick", action="store_true", help="a first look: fewer rounds")
    options.add_argument("--modes", default=",".join(Mode), help=f"of {','.join(Mode)}")
    options.add_argument("--only", help="lines whose name has this in it")
    options.add_argument("--vllm-image", default="switchyard-bench:vllm", help="see tests.vllm_on_cpu.image")
    options.add_argument("--image-server-image", default="switchyard-image-server:latest")
    options.add_argument("--write", action="store_true", help="write what is found into docs/")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="switchyard-bench-") as folder:
        shown = _found(Path(folder), asked)
    print(shown)
    if asked.write:
        text = PAGE.read_text(encoding="utf-8")
        found = f"<!-- measured -->\n{shown}\n<!-- end -->"
        PAGE.write_text(re.sub(r"<!-- measured -->.*<!-- end -->", lambda _: found, text, flags=re.DOTALL))


def _found(folder: Path, asked: argparse.Namespace) -> str:
    rounds = QUICK_ROUNDS if asked.quick else ROUNDS
    modes = [Mode(mode) for mode in asked.modes.split(",")]
    parts: list[str] = []
    images = {
        "SWITCHYARD_VLLM_IMAGE": asked.vllm_image,
        "SWITCHYARD_IMAGE_SERVER_IMAGE": asked.image_server_image,
    }
    for number, line in enumerate(lines(folder, images)):
        if (asked.only or "") in line.name:
            parts.append(
                f"### {line.name}\n\n{report.tables(_rows(line, folder / str(number), modes, rounds))}"
            )
    return "\n\n".join((_machine(rounds), *parts))


def _rows(line: Line, folder: Path, modes: Sequence[Mode], rounds: int) -> list[Row]:
    found: list[Row] = []
    for mode in modes:
        print(f"{line.name}: {mode} …", file=sys.stderr)
        rows = line.rows(folder / mode, mode, rounds)
        print(report.table(rows), file=sys.stderr)  # a whole run is long, and may be cut short
        found += rows
    return found


def _machine(rounds: int) -> str:
    cards = _cards()
    gpu = f"with {cards}" if cards else "no GPU: nothing is moved between a card and RAM"
    machine = f"{platform.machine()}, {os.cpu_count()} cores, {gpu}"
    load = os.getloadavg()[2]
    return f"{machine}; Python {platform.python_version()}; {rounds} rounds. Load average: {load:.1f}."


def _cards() -> str:
    try:
        told = subprocess.run(
            ("nvidia-smi", "--query-gpu=name", "--format=csv,noheader"),
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return ""
    return ", ".join(told.stdout.split("\n")).strip(", ") if told.returncode == 0 else ""


if __name__ == "__main__":
    main()
