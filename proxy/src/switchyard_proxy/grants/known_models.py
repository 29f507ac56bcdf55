"""A manager's last word on every model, kept while it is away. Asks nobody: it is told."""

import asyncio
from collections.abc import Callable

from switchyard_contracts.grants import Loading, Models
from switchyard_contracts.serving import Routing
from switchyard_contracts.status import ModelStatus, Phase

COMING_UP = frozenset({Phase.STARTING, Phase.LOADING, Phase.WARMING, Phase.WAKING})


class KnownModels:
    """What one manager said; nothing at all until it was met once. `on_news` hears of every change."""

    def __init__(self, on_news: Callable[[], None] = lambda: None) -> None:
        self.models: tuple[ModelStatus, ...] = ()
        self.routing = Routing()
        self.loading: dict[str, Loading] = {}
        self.told = asyncio.Event()
        self._on_news = on_news

    def replace(self, word: Models) -> None:
        self.models, self.routing = word.models, word.routing
        now = {model.name: model for model in word.models}
        self.loading = {name: last for name, last in self.loading.items() if _still_so(last, now.get(name))}
        self.told.set()
        self._on_news()

    def note(self, word: Loading) -> None:
        self.loading[word.model] = word
        self._on_news()


def _still_so(last: Loading, now: ModelStatus | None) -> bool:
    """What was said of a download, in a phase that lasts, is over when the model says no more of it."""
    if now is None or now.phase is not last.phase:
        return False
    return now.phase in COMING_UP or now.progress is not None
