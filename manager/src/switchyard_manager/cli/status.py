"""`switchyard status`: what runs, what waits, what failed and why; with `--watch`, as it changes."""

from typing import Annotated

import typer

from switchyard_contracts.status import ManagerStatus
from switchyard_manager.cli.asking import Manager, ask
from switchyard_manager.cli.printing import Json, say, say_json, show
from switchyard_manager.cli.status_page import page
from switchyard_manager.cli.watching import watch
from switchyard_manager.launch import record
from switchyard_manager.settings import read_settings


def status(
    watching: Annotated[
        bool, typer.Option("--watch", "-w", help="Show it as it changes, until Ctrl-C.")
    ] = False,
    json_output: Json = False,
) -> None:
    """Show the models, the GPUs, the queue, and what is amiss."""
    if watching:
        watch(json_output=json_output)
        return
    found = ask(Manager.status)
    if json_output:
        say_json(found)
        return
    say_status(found)


def say_status(found: ManagerStatus) -> None:
    running = record.read(read_settings().state)
    if running is not None:
        say(f"Switchyard is up at {running.address}")
    show(*page(found))
