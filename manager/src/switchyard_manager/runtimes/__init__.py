"""Where engines run. A runtime starts, watches and stops programs; it knows nothing about models."""

from switchyard_manager.runtimes.protocol import (
    AnySpec,
    Bind,
    ContainerSpec,
    ExistingSpec,
    Exit,
    Found,
    Kind,
    Listen,
    ProcessSpec,
    Runtime,
    RuntimeAway,
    Spec,
    StopFailed,
)

__all__ = [
    "AnySpec",
    "Bind",
    "ContainerSpec",
    "ExistingSpec",
    "Exit",
    "Found",
    "Kind",
    "Listen",
    "ProcessSpec",
    "Runtime",
    "RuntimeAway",
    "Spec",
    "StopFailed",
]
