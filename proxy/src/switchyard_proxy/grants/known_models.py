"""The manager's last word on every model, kept while it is away. Asks nobody: it is told."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from switchyard_contracts.catalog import ModelType
from switchyard_contracts.errors import ErrorCode
from switchyard_contracts.grants import Loading, Models
from switchyard_contracts.status import ModelStatus
from switchyard_proxy.errors import Refused, Unavailable


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Every model at one moment, by name and by alias."""

    models: tuple[ModelStatus, ...]
    by_name: Mapping[str, ModelStatus]

    @classmethod
    def of(cls, models: tuple[ModelStatus, ...]) -> "Snapshot":
        aliases = {alias: model for model in reversed(models) for alias in model.aliases}
        return cls(models, aliases | {model.name: model for model in models})


class KnownModels:
    """What the proxy knows of the models; nothing at all until the manager was met once."""

    def __init__(self) -> None:
        self.snapshot: Snapshot | None = None
        self.loading: dict[str, Loading] = {}
        self._told = asyncio.Event()

    def replace(self, word: Models) -> None:
        self.snapshot = Snapshot.of(word.models)
        phases = {model.name: model.phase for model in word.models}
        self.loading = {name: last for name, last in self.loading.items() if phases.get(name) is last.phase}
        self._told.set()

    def note(self, word: Loading) -> None:
        self.loading[word.model] = word

    async def within(self, wait_s: float) -> Snapshot:
        """The snapshot; for the first one, a request waits a little. Raises `Unavailable`."""
        if self.snapshot is None:
            try:
                async with asyncio.timeout(wait_s):
                    await self._told.wait()
            except TimeoutError:
                raise not_met() from None
        return self.now()

    def now(self) -> Snapshot:
        """The snapshot as it is, without a wait. Raises `Unavailable`."""
        if self.snapshot is None:
            raise not_met()
        return self.snapshot


def not_met() -> Unavailable:
    message = "cannot tell which models there are: the manager has not been reached yet; see that it runs"
    return Unavailable(ErrorCode.MANAGER_UNAVAILABLE, message)


def model_named(snapshot: Snapshot, name: str) -> ModelStatus:
    """The model of that name or alias. Raises `Refused`, naming what there is."""
    if found := snapshot.by_name.get(name):
        return found
    there_are = _listed(snapshot.models) or "none yet: add one to models.json"
    raise Refused(ErrorCode.MODEL_NOT_FOUND, f"cannot find the model {name!r}; there are: {there_are}", "model")


def check_type(snapshot: Snapshot, model: ModelStatus, path: str, types: tuple[ModelType, ...]) -> None:
    """Raises `Refused`, naming models that would do, where a route is not for models of this type."""
    if model.type in types:
        return
    fitting = _listed(tuple(other for other in snapshot.models if other.type in types))
    instead = f"use one of: {fitting}" if fitting else "no model here would do: add one to models.json"
    raise Refused(
        ErrorCode.UNSUPPORTED_ENDPOINT,
        f"cannot serve {path} with {model.name!r}, a model of type {model.type}; {instead}",
        "model",
    )


def _listed(models: tuple[ModelStatus, ...]) -> str:
    return ", ".join(model.name for model in models)
