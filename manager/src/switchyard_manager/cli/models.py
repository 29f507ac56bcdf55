"""`switchyard models`: which files are here and what they take; `switchyard models rm NAME…` removes them."""

from typing import Annotated

import typer
from rich.console import RenderableType

from switchyard_contracts.admin import KeptFiles, KeptRepository
from switchyard_contracts.errors import ErrorCode
from switchyard_contracts.status import FilesAt, FilesStatus, ModelStatus
from switchyard_manager.cli.asking import Failed, Manager, ask
from switchyard_manager.cli.printing import Json, say, say_json, show, table
from switchyard_manager.model_files import words

REMOVE = "rm"
HERE: dict[FilesAt, str] = {
    FilesAt.UNKNOWN: "is looked at",
    FilesAt.ABSENT: "not downloaded",
    FilesAt.HERE: "here",
}

Words = Annotated[
    list[str] | None,
    typer.Argument(metavar="[rm NAME…]", help="Remove the files of these: models, or repositories of the Hub."),
]


def models(said: Words = None, json_output: Json = False) -> None:
    """Show which models' files are here and what they take, or remove some with `rm`."""
    if not said:
        _show(json_output=json_output)
    elif said[0] == REMOVE and len(said) > 1:
        _remove(said[1:], json_output=json_output)
    else:
        text = (
            f"cannot understand {' '.join(said)!r}: write `switchyard models`, or `switchyard models rm NAME`"
        )
        raise Failed.because(ErrorCode.INVALID_VALUE, text)


def _remove(names: list[str], *, json_output: bool) -> None:
    gone = [ask(lambda manager, name=name: manager.remove_files(name)) for name in names]  # type: ignore[misc]
    if json_output:
        say_json([one.model_dump(mode="json") for one in gone])
        return
    for one in gone:
        say(f"Removed {', '.join(one.repositories)}: {words.size(one.freed_bytes)} are free again.")


def _show(*, json_output: bool) -> None:
    status, files = ask(_look)
    if json_output:
        known = {model.name: model.files and model.files.model_dump(mode="json") for model in status}
        say_json({"models": known, **files.model_dump(mode="json")})
        return
    show(_models(status, files), *_others(files), "", _room(files))


async def _look(manager: Manager) -> tuple[tuple[ModelStatus, ...], KeptFiles]:
    return (await manager.status()).models, await manager.files()


def _models(status: tuple[ModelStatus, ...], files: KeptFiles) -> RenderableType:
    drawn = table("model", "files", "size", "repositories", keep=["size"])
    for model in status:
        mine = [kept for kept in files.repositories if model.name in kept.models]
        size = sum(kept.bytes for kept in mine)
        here = _here(model.files)
        drawn.add_row(model.name, here, words.size(size) if size else "", ", ".join(kept.repo for kept in mine))
    return drawn


def _here(files: FilesStatus | None) -> str:
    if files is None:
        return "in its image"
    if files.at is not FilesAt.FETCHING:
        return HERE[files.at]
    if not files.total_bytes:
        return "downloading"
    return words.progress(files.done_bytes or 0, files.total_bytes)


def _others(files: KeptFiles) -> list[RenderableType]:
    left = [kept for kept in files.repositories if not kept.models and kept.bytes]
    if not left:
        return []
    drawn = table("of no model", "size", keep=["size"])
    for kept in left:
        drawn.add_row(kept.repo, _size(kept))
    return ["", drawn]


def _size(kept: KeptRepository) -> str:
    begun = f" ({words.size(kept.incomplete_bytes)} incomplete)" if kept.incomplete_bytes else ""
    return words.size(kept.bytes) + begun


def _room(files: KeptFiles) -> str:
    free = "" if files.free_bytes is None else f", {words.size(files.free_bytes)} free"
    taken = sum(kept.bytes for kept in files.repositories)
    return f"{files.folder}: {words.size(taken)} taken{free}"
