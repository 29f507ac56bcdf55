"""`switchyard status`: what runs, what waits, what failed and why."""

from typing import Annotated

import httpx
import typer
from rich.console import Console
from rich.table import Table

from switchyard_contracts.status import ManagerStatus, ModelStatus
from switchyard_manager.launch import record
from switchyard_manager.settings import read_settings
from switchyard_manager.state import StateFolder


def status(json_output: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show the models and what they are doing."""
    settings = read_settings()
    state = StateFolder(settings.state)
    url = f"http://{settings.host}:{settings.port}"
    headers = {"Authorization": f"Bearer {settings.token or state.token()}"}
    try:
        reply = httpx.get(f"{url}/status", headers=headers, timeout=5.0)
        reply.raise_for_status()
    except httpx.HTTPError as error:
        typer.echo(f"cannot reach the manager at {url} ({error}): start it with ./setup.sh up", err=True)
        raise typer.Exit(1) from error
    if json_output:
        typer.echo(reply.text)
        return
    running = record.read(state.root)
    if running is not None:
        typer.echo(f"Switchyard is up at {running.address}")
    _show(ManagerStatus.model_validate_json(reply.content))


def _show(status: ManagerStatus) -> None:
    table = Table("model", "type", "engine", "phase", "running", "waiting", "note", box=None, pad_edge=False)
    for model in status.models:
        table.add_row(
            model.name,
            model.type,
            model.engine,
            model.phase,
            str(model.in_flight),
            str(model.waiting),
            _note(model),
        )
    Console(highlight=False, markup=False).print(table)


def _note(model: ModelStatus) -> str:
    if model.failure is not None:
        again = f" (again in {model.retry_in_s:.0f} s)" if model.retry_in_s else ""
        return model.failure.sentence() + again
    return f"idle for {model.idle_s:.0f} s" if model.idle_s else ""
