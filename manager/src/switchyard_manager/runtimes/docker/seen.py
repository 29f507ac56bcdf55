"""What the Docker Engine tells of a container and of itself, as plain values. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Mounted:
    """Something of its machine that a container sees."""

    kind: str  # bind, volume, tmpfs …
    target: str  # inside
    source: str  # as the Engine writes paths of its machine; of a volume, where it keeps it
    volume: str = ""  # its name


@dataclass(frozen=True, slots=True)
class Seen:
    """A container as it was when we looked."""

    id: str
    name: str
    labels: Mapping[str, str]
    running: bool
    code: int
    oom_killed: bool
    created: str
    started_ns: int
    stop_signal: str
    terminal: bool  # what it says comes without frames
    ports: Mapping[int, int]  # inside → on this machine's loopback
    networks: Mapping[str, str] = field(default_factory=dict)  # by name, its address there; "": it has none now
    mounts: tuple[Mounted, ...] = ()


@dataclass(frozen=True, slots=True)
class End:
    """What an event says of a container that ended."""

    id: str
    code: int | None = None  # of its program, which is gone; None: the container itself is


@dataclass(frozen=True, slots=True)
class Network:
    id: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class About:
    version: str
    runtimes: frozenset[str]
    folder: str  # where it keeps images, on its own machine
    devices: tuple[str, ...]  # by the names of the Container Device Interface, where the Engine lists them


def seen(told: Mapping[str, Any]) -> Seen:
    state, config = told["State"], told["Config"]
    return Seen(
        id=str(told["Id"]),
        name=str(told["Name"]).removeprefix("/"),
        labels=config.get("Labels") or {},
        # One that waits to be started again is not over, by its operator's own wish.
        running=bool(state["Running"]) or bool(state.get("Restarting")),
        code=int(state.get("ExitCode", 0)),
        oom_killed=bool(state.get("OOMKilled")),
        created=str(told.get("Created", "")),
        started_ns=nanoseconds(str(state.get("StartedAt", ""))),
        stop_signal=str(config.get("StopSignal") or "SIGTERM"),
        terminal=bool(config.get("Tty")),
        ports=_published(told.get("NetworkSettings", {}).get("Ports") or {}),
        networks=_addresses(told.get("NetworkSettings", {}).get("Networks") or {}),
        mounts=tuple(map(_mounted, told.get("Mounts") or ())),
    )


def end(event: Mapping[str, Any]) -> End:
    said = str(event.get("Actor", {}).get("Attributes", {}).get("exitCode", ""))
    return End(str(event.get("id")), int(said) if event.get("Action") == "die" and said.isdecimal() else None)


def _mounted(told: Mapping[str, Any]) -> Mounted:
    return Mounted(
        kind=str(told.get("Type", "")),
        target=str(told.get("Destination", "")),
        source=str(told.get("Source", "")),
        volume=str(told.get("Name", "")),
    )


def _addresses(networks: Mapping[str, Any]) -> dict[str, str]:
    return {name: str((joined or {}).get("IPAddress") or "") for name, joined in networks.items()}


def _published(ports: Mapping[str, Any]) -> dict[int, int]:
    return {
        int(inside.partition("/")[0]): int(bindings[0]["HostPort"])
        for inside, bindings in ports.items()
        if bindings and bindings[0].get("HostPort")
    }


def nanoseconds(stamp: str) -> int:
    """Of a time as the Engine writes it, which is always UTC: 2026-01-02T03:04:05.000000006Z. Else 0."""
    whole, _, fraction = stamp.rstrip("Z").partition(".")
    try:
        seconds = int(datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp())
        return max(0, seconds * NS + int(fraction.ljust(9, "0")[:9]))
    except (ValueError, OverflowError):
        return 0
