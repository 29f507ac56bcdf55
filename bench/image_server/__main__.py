"""What the image server costs beside the bare call, and how quickly it lets go, sleeps and takes turns.

    .venv-image-server/bin/python -m bench.image_server [--quick] [--write]

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
from bench.image_server.weights import write_larger_model

from switchyard_image_server.demo.make import make

PAGE = Path(__file__).parents[2] / "docs/image-server-performance.md"
ROUNDS, QUICK_ROUNDS = 15, 5


def main() -> None:
    options = argparse.ArgumentParser(
        prog="python -m bench.image_server", description=(__doc__ or "").partition("\n")[0]
    )
    options.add_argument("--quick", action="store_true", help="a first look: fewer rounds")
    options.add_argument("--write", action="store_true", help="write what is found into docs/")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        shown = _found(Path(folder), QUICK_ROUNDS if asked.quick else ROUNDS)
    print(shown)
    if asked.write:
        text = PAGE.read_text(encoding="utf-8")
        found = f"<!-- measured -->\n{shown}\n<!-- end -->"
        PAGE.write_text(re.sub(r"<!-- measured -->.*<!-- end -->", lambda _: found, text, flags=re.DOTALL))


def _found(folder: Path, rounds: int) -> str:
    make(folder, ("image", "chat"), say=lambda _: None)
    image, larger = folder / "image", folder / "larger"
    write_larger_model(larger)
    pairs = [
        *measures.pictures(image, rounds, ((256, 20, "jpeg"), (512, 40, "jpeg"), (512, 40, "png"))),
        measures.answers(folder / "chat", "the demo model", rounds, 64),
        measures.answers(larger, "a model of 25 M parameters", rounds, 64),
    ]
    machine = f"{platform.machine()}, {os.cpu_count()} cores, no GPU; Python {platform.python_version()}"
    parts = (
        f"{machine}, {rounds} rounds.",
        report.pairs(pairs),
        report.together(measures.together(larger, 64, (4, 8))),
        report.letting_go(measures.letting_go(image, rounds, 256, 60)),
        report.health(measures.health_while_drawing(image, rounds, 512, 8)),
        report.naps(measures.naps(larger, rounds)),
        report.turns(measures.turns(image, 12)),
    )
    return "\n\n".join(parts)


if __name__ == "__main__":
    main()
