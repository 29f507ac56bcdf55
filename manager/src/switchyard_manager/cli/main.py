"""The table of commands, and the one place where an error becomes an exit code."""

import sys
from typing import Annotated

import typer

from switchyard_contracts import __version__
from switchyard_contracts.catalog import CatalogRefused
from switchyard_manager import launch
from switchyard_manager.cli.status import status
from switchyard_manager.cli.validate import validate
from switchyard_manager.errors import ManagerError
from switchyard_manager.settings import read_settings

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Many models, few GPUs, one address.",
    rich_markup_mode=None,
)


@app.command()
def up(
    detach: Annotated[bool, typer.Option("--detach", help="Leave it running and return.")] = False,
) -> None:
    """Start the manager and the proxy on this machine."""
    launch.up(read_settings(), detach=detach, say=_say)


@app.command()
def down() -> None:
    """Stop them, and every engine."""
    launch.down(read_settings(), say=_say)


@app.command()
def version() -> None:
    """Say which version this is."""
    typer.echo(__version__)


app.command()(status)
app.command()(validate)


def _say(text: str) -> None:
    typer.echo(text)
    sys.stdout.flush()


def main() -> None:
    try:
        app()
    except CatalogRefused as refused:
        for fault in refused.faults:
            typer.echo(str(fault), err=True)
        sys.exit(f"cannot use models.json: {len(refused.faults)} faults; mend them and try again")
    except ManagerError as error:
        sys.exit(str(error))
