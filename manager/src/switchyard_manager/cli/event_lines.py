"""An event as one line. Pure."""

from switchyard_contracts.events import ManagerEvent
from switchyard_manager.cli.words import clock, happened


def line(event: ManagerEvent) -> str:
    name = f"{event.model}: " if event.model else ""
    return f"{clock(event.at)}  {name}{happened(event)}"
