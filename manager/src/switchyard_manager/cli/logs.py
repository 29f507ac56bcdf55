"""`switchyard logs MODEL`: what its engine said."""

from typing import Annotated

import typer

from switchyard_contracts.errors import ErrorCode
from switchyard_manager.cli.arguments import ModelName
from switchyard_manager.cli.asking import Failed, Manager, ask
from switchyard_manager.cli.printing import Json, say, say_json
from switchyard_manager.errors import Refused


def logs(
    model: ModelName,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what it says, until Ctrl-C.")
    ] = False,
    previous: Annotated[bool, typer.Option("--previous", help="Of the run before this one.")] = False,
    lines: Annotated[int, typer.Option("-n", "--lines", min=1, max=10_000, help="The last so many.")] = 100,
    json_output: Json = False,
) -> None:
    """Show what a model's engine said in its last run."""
    if not follow:
        run = "previous" if previous else "current"
        text = ask(lambda manager: manager.log(model, run, lines))
        _show(model, text.splitlines(), json_output=json_output)
        return
    if previous:
        raise Refused("cannot follow the previous run, which is over: leave out --previous or --follow")
    try:
        ask(lambda manager: _follow(manager, model, lines, json_output=json_output))
    except KeyboardInterrupt:
        return


def _show(model: str, found: list[str], *, json_output: bool) -> None:
    if json_output:
        say_json({"model": model, "lines": found})
    elif found:
        say("\n".join(found))
    else:
        say(f"There is no log of that run of {model}.")


async def _follow(manager: Manager, model: str, lines: int, *, json_output: bool) -> None:
    async for line in manager.follow_log(model, lines):
        if json_output:
            say_json({"model": model, "line": line}, indent=None)
        else:
            say(f"--- another run of {model} ---" if line is None else line)
    raise Failed.because(ErrorCode.MANAGER_UNAVAILABLE, "cannot follow the log any longer: the manager ended")
