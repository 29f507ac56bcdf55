"""`python -m switchyard_image_server.demo OUT`: make the demo models, or find them made."""

import argparse
import sys
from pathlib import Path

from switchyard_image_server.demo.make import RECIPES, make
from switchyard_image_server.errors import StartFailure


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - a command line


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m switchyard_image_server.demo", description=__doc__)
    parser.add_argument("out", type=Path, metavar="OUT", help="the folder to make them in")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=sorted(RECIPES),
        default=list(RECIPES),
        help="make only these (default: all)",
    )
    arguments = parser.parse_args()
    try:
        make(arguments.out, tuple(arguments.only), _say)
    except (OSError, StartFailure) as problem:
        print(f"cannot make the demo models in {arguments.out}: {problem}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
