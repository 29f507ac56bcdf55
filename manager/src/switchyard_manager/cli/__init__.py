"""`switchyard`: the command line. Each command is one module; what it does is elsewhere."""

from switchyard_manager.cli.main import main

__all__ = ["main"]
