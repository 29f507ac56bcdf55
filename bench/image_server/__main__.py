"""What the image server costs beside the bare call, and how quickly it lets go, sleeps and takes turns.

    .venv-image-server/bin/python -m bench.image_server [--quick] [--overhead] [--write]

Runs on the demo models and on a larger random one, made for the run. Ratios and differences within one run are
what counts; whatever else the machine does shows in the milliseconds.
"""

import argparse
import os
import platform
import re
import tempfile
from pathlib import Path

from bench.image_server import measures, report
from bench.image_server.calm import Calm
from bench.image_server.measures import Effort, Shape
from bench.image_server.weights import write_larger_model

from switchyard_image_server.demo.make import make

PAGE = Path(__file__).parents[2] / "docs/image-server-performance.md"
ROUNDS, QUICK_ROUNDS = 15, 5
EFFORT, QUICK_EFFORT = Effort(starts=4, rounds=30), Effort(starts=1, rounds=12)
SHAPES = (Shape(256, 20, "jpeg"), Shape(512, 40, "jpeg"), Shape(512, 40, "png"))


def main() -> None:
    options = argparse.ArgumentParser(
        prog="python -m bench.image_server", description=(__doc__ or "").partition("\n")[0]
    )
    options.add_argument("--quick", action="store_true", help="a first look: fewer rounds")
    options.add_argument("--write", action="store_true", help="write what is found into docs/")
    options.add_argument("--overhead", action="store_true", help="only what the server adds to the bare call")
    asked = options.parse_args()
    if asked.overhead and asked.write:
        options.error("cannot write a part of the page; leave --overhead out")
    with tempfile.TemporaryDirectory() as folder:
        models = Path(folder)
        write_models(models)
        effort = QUICK_EFFORT if asked.quick else EFFORT
        shown = _overhead(models, effort)
        if not asked.overhead:
            shown += "\n\n" + _rest(models, QUICK_ROUNDS if asked.quick else ROUNDS)
    print(shown)
    if asked.write:
        text = PAGE.read_text(encoding="utf-8")
        found = f"<!-- measured -->\n{shown}\n<!-- end -->"
        PAGE.write_text(re.sub(r"<!-- measured -->.*<!-- end -->", lambda _: found, text, flags=re.DOTALL))


def write_models(folder: Path) -> None:
    make(folder, ("image", "chat"), say=lambda _: None)
    write_larger_model(folder / "larger")


def _overhead(folder: Path, effort: Effort) -> str:
    image, calm = folder / "image", Calm()
    pairs = [
        *measures.pictures(image, effort, SHAPES, calm),
        measures.answers(folder / "chat", "the demo model", effort, 64, calm),
        measures.answers(folder / "larger", "a model of 25 M parameters", effort, 64, calm),
    ]
    machine = f"{platform.machine()}, {os.cpu_count()} cores, no GPU; Python {platform.python_version()}"
    often = f"all processes started {effort.starts} times, {effort.rounds} rounds each"
    parts = (
        f"{machine}; {often}. {report.calm(calm)}",
        report.pairs(pairs),
        report.encoding(measures.encoding(image, SHAPES, effort.rounds)),
    )
    return "\n\n".join(parts)


def _rest(folder: Path, rounds: int) -> str:
    image, larger = folder / "image", folder / "larger"
    parts = (
        report.together(measures.together(larger, 64, (4, 8))),
        report.letting_go(measures.letting_go(image, rounds, 256, 60)),
        report.health(measures.health_while_drawing(image, rounds, 512, 8)),
        report.naps(measures.naps(larger, rounds)),
        report.turns(measures.turns(image, 12)),
    )
    return "\n\n".join(parts)


if __name__ == "__main__":
    main()
