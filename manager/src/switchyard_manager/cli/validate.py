"""`switchyard validate [FILE]`: say what is wrong with a catalog, all of it, and exit 1; or that nothing is.

Reads the file and nothing else: no manager is asked, nothing is changed.
"""

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from switchyard_contracts.catalog import Catalog, CatalogRefused, Fault, read_catalog

LARGEST_BYTES = 16 * 2**20
NAMES_LISTED = 10


def validate(
    file: Annotated[Path, typer.Argument(help="The catalog to check.", envvar="SWITCHYARD_CATALOG")] = Path(
        "models.json"
    ),
    json_output: Annotated[bool, typer.Option("--json", help="Answer in JSON, for programs.")] = False,
) -> None:
    """Check models.json, and print everything there is to mend."""
    try:
        catalog = read_catalog(_read_text(file))
    except CatalogRefused as refused:
        _say(_as_json(file, None, refused.faults) if json_output else _refusal(file, refused.faults))
        raise typer.Exit(1) from None
    _say(_as_json(file, catalog, ()) if json_output else _praise(file, catalog))


def _read_text(file: Path) -> str:
    """The file's text. Whatever keeps it from being read is a fault like any other."""
    try:
        with file.open("rb") as stream:
            content = stream.read(LARGEST_BYTES + 1)
    except FileNotFoundError:
        raise _unreadable(
            f"cannot find {_name(file)}; name the file, as in `switchyard validate FILE`"
        ) from None
    except IsADirectoryError:
        raise _unreadable(f"cannot read {_name(file)}, which is a folder; name the file inside it") from None
    except PermissionError:
        raise _unreadable(
            f"cannot read {_name(file)} for lack of permission; allow this user to read it"
        ) from None
    except (OSError, ValueError) as error:
        raise _unreadable(f"cannot read {_name(file)}: {error}; check the path") from None
    if len(content) > LARGEST_BYTES:
        raise _unreadable(f"cannot read {_name(file)}, which is over {LARGEST_BYTES >> 20} MiB; name a catalog")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unreadable(
            f"cannot read byte {error.start} of {_name(file)} as UTF-8; save the file as UTF-8"
        ) from None


def _unreadable(message: str) -> CatalogRefused:
    return CatalogRefused([Fault("", message)])


def _refusal(file: Path, faults: tuple[Fault, ...]) -> str:
    return "\n".join([*map(str, faults), f"{_name(file)} is not valid: {_counted(len(faults), 'fault')}"])


def _praise(file: Path, catalog: Catalog) -> str:
    names = list(catalog.models)
    listed = ", ".join(names[:NAMES_LISTED])
    more = f" and {len(names) - NAMES_LISTED} more" if len(names) > NAMES_LISTED else ""
    return f"{_name(file)} is valid: {_counted(len(names), 'model')} ({listed}{more})"


def _as_json(file: Path, catalog: Catalog | None, faults: tuple[Fault, ...]) -> str:
    return json.dumps(
        {
            "file": _name(file),
            "valid": catalog is not None,
            "models": list(catalog.models) if catalog else [],
            "faults": [{"path": fault.path, "message": fault.message} for fault in faults],
        },
        indent=2,
    )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _name(file: Path) -> str:
    """The path as text that can be printed, even where its bytes are no UTF-8."""
    return os.fsencode(file).decode("utf-8", "backslashreplace")


def _say(text: str) -> None:
    """Print, whatever the terminal can show: an old one gets escapes, not a traceback."""
    encoding = sys.stdout.encoding or "utf-8"
    typer.echo(text.encode(encoding, "backslashreplace").decode(encoding))
