"""Sleep and wake with weights of a real size on a real card, against what the link between them can carry.

    .venv/bin/python -m bench.switch.cards [--pairs N] [--folder DIR] [--geometry tiny --device cpu]

Two image models with random weights (34 GB each) take turns through manager and proxy, as processes: each
switch moves one out to RAM and the other in. Needs a card that holds one of them, and RAM for two. Without a
card it says so; `--geometry tiny --device cpu` runs the same code anywhere, and its figures mean nothing.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.switch import asking, report
from bench.switch.lines import CARD, IMAGE_SERVER_ENV, NEEDS_MIB, ROOT, Line
from bench.switch.scenes import Rival
from bench.switch.split import Mode, Part, Row

from switchyard_manager.gpu import NvmlMeter

NAMES = ("plain", "turbo")
WRITE = """
import sys
from pathlib import Path
from bench.image_server.cards import TURBO
from bench.image_server.geometries import GEOMETRIES, write
folder, geometry, device = sys.argv[1:]
for name, sigmas in (("plain", None), ("turbo", TURBO)):
    write(Path(folder, name), GEOMETRIES[geometry], device, sigmas)
"""
LINK = """
import sys
from bench.image_server.cards import measured
print(measured(sys.argv[1], 8192).link_bytes_s)
"""


def main() -> None:
    options = argparse.ArgumentParser(
        prog="python -m bench.switch.cards", description=(__doc__ or "").partition("\n")[0]
    )
    options.add_argument("--geometry", default="real", choices=("real", "tiny"))
    options.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    options.add_argument("--pairs", type=int, default=3)
    options.add_argument("--folder", type=Path, help="where to make the weights (default: a temporary folder)")
    asked = options.parse_args()
    if asked.device == "cuda" and not NvmlMeter().read().gpus:
        sys.exit(
            "cannot bench: there is no NVIDIA GPU here, and without one nothing is moved when a model sleeps"
        )
    with tempfile.TemporaryDirectory(dir=asked.folder, prefix="switchyard-bench-") as place:
        print(_found(Path(place), asked))


def _found(place: Path, asked: argparse.Namespace) -> str:
    _by_image_server(WRITE, str(place), asked.geometry, asked.device)
    link_bytes_s = float(_by_image_server(LINK, asked.device).split()[-1])
    rows = pair(place, asked.device).rows(place / "run", Mode.SLEEP, asked.pairs)
    sizes = {name: _bytes(place / name) for name in NAMES}
    return f"{report.table(rows)}\n\n{against_the_link(rows, sizes, link_bytes_s)}"


def _by_image_server(program: str, *arguments: str) -> str:
    command = (str(IMAGE_SERVER_ENV / "python"), "-c", program, *arguments)
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout


def pair(place: Path, device: str) -> Line:
    """On a real card nothing is declared: what each needs is told by its first run."""
    arguments: dict[str, Any] = {"memory": "resident", "dtype": "bfloat16"}
    entry: dict[str, Any] = {"type": "image", "engine": "image-server", "startup_timeout_s": 1200}
    if device == "cpu":
        arguments |= {"device": "cpu", "dtype": "float32"}
        entry["vram_mib"] = NEEDS_MIB
    return Line(
        "image models",
        (Rival(NAMES[0], asking.picture()), Rival(NAMES[1], asking.picture())),
        {name: {**entry, "path": str(place / name), "engine_args": arguments} for name in NAMES},
        {"SWITCHYARD_IMAGE_SERVER": IMAGE_SERVER_ENV / "switchyard-image-server"},
        gpus=(CARD,) if device == "cpu" else (),
        needs_mib=None,
    )


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*.safetensors"))


def against_the_link(rows: Sequence[Row], sizes: dict[str, int], link_bytes_s: float) -> str:
    """A wake carries one model over the link; a switch carries two, one after the other."""
    said = [f"One pinned copy from RAM to the card reaches {link_bytes_s / 1e9:.1f} GB/s."]
    for row in rows:
        size = sizes[row.name.rpartition(" ")[2]]
        wake_s = statistics.median(switch.own_s(Part.RISE) for switch in row.switches)
        whole_s = statistics.median(switch.whole_s for switch in row.switches)
        both = sum(sizes.values()) / link_bytes_s
        said.append(
            f"{row.name}: {size / 1e9:.1f} GB wake at {size / wake_s / 1e9:.1f} GB/s, "
            f"{size / wake_s / link_bytes_s:.2f} of that; the whole switch takes {whole_s:.2f} s, "
            f"{whole_s / both:.1f} times what carrying both would."
        )
    return "\n".join(said)


if __name__ == "__main__":
    main()
