"""`switchyard add`: a model for models.json, by questions or by flags. Works with the manager down.

What the answers leave out, the file leaves out: defaults stay Switchyard's to choose.
"""

import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from switchyard_contracts.catalog import ModelType
from switchyard_contracts.catalog.fields import NAME_PATTERN, NAME_WORDS
from switchyard_manager.catalog_edit import entry_of, set_model
from switchyard_manager.cli.editing import difference, is_agreed, text_of, write
from switchyard_manager.cli.printing import Json, say, say_json
from switchyard_manager.cli.remove import Yes
from switchyard_manager.cli.weights_facts import WeightsFacts, of_folder, of_repo
from switchyard_manager.cli.words import gib
from switchyard_manager.engines.estimate import Estimate
from switchyard_manager.errors import Refused
from switchyard_manager.places import Places
from switchyard_manager.settings import Settings, read_settings

REPO = re.compile(r"^[\w.-]+/[\w.-]+$")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is known of the model so far; None: not said yet."""

    repo: str | None
    path: str | None
    name: str | None
    type: ModelType | None
    vram_mib: int | None
    context_length: int | None
    aliases: tuple[str, ...]

    def entry(self) -> dict[str, Any]:
        said = {
            "type": None if self.type is None else str(self.type),
            "repo": self.repo,
            "path": self.path,
            "aliases": list(self.aliases) or None,
            "vram_mib": self.vram_mib,
            "context_length": self.context_length,
        }
        return {key: value for key, value in said.items() if value is not None}


def add(
    name: Annotated[str | None, typer.Option(help="The name that clients use.")] = None,
    type_: Annotated[ModelType | None, typer.Option("--type", help="What the model works with.")] = None,
    repo: Annotated[
        str | None, typer.Option(metavar="OWNER/NAME", help="Its repository on the Hugging Face Hub.")
    ] = None,
    path: Annotated[str | None, typer.Option(metavar="FOLDER", help="Its folder on this machine.")] = None,
    vram_mib: Annotated[int | None, typer.Option(min=1, help="MiB that it takes on each GPU.")] = None,
    context_length: Annotated[
        int | None, typer.Option(min=1, help="Longest prompt and answer, in tokens.")
    ] = None,
    alias: Annotated[list[str] | None, typer.Option(help="Another name for it; may be given again.")] = None,
    yes: Yes = False,
    json_output: Json = False,
) -> None:
    """Add a model to models.json. Asks for what no flag says."""
    settings = read_settings()
    is_asking = sys.stdin.isatty() and not yes and not json_output
    wanted = Wanted(repo, path, name, type_, vram_mib, context_length, tuple(alias or ()))
    wanted = _with_weights(wanted, is_asking=is_asking)
    facts = _facts(wanted, settings)
    if facts.unknown and not json_output:
        say(f"No estimate of its memory: {facts.unknown}.")
    wanted = _with_name_and_type(wanted, facts, is_asking=is_asking)
    estimate = _estimate(wanted, facts)
    if estimate is not None and not json_output:
        say(_told(estimate))
    if is_asking:
        wanted = _with_the_rest(wanted, facts)
    _write(settings, wanted, estimate, yes=yes, json_output=json_output)


def _with_weights(wanted: Wanted, *, is_asking: bool) -> Wanted:
    if wanted.repo and wanted.path:
        raise Refused(
            "cannot add a model with both --repo and --path: its weights are in one place; choose one"
        )
    if wanted.repo or wanted.path:
        return wanted
    if not is_asking:
        raise Refused("cannot add a model without its weights: say --repo OWNER/NAME, or --path FOLDER")
    said = str(typer.prompt("Repository on the Hugging Face Hub (owner/name), or a folder"))
    is_repo = REPO.match(said) and not Path(said).expanduser().exists()
    return replace(wanted, repo=said) if is_repo else replace(wanted, path=said)


def _facts(wanted: Wanted, settings: Settings) -> WeightsFacts:
    if wanted.repo:
        return of_repo(wanted.repo, None, settings)
    places = Places(settings.catalog, settings.state, settings.image_server, settings.vllm)
    return of_folder(places.weights(wanted.path or "."))


def _with_name_and_type(wanted: Wanted, facts: WeightsFacts, *, is_asking: bool) -> Wanted:
    proposed = _proposed_name(wanted)
    if is_asking:
        name = wanted.name or str(typer.prompt("Name that clients use", default=proposed))
        type_ = wanted.type or _asked_type(facts.type)
        return replace(wanted, name=name, type=type_)
    if wanted.type is None and facts.type is None:
        types = ", ".join(ModelType)
        raise Refused(f"cannot tell what type of model it is ({facts.unknown}): say --type, one of {types}")
    return replace(wanted, name=wanted.name or proposed, type=wanted.type or facts.type)


def _proposed_name(wanted: Wanted) -> str:
    last = Path(wanted.repo or wanted.path or "").name.lower()
    return last if re.fullmatch(NAME_PATTERN, last) else "model"


def _asked_type(guessed: ModelType | None) -> ModelType:
    while True:
        said = str(typer.prompt(f"Type ({', '.join(ModelType)})", default=str(guessed or ModelType.TEXT)))
        if said in set(ModelType):
            return ModelType(said)
        say(f"cannot use the type {said}: write one of {', '.join(ModelType)}")


def _estimate(wanted: Wanted, facts: WeightsFacts) -> Estimate | None:
    return facts.estimate(wanted.context_length)


def _told(estimate: Estimate) -> str:
    parts = [f"weights {gib(estimate.weights_mib)}"]
    if estimate.cache_mib is not None:
        parts.append(f"the cache of {estimate.context} tokens {gib(estimate.cache_mib)}")
    parts.append(f"the rest {gib(estimate.overhead_mib)}")
    return f"It may take about {gib(estimate.total_mib)} GiB on one GPU: {', '.join(parts)}."


def _with_the_rest(wanted: Wanted, facts: WeightsFacts) -> Wanted:
    """Every one of these may be left open."""
    if wanted.context_length is None and wanted.type is not ModelType.IMAGE:
        wanted = replace(
            wanted, context_length=_number("Longest prompt and answer, in tokens (Enter: what fits)")
        )
        if wanted.context_length and (anew := _estimate(wanted, facts)):
            say(_told(anew))
    if wanted.vram_mib is None:
        question = "GPU memory in MiB (Enter: it runs alone on its GPU once, and is measured)"
        wanted = replace(wanted, vram_mib=_number(question))
    if not wanted.aliases:
        said = str(typer.prompt("Other names, with commas (Enter: none)", default="", show_default=False))
        wanted = replace(wanted, aliases=tuple(name.strip() for name in said.split(",") if name.strip()))
    return wanted


def _number(question: str) -> int | None:
    while True:
        said = str(typer.prompt(question, default="", show_default=False)).strip()
        if not said:
            return None
        if said.isascii() and said.isdigit() and int(said):
            return int(said)
        say(f"cannot use {said}: write a whole number of at least 1, or nothing")


def _write(
    settings: Settings, wanted: Wanted, estimate: Estimate | None, *, yes: bool, json_output: bool
) -> None:
    name, entry = wanted.name or "", wanted.entry()
    before = text_of(settings)
    after = _changed(before, name, entry)
    if not json_output:
        say(difference(before, after))
        if not is_agreed(f"Write this to {settings.catalog}?", yes=yes):
            raise typer.Exit(1)
    if yes or not json_output:
        write(settings, lambda text: _changed(text, name, entry))
    if json_output:
        needs = None if estimate is None else estimate.total_mib
        told = {"model": name, "entry": entry, "estimate_mib": needs, "file": str(settings.catalog)}
        say_json({**told, "written": yes})
    else:
        say(f"{name} is in {settings.catalog}; a manager that runs takes it up at once.")


def _changed(text: str, name: str, entry: dict[str, Any]) -> str:
    if not re.fullmatch(NAME_PATTERN, name):
        raise Refused(f"cannot name a model {name!r}: write {NAME_WORDS}")
    if entry_of(text, name) is not None:
        raise Refused(f"cannot add {name}: models.json has it already; edit it there, or choose another --name")
    return set_model(text, name, entry)
