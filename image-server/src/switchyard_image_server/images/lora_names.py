"""Which LoRAs a request may ask for, what it means by asking, and what they want of the sampler. Pure but for
looking a path up; reads no weights.

A request names what the operator put into the catalog (`--lora`), or a safetensors file below the folder that
the operator opened (`--lora-root`). Nothing else on this machine, and nothing from the network.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from switchyard_image_server.errors import InvalidValue, Refused, Unsupported
from switchyard_image_server.settings import NamedLora

MAX_AT_ONCE = 8
MAX_SCALE = 10.0
ENDING = ".safetensors"
PARAM = "lora"


@dataclass(frozen=True, slots=True)
class AskedLora:
    """As the request said it: a name or a path; no scale is the catalog's own."""

    name: str | None = None
    path: str | None = None
    scale: float | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a distilled LoRA has to be sampled. `schedule` overrides the scheduler's configuration."""

    steps: int
    guidance: float = 1.0
    sigmas: tuple[float, ...] | None = None
    schedule: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LoraUse:
    """One LoRA, settled: `name` tells adapters apart, `source` is where its weights are."""

    name: str
    source: str
    scale: float = 1.0
    recipe: Recipe | None = None


@dataclass(frozen=True, slots=True)
class LoraShelf:
    """What requests may choose from. `titles` is what the files in the catalog say of themselves, by name."""

    named: tuple[NamedLora, ...] = ()
    root: Path | None = None
    titles: Mapping[str, str] = field(default_factory=dict)


def settle_loras(asked: Sequence[AskedLora], shelf: LoraShelf) -> tuple[LoraUse, ...]:
    """What the request's `lora` field means. Every refusal names the field."""
    if len(asked) > MAX_AT_ONCE:
        raise InvalidValue(
            f"cannot wear {len(asked)} LoRAs at once: {MAX_AT_ONCE} at the most; leave some out", param=PARAM
        )
    uses = tuple(_settled(one, shelf) for one in asked)
    names = [use.name for use in uses]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InvalidValue(f"cannot wear the LoRA {twice!r} twice: name it once", param=PARAM)
    if len({use.source for use in uses}) < len(uses):  # two names of one file: its adapter is there once
        told = ", ".join(map(repr, names))
        raise InvalidValue(f"cannot wear one LoRA by two names ({told}): name it once", param=PARAM)
    recipe_of(uses)
    return uses


def recipe_of(uses: Sequence[LoraUse]) -> Recipe | None:
    """How to sample with these on. What the request says itself goes before it."""
    recipes = [use for use in uses if use.recipe is not None and use.scale != 0]
    if len(recipes) > 1 and any(use.recipe != recipes[0].recipe for use in recipes):
        told = " and ".join(repr(use.name) for use in recipes)
        raise InvalidValue(
            f"cannot wear {told} together: each has a schedule of its own; choose one", param=PARAM
        )
    return recipes[0].recipe if recipes else None


def _settled(asked: AskedLora, shelf: LoraShelf) -> LoraUse:
    if asked.scale is not None and not (math.isfinite(asked.scale) and abs(asked.scale) <= MAX_SCALE):
        raise InvalidValue(
            f"cannot scale a LoRA by {asked.scale}: between -{MAX_SCALE:g} and {MAX_SCALE:g}", param=PARAM
        )
    wanted = asked.path or asked.name
    if not wanted:
        raise InvalidValue("cannot wear a LoRA without a name: give its name or path", param=PARAM)
    known = next((lora for lora in shelf.named if wanted in (lora.name, lora.source)), None)
    if known is None and asked.path:
        known = next((lora for lora in shelf.named if lora.name == asked.name and lora.source == wanted), None)
    if known is not None:
        scale = known.scale if asked.scale is None else asked.scale
        recipe = recipe_for(f"{known.name} {known.source} {shelf.titles.get(known.name, '')}")
        return LoraUse(known.name, known.source, scale, recipe)
    path = _allowed(wanted, shelf)
    scale = 1.0 if asked.scale is None else asked.scale
    return LoraUse(str(path), str(path), scale, recipe_for(path.name))


def _allowed(wanted: str, shelf: LoraShelf) -> Path:
    """The file below the opened folder. Links are followed first: they must not lead out of it."""
    if shelf.root is None:
        raise _unknown(wanted, shelf)
    root = shelf.root.resolve()
    try:
        path = (root / wanted).resolve()
        inside = path.is_relative_to(root) and path.is_file()
    except (OSError, ValueError):  # too long, or no path at all
        raise _unknown(wanted, shelf) from None
    if not inside:
        raise _unknown(wanted, shelf)
    if path.suffix != ENDING:
        raise Unsupported(f"cannot wear {wanted!r}: LoRAs are read from {ENDING} files only", param=PARAM)
    return path


def _unknown(wanted: str, shelf: LoraShelf) -> Refused:
    names = ", ".join(lora.name for lora in shelf.named) or "none"
    below = "; nor is there such a file below the folder for LoRAs" if shelf.root else ""
    return InvalidValue(
        f"cannot find the LoRA {wanted[:200]!r}: this server has {names}{below}; the operator adds one with "
        "--lora NAME=SOURCE",
        param=PARAM,
    )


_STEPS = re.compile(r"(\d+)[ _-]?steps?\b", re.IGNORECASE)
_SECOND_GENERATION = re.compile(r"(?<![vV\d.])2[._]1(?!\d)")
LIGHTNING_SHIFT = math.log(3)  # what the distillation was done with: the same at every size


def recipe_for(text: str) -> Recipe | None:
    """Told by the names that the Lightning LoRAs are published under. An operator may use such a name, too."""
    if "lightning" not in text.lower():
        return None
    if _SECOND_GENERATION.search(text):
        return Recipe(steps=4, sigmas=(1.0, 0.75, 0.5, 0.25), schedule={"shift_terminal": None})
    told = _STEPS.search(text)
    return Recipe(
        steps=max(2, int(told[1])) if told else 8,
        schedule={"base_shift": LIGHTNING_SHIFT, "max_shift": LIGHTNING_SHIFT, "shift_terminal": None},
    )
