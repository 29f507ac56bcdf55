"""Qwen-Image-2.1 in its real measure on a real card: seconds a picture, beside the bare call and the floor.

    .venv-image-server/bin/python -m bench.image_server.cards [--geometry tiny] [--device cpu] [--folder DIR]

Needs a card of 48 GB or more and 34 GB for the weights (random, made for the run). One side after the other:
two would not fit. `--geometry tiny --device cpu` runs the same code anywhere; its figures mean nothing.
"""

import argparse
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path

import httpx
import torch
from bench.image_server.geometries import GEOMETRIES, TILE, flops_of_a_step, write
from bench.image_server.measures import PROMPT, posted, timed
from bench.image_server.report import ms, row
from bench.image_server.sides import bare, served

TURBO = [1.0, 0.95, 0.89, 0.82, 0.72, 0.59, 0.42, 0.2]
ROUNDS = 3
HEAD = ("", "steps", "bare, s", "served, s", "added, ms", "floor, s", "of the floor", "peak MiB")


@dataclass(frozen=True, slots=True)
class Card:
    """What it can do at best, as measured here: a large product, a large copy on it, and one to it."""

    flops: float
    bytes_s: float
    link_bytes_s: float


@dataclass(frozen=True, slots=True)
class Way:
    """A way to run the server, and how the bare call is run beside it; `bare` None: there is none like it."""

    name: str
    server: tuple[str, ...]
    bare: tuple[str, ...] | None


WAYS = (
    Way("bfloat16, resident", ("--memory", "resident"), ()),
    Way("bfloat16, compiled", ("--memory", "resident", "--compile"), ("--compile",)),
    Way("fp8 weights", ("--memory", "resident", "--quantization", "fp8"), None),
    Way("int8 weights", ("--memory", "resident", "--quantization", "int8"), None),
)


def measured(device: str, size: int) -> Card:
    """By PyTorch's own calls, so what is compared is what they could reach."""
    if device == "cpu":
        size = min(size, 512)
    left = torch.randn(size, size, dtype=torch.bfloat16, device=device)
    many = torch.empty(size * size * 16, dtype=torch.uint8, device=device)
    host = torch.empty(many.numel(), dtype=torch.uint8, pin_memory=device == "cuda")

    def best(call: object, rounds: int = 5) -> float:
        assert callable(call)
        call()
        return min(timed(lambda: (call(), _wait(device))) for _ in range(rounds))

    return Card(
        flops=2.0 * size**3 / best(lambda: left @ left),
        bytes_s=2.0 * many.numel() / best(many.clone),
        link_bytes_s=many.numel() / best(lambda: many.copy_(host, non_blocking=True)),
    )


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def floor_s(folder: Path, card: Card, side: int, steps: int) -> float:
    """The transformer alone: each step its arithmetic or one reading of its weights, whichever is longer."""
    from diffusers import QwenImage21Transformer2DModel

    config = QwenImage21Transformer2DModel.load_config(folder / "transformer")
    with torch.device("meta"):
        model = QwenImage21Transformer2DModel.from_config(config)
    parameters = sum(one.numel() for one in model.parameters())
    flops = flops_of_a_step(parameters, side, model.inner_dim, config["num_layers"])
    return steps * max(flops / card.flops, 2.0 * parameters / card.bytes_s)


def one_way(way: Way, folder: Path, device: str, side: int, steps: int, floor: float) -> str:
    asked = {"prompt": PROMPT, "side": side, "steps": steps, "seed": 1}
    direct = None
    if way.bare is not None:
        flags = ("--device", device, "--dtype", "bfloat16", *way.bare)
        with bare("image", folder, *flags) as side_one:
            direct = _median(lambda: side_one.seconds(**asked))
    body = {"prompt": PROMPT, "size": f"{side}x{side}", "seed": 1, "steps": steps, "true_cfg_scale": 1}
    with served(folder, "--device", device, "--dtype", "bfloat16", *way.server) as client:
        ours = _median(lambda: timed(lambda: posted(client, "/v1/images/generations", body)))
        peak = client.get("/v1/status").json()["memory"]["measured_peak_mib"]
    cells = (
        way.name,
        str(steps),
        "" if direct is None else f"{direct:.2f}",
        f"{ours:.2f}",
        "" if direct is None else ms(ours - direct),
        f"{floor:.2f}",
        f"{ours / floor:.1f}x",
        f"{peak:,.0f}",
    )
    return row(cells)


def _median(call: object) -> float:
    assert callable(call)
    call()  # the first compiles, and fills caches
    return statistics.median(call() for _ in range(ROUNDS))


def naps(client: httpx.Client, card: Card) -> str:
    pairs = [
        (timed(lambda: posted(client, "/sleep", {})), timed(lambda: posted(client, "/wake", {})))
        for _ in range(ROUNDS + 1)
    ][1:]
    size = client.get("/v1/status").json()["memory"]["sleep"]["host_copy_mib"] * 2**20
    asleep, awake = (statistics.median(times) for times in zip(*pairs, strict=True))
    share = size / awake / card.link_bytes_s
    return (
        f"{size / 1e9:.1f} GB asleep in {asleep:.2f} s, awake in {awake:.2f} s: {size / awake / 1e9:.1f} GB/s, "
        f"{share:.2f} of what one pinned copy reaches ({card.link_bytes_s / 1e9:.1f} GB/s)."
    )


def main() -> None:
    options = argparse.ArgumentParser(
        prog="python -m bench.image_server.cards", description=(__doc__ or "").partition("\n")[0]
    )
    options.add_argument("--geometry", choices=GEOMETRIES, default="real")
    options.add_argument("--device", default="cuda")
    options.add_argument("--side", type=int, default=1024)
    options.add_argument("--steps", type=int, default=50)
    options.add_argument("--ways", type=int, default=len(WAYS), help="only the first so many")
    options.add_argument("--folder", type=Path, help="where to make the weights (default: a temporary folder)")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as place:
        _run(Path(place), asked)


def _run(place: Path, asked: argparse.Namespace) -> None:
    assert asked.side % (2 * TILE) == 0
    card = measured(asked.device, 8192)
    reaches = f"{card.flops / 1e12:.0f} TFLOP/s, {card.bytes_s / 1e9:.0f} GB/s"
    print(f"The card reaches {reaches}, and {card.link_bytes_s / 1e9:.1f} GB/s from the host.")
    print(row(HEAD))
    print(row(["---"] * len(HEAD)))
    for name, sigmas, steps in (("plain", None, asked.steps), ("turbo", TURBO, len(TURBO))):
        folder = place / name
        write(folder, GEOMETRIES[asked.geometry], asked.device, sigmas)
        floor = floor_s(folder, card, asked.side, steps)
        for way in WAYS[: asked.ways]:
            print(one_way(way, folder, asked.device, asked.side, steps, floor), flush=True)
    flags = ("--device", asked.device, "--dtype", "bfloat16", "--memory", "resident")
    with served(place / "turbo", *flags) as client:
        print(naps(client, card))


if __name__ == "__main__":
    main()
