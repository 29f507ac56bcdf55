"""How commands print: text for people, JSON for programs, whatever the terminal can show. Asks nothing."""

import json
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from pydantic import BaseModel
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

Json = Annotated[bool, typer.Option("--json", help="Answer in JSON, for programs.")]


def console() -> Console:
    """Markup off: a model's name may look like some."""
    return Console(highlight=False, markup=False, emoji=False)


def say(text: str, *, err: bool = False) -> None:
    """Print, whatever the terminal can show: an old one gets escapes, not a traceback."""
    stream = sys.stderr if err else sys.stdout
    encoding = stream.encoding or "utf-8"
    typer.echo(text.encode(encoding, "backslashreplace").decode(encoding), err=err)
    stream.flush()


def say_json(value: Any, *, indent: int | None = 2) -> None:
    plain = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    # ASCII only: it can be written to any terminal and read by any program.
    typer.echo(json.dumps(plain, indent=indent))
    sys.stdout.flush()


def show(*parts: RenderableType) -> None:
    out = console()
    with out.capture() as captured:
        for part in parts:
            out.print(part)
    # On its own: what a terminal cannot encode must not end the command.
    lines = captured.get().splitlines()
    say("\n".join(line.rstrip() for line in lines))


def table(*heads: str, keep: Sequence[str] = ()) -> Table:
    """Columns that fold rather than cut; those to `keep` stay on one line."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for head in heads:
        made.add_column(Text(head), overflow="fold", no_wrap=head in keep)
    return made
