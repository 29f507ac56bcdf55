"""Change models.json from the command line: show what would change, ask, write. Works with the manager down."""

import asyncio
import difflib
import sys
from collections.abc import Callable

import typer

from switchyard_manager import catalog_file
from switchyard_manager.cli.printing import say
from switchyard_manager.errors import Refused
from switchyard_manager.settings import Settings
from switchyard_manager.state import StateFolder

EMPTY = '{\n  "$schema": "./models.schema.json",\n  "models": {}\n}\n'
LINES_AROUND = 2

Change = Callable[[str], str]


def text_of(settings: Settings) -> str:
    """The catalog's text; an empty one's where there is none yet."""
    if not settings.catalog.exists():
        return EMPTY
    try:
        return settings.catalog.read_bytes().decode()
    except OSError as error:
        raise Refused(f"cannot read {settings.catalog}: {error.strerror}; see who may read it") from error
    except UnicodeDecodeError as error:
        raise Refused(f"cannot read {settings.catalog}: it is not UTF-8 text; save it as UTF-8") from error


def difference(before: str, after: str) -> str:
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), "models.json", "models.json", n=LINES_AROUND, lineterm=""
    )
    return "\n".join(lines)


def is_agreed(question: str, *, yes: bool) -> bool:
    """By a flag, or by an answer where somebody is there to give one."""
    if yes:
        return True
    if not sys.stdin.isatty():
        say("Nothing is written: nobody is here to ask, so say --yes to write it.", err=True)
        return False
    return typer.confirm(question, default=True)


def write(settings: Settings, change: Change) -> None:
    """`change` is called anew with what the file says by then."""
    if not settings.catalog.exists():
        _make(settings, change(EMPTY))
        return
    backups = StateFolder(settings.state).root
    asyncio.run(catalog_file.edit(settings.catalog, change, backups))


def _make(settings: Settings, text: str) -> None:
    try:
        with settings.catalog.open("x", encoding="utf-8") as fresh:
            fresh.write(text)
    except OSError as error:
        raise Refused(
            f"cannot make {settings.catalog}: {error.strerror}; set SWITCHYARD_CATALOG to a file you may write"
        ) from error
