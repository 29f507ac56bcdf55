"""The pairs of models that are switched between: which engines, from which weights, in which runtime."""

import json
import os
import statistics
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.switch import asking
from bench.switch.beside import Alone
from bench.switch.containers import has_image, watching_containers
from bench.switch.product import Product, product
from bench.switch.scenes import Program, Rival, Scene, Witness, completed
from bench.switch.split import Mode, Part, Row, Switch
from bench.switch.witness import stamping, watching

from switchyard_contracts.catalog import Catalog
from switchyard_manager import catalog_file
from tests.vllm_on_cpu.environment import forked_command, what_is_missing
from tests.vllm_on_cpu.models import text_model
from tests.vllm_on_cpu.tiny_model import Tiny, make

ROOT = Path(__file__).parents[2]
IMAGE_SERVER_ENV = ROOT / ".venv-image-server/bin"
# One of them fits beside another that sleeps, and two that are awake do not.
CARD = {"uuid": "GPU-declared", "name": "declared", "vram_mib": 6000, "devices": []}
NEEDS_MIB = 3000
# Nobody's turn is held back: that would be policy, and no part of what a switch costs.
SETTINGS = {"min_resident_s": 0, "max_wait_s": 1}
LIVES, NAPS = 2, 5


@dataclass(frozen=True, slots=True)
class Line:
    """Two models that take turns."""

    name: str
    rivals: tuple[Rival, Rival]
    entries: Mapping[str, Mapping[str, Any]]
    programs: Mapping[str, Path] = field(default_factory=dict)  # by the setting that names them; none: images
    images: Mapping[str, str] = field(default_factory=dict)  # the same
    gpus: tuple[Mapping[str, Any], ...] = (CARD,)  # what the catalog says of them
    needs_mib: int | None = NEEDS_MIB  # None: each entry says it, or nobody does

    def rows(self, folder: Path, mode: Mode, rounds: int) -> list[Row]:
        folder.mkdir(parents=True)
        catalog = self._catalog(folder, mode)
        programs: dict[str, Program] = {}
        with (
            product(folder / "product", self._settings(folder, catalog)) as running,
            self._watched(folder, running) as witness,
        ):
            scene = Scene(running, witness, mode)
            for rival in self.rivals:
                scene.bring_up(rival)
                programs[rival.name] = witness.program()
            quiet = self._switches(scene, mode, rounds, busy=False)
            busy = self._switches(scene, mode, rounds, busy=True) if mode is not Mode.COLD else {}
        models = catalog_file.load(catalog)
        alone = {rival.name: self._alone(rival, programs[rival.name], models, mode) for rival in self.rivals}
        return [
            *(_row(names, switches, mode, alone) for names, switches in quiet.items()),
            *(_row(names, switches, mode, alone, busy=True) for names, switches in busy.items()),
        ]

    def _settings(self, folder: Path, catalog: Path) -> dict[str, str]:
        stamped = {name: str(stamping(folder, program)) for name, program in self.programs.items()}
        runtime = "process" if self.programs else "docker"
        return {"SWITCHYARD_RUNTIME": runtime, "SWITCHYARD_CATALOG": str(catalog), **self.images, **stamped}

    def _watched(self, folder: Path, running: Product) -> "AbstractContextManager[Witness]":
        return watching(folder, running.logs) if self.programs else watching_containers(running.state)

    def _catalog(self, folder: Path, mode: Mode) -> Path:
        sleep = "auto" if mode is Mode.SLEEP else "off"
        said = {"sleep": sleep} | ({"vram_mib": self.needs_mib} if self.needs_mib else {})
        file = folder / "models.json"
        models = {name: {**said, **entry} for name, entry in self.entries.items()}
        file.write_text(
            json.dumps({"gpus": self.gpus, "settings": SETTINGS, "models": models}), encoding="utf-8"
        )
        return file

    def _switches(
        self, scene: Scene, mode: Mode, rounds: int, *, busy: bool
    ) -> dict[tuple[str, str], list[Switch]]:
        found: dict[tuple[str, str], list[Switch]] = {}
        for _ in range(rounds):
            for to in self.rivals:
                names = ("" if mode is Mode.COLD else scene.loaded_name, to.name)
                can = busy and scene.loaded is not None and scene.loaded.long is not None
                switch = scene.switch(to, busy=can)
                if can or not busy:
                    found.setdefault(names, []).append(switch)
        return found

    def _alone(self, rival: Rival, program: Program, catalog: Catalog, mode: Mode) -> list[Alone]:
        sleeps = mode is Mode.SLEEP
        model = catalog.models[rival.name]
        return [
            program.alone(model, rival.question, NAPS if sleeps else 0) for _ in range(1 if sleeps else LIVES)
        ]


