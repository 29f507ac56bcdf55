"""Where engines run. A runtime starts, watches and stops programs; it knows nothing about models."""

from switchyard_manager.runtimes.protocol import Exit, Listen, RunSpec, Runtime, StopFailed

__all__ = ["Exit", "Listen", "RunSpec", "Runtime", "StopFailed"]
