"""The table of commands, and the one place where an error becomes an exit code."""

from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from switchyard_contracts import __version__
from switchyard_contracts.catalog import CatalogRefused
from switchyard_contracts.errors import ErrorCode
from switchyard_manager import launch
from switchyard_manager.cli import wishes
from switchyard_manager.cli.add import add
from switchyard_manager.cli.asking import Failed
from switchyard_manager.cli.doctor import doctor
from switchyard_manager.cli.events import events
from switchyard_manager.cli.explain import explain
from switchyard_manager.cli.history import history
from switchyard_manager.cli.load import load, switch
from switchyard_manager.cli.logs import logs
from switchyard_manager.cli.models import models
from switchyard_manager.cli.printing import Json, say, say_json
from switchyard_manager.cli.pull import pull
from switchyard_manager.cli.remove import remove
from switchyard_manager.cli.status import status
from switchyard_manager.cli.validate import validate
from switchyard_manager.errors import ManagerError
from switchyard_manager.settings import read_settings


class Command(TyperCommand):
    """What goes wrong is one sentence on standard error; with `--json`, the error object on standard output."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except CatalogRefused as refused:
            faults = "\n".join(map(str, refused.faults))
            counted = "1 fault" if len(refused.faults) == 1 else f"{len(refused.faults)} faults"
            text = f"{faults}\ncannot use models.json: {counted}; mend them and try again"
            failed = Failed.because(ErrorCode.INVALID_VALUE, text)
        except Failed as told:
            failed = told
        except ManagerError as error:
            failed = Failed.because(ErrorCode.INVALID_VALUE, str(error))
        _tell(failed, as_json=bool(ctx.params.get("json_output")))
        raise typer.Exit(1)


def _tell(failed: Failed, *, as_json: bool) -> None:
    if as_json:
        say_json(failed.envelope)
    else:
        say(str(failed), err=True)


app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Many models, few GPUs, one address.",
    rich_markup_mode=None,
)


def up(
    detach: Annotated[bool, typer.Option("--detach", help="Leave it running and return.")] = False,
) -> None:
    """Start the manager and the proxy on this machine."""
    launch.up(read_settings(), detach=detach, say=say)


def down() -> None:
    """Stop both, and every engine that they started."""
    launch.down(read_settings(), say=say)


def version(json_output: Json = False) -> None:
    """Say which version this is."""
    if json_output:
        say_json({"version": __version__})
    else:
        say(__version__)


COMMANDS: tuple[Callable[..., None], ...] = (
    up,
    down,
    status,
    load,
    switch,
    wishes.unload,
    wishes.sleep,
    wishes.wake,
    wishes.pin,
    wishes.unpin,
    wishes.cancel,
    pull,
    models,
    explain,
    logs,
    events,
    history,
    add,
    remove,
    validate,
    doctor,
    version,
)
for command in COMMANDS:
    app.command(cls=Command)(command)


def main() -> None:
    app()