def _row(
    names: tuple[str, str],
    switches: list[Switch],
    mode: Mode,
    alone: Mapping[str, list[Alone]],
    *,
    busy: bool = False,
) -> Row:
    leaves, to = names
    own = dict(_own(mode, alone[to], alone.get(leaves, [])))
    shown = f"{leaves} → {to}" if leaves else to
    whole = tuple(completed(switch, own) for switch in switches)
    return Row(f"{shown}, which is busy" if busy else shown, mode, whole)


def _own(mode: Mode, to: list[Alone], leaves: list[Alone]) -> Iterator[tuple[Part, float]]:
    """What each engine needs when nobody is between it and whoever asks."""
    if mode is not Mode.SLEEP:
        yield Part.CANARY, statistics.median(life.after_start.canary_s for life in to)
        yield Part.FIRST, statistics.median(life.after_start.first_s for life in to)
        return
    naps = [nap for life in to for nap in life.naps]
    yield Part.FREE, statistics.median(nap.sleep_s for life in leaves for nap in life.naps)
    yield Part.RISE, statistics.median(nap.wake_s for nap in naps)
    yield Part.CANARY, statistics.median(nap.after.canary_s for nap in naps)
    yield Part.FIRST, statistics.median(nap.after.first_s for nap in naps)


def lines(folder: Path, images: Mapping[str, str]) -> Iterator[Line]:
    """Those whose engines are here. `images`: of containers, by the setting that names them."""
    demo, tiny = folder / "demo", folder / "tiny"
    if (IMAGE_SERVER_ENV / "switchyard-image-server").exists():
        make_demo(demo, "chat", "image")
        line = image_server(demo)
        yield line
        if has_image(images["SWITCHYARD_IMAGE_SERVER_IMAGE"]):
            yield in_containers(line, images)
    if what_is_missing() is None:
        line = _vllm(tiny)
        yield line
        if has_image(images["SWITCHYARD_VLLM_IMAGE"]):
            yield in_containers(line, images)


def in_containers(line: Line, images: Mapping[str, str]) -> Line:
    return Line(f"{line.name} in containers", line.rivals, line.entries, images=images)


def make_demo(demo: Path, *names: str) -> None:
    """The tiny models that the image server makes of nothing."""
    command = (
        str(IMAGE_SERVER_ENV / "python"),
        "-m",
        "switchyard_image_server.demo",
        str(demo),
        "--only",
        *names,
    )
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "OMP_NUM_THREADS": "1"})


def image_server(demo: Path) -> Line:
    cpu = {"engine": "image-server", "engine_args": {"device": "cpu", "dtype": "float32"}}
    return Line(
        "Image server",
        (
            Rival("chat", asking.chat(), long=asking.chat(tokens=400, ignore_eos=True)),
            Rival("picture", asking.picture()),
        ),
        {
            "chat": {"type": "text", "path": str(demo / "chat"), **cpu},
            "picture": {"type": "image", "path": str(demo / "image"), **cpu},
        },
        {"SWITCHYARD_IMAGE_SERVER": IMAGE_SERVER_ENV / "switchyard-image-server"},
    )


def _vllm(tiny: Path) -> Line:
    names = ("tiny-a", "tiny-b")
    long = asking.chat(tokens=600, ignore_eos=True)
    return Line(
        "vLLM for CPUs",
        (Rival(names[0], asking.chat(), long), Rival(names[1], asking.chat(), long)),
        {name: text_model(make(tiny / name, Tiny(name)), gpus=1) for name in names},
        {"SWITCHYARD_VLLM": forked_command(tiny)},
    )
