"""`switchyard remove MODEL`: take a model out of models.json. Its weights stay where they are."""

from typing import Annotated

import typer

from switchyard_contracts.catalog import read_catalog
from switchyard_contracts.errors import ErrorCode
from switchyard_manager.catalog_edit import NotInCatalog, entry_of, remove_model
from switchyard_manager.cli.asking import Failed, nearest
from switchyard_manager.cli.editing import difference, is_agreed, text_of, write
from switchyard_manager.cli.printing import Json, say, say_json
from switchyard_manager.settings import read_settings

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Write it without asking.")]


def remove(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="The model's name in models.json.")],
    yes: Yes = False,
    json_output: Json = False,
) -> None:
    """Take a model out of models.json, once its running requests are done. Its weights stay."""
    settings = read_settings()
    before = text_of(settings)
    entry = entry_of(before, model)
    if entry is None:
        raise _not_there(model, before)
    after = _without(before, model)
    if not json_output:
        say(difference(before, after))
    if not is_agreed(f"Remove {model} from {settings.catalog}?", yes=yes):
        raise typer.Exit(1)
    write(settings, lambda text: _without(text, model))
    if json_output:
        say_json({"model": model, "entry": entry, "file": str(settings.catalog), "written": True})
    else:
        say(f"{model} is no longer in {settings.catalog}; a manager that runs lets its requests finish.")


def _without(text: str, model: str) -> str:
    try:
        return remove_model(text, model)
    except NotInCatalog:
        raise _not_there(model, text) from None


def _not_there(model: str, text: str) -> Failed:
    near = nearest(model, list(read_catalog(text).models))
    advice = f"did you mean {near}?" if near else "see `switchyard validate` for the names there"
    return Failed.because(ErrorCode.MODEL_NOT_FOUND, f"cannot find the model {model} in models.json: {advice}")
