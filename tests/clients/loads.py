"""Managers whose models take time to load, or fail: real websocket servers, as those of tests/proxy."""

import asyncio
from dataclasses import dataclass, field

from switchyard_contracts.errors import ErrorBody, ErrorCode
from switchyard_contracts.grants import FromProxy, Loading, Models, Refused, Unwant, Want
from switchyard_contracts.status import Phase
from tests.proxy.managers import GrantsWhatIsWanted


@dataclass
class TakesItsTime(GrantsWhatIsWanted):
    """Loads each model once, for `load_s`, however many ask and whoever leaves; then grants it, or fails."""

    load_s: float = 0.0
    fails_with: str | None = None
    loads: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._loading: dict[str, asyncio.Task[None]] = {}
        self._tickets: dict[str, str] = {}
        self._loaded: set[str] = set()

    async def close(self) -> None:  # type: ignore[override]
        tasks = list(self._loading.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.vanish()

    async def answer(self, word: FromProxy) -> None:
        if isinstance(word, Unwant):
            self._tickets.pop(word.ticket, None)
        if not isinstance(word, Want) or word.model not in self.endpoints:
            return
        self._tickets[word.ticket] = word.model
        if word.model in self._loaded:
            await self.grant(word.model)
        elif word.model not in self._loading:
            self.loads.append(word.model)
            loading = asyncio.get_running_loop().create_task(self._load(word.model))
            self._loading[word.model] = loading

    async def _load(self, model: str) -> None:
        try:
            await self._becomes(model, Phase.LOADING)
            await self.say(Loading(model=model, phase=Phase.LOADING, elapsed_s=0.1, progress="40 %"))
            await asyncio.sleep(self.load_s)
            if self.fails_with is None:
                self._loaded.add(model)
                await self._becomes(model, Phase.READY)
                await self.grant(model)
            else:
                await self._becomes(model, Phase.FAILED)
                await self._refuse(model, self.fails_with)
        finally:
            del self._loading[model]

    async def _becomes(self, model: str, phase: Phase) -> None:
        self.models = [
            status.model_copy(update={"phase": phase}) if status.name == model else status
            for status in self.models
        ]
        await self.say(Models(models=tuple(self.models)))

    async def _refuse(self, model: str, why: str) -> None:
        error = ErrorBody.of(ErrorCode.MODEL_LOAD_FAILED, f"cannot load {model}: {why}")
        for ticket in [ticket for ticket, wanted in self._tickets.items() if wanted == model]:
            del self._tickets[ticket]
            await self.say(Refused(model=model, ticket=ticket, error=error))


@dataclass
class CoolsDown(TakesItsTime):
    """Fails a load, and refuses at once whoever asks again, as a manager does while a model cools down."""

    failed: set[str] = field(default_factory=set)

    async def answer(self, word: FromProxy) -> None:
        if isinstance(word, Want) and word.model in self.failed:
            self._tickets[word.ticket] = word.model
            await self._refuse(word.model, self.fails_with or "it failed")
        else:
            await super().answer(word)

    async def _refuse(self, model: str, why: str) -> None:
        self.failed.add(model)
        await super()._refuse(model, why)
