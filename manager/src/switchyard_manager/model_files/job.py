"""What the manager and the program that fetches say to each other: one job in, lines of JSON out. Values."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from switchyard_contracts.errors import Reason
from switchyard_contracts.status import Failure
from switchyard_manager.model_files.needs import Need, Part


@dataclass(frozen=True, slots=True)
class Job:
    model: str  # for messages
    needs: tuple[Need, ...]
    hub: str  # the cache's folder
    endpoint: str
    token: str = field(default="", repr=False)
    offline: bool = False
    refresh: bool = False  # what is here does not do: ask the Hub what there is now
    pause_s: float = 1.0  # after the first transfer that broke; later ones rest longer

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Job":
        said: dict[str, Any] = json.loads(text)
        needs = tuple(Need(**{**need, "part": Part(need["part"])}) for need in said.pop("needs"))
        return cls(needs=needs, **said)


@dataclass(frozen=True, slots=True)
class Told:
    """How far it is."""

    done_bytes: int = 0
    total_bytes: int = 0
    text: str | None = None  # in place of the numbers: what it waits for


@dataclass(frozen=True, slots=True)
class Done:
    """All is here; so many bytes came over the network."""

    fetched_bytes: int = 0


Line = Told | Done | Failure


def write(line: Line) -> str:
    match line:
        case Told() | Done():
            return json.dumps({"kind": type(line).__name__.lower(), **asdict(line)})
        case Failure():
            return json.dumps({"kind": "failure", **line.model_dump(mode="json")})


def read(text: str) -> Line | None:
    """None: something else wrote to its output."""
    try:
        said = json.loads(text)
        kind = said.pop("kind")
        match kind:
            case "told":
                return Told(**said)
            case "done":
                return Done(**said)
            case "failure":
                return Failure.model_validate(said)
            case _:
                return None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def failure(reason: Reason, message: str, advice: str) -> Failure:
    return Failure(reason=reason, message=message, advice=advice)
