"""Every model of every manager under the names that clients use; built anew when a manager had news."""

import asyncio

from switchyard_contracts.errors import ErrorCode
from switchyard_contracts.grants import Loading
from switchyard_contracts.status import ModelStatus
from switchyard_proxy.access.callers import Caller
from switchyard_proxy.errors import Unavailable
from switchyard_proxy.grants.sites import Sites
from switchyard_proxy.routing.names import Directory, Fits, anyone


class Fleet:
    """The models, and who has them."""

    def __init__(self, sites: Sites, manager_wait_s: float) -> None:
        self.sites = sites
        self._wait_s = manager_wait_s
        self._directory: Directory | None = None
        self._met = asyncio.Event()
        self._news = asyncio.Event()

    def has_news(self) -> None:
        """A manager said something."""
        self._directory = None
        self._met.set()
        self.wake()

    def wake(self) -> None:
        """Let whoever waits for news look up."""
        heard, self._news = self._news, asyncio.Event()
        heard.set()

    def next_news(self) -> asyncio.Event:
        """Set when anything is said after this."""
        return self._news

    @property
    def is_met(self) -> bool:
        """Whether any manager has spoken of its models."""
        return self._met.is_set()

    async def meet(self) -> None:
        """A manager's first word is waited for a little. Raises `Unavailable`."""
        try:
            async with asyncio.timeout(self._wait_s):
                await self._met.wait()
        except TimeoutError:
            raise not_met() from None

    @property
    def directory(self) -> Directory:
        """As it is, without a wait. Raises `Unavailable` before any manager was met."""
        if not self._met.is_set():
            raise not_met()
        if self._directory is None:
            known = [(site.known.models, site.known.routing) for site in self.sites.all]
            self._directory = Directory.build(known)
        return self._directory

    def statuses(self) -> tuple[ModelStatus, ...]:
        """Every model as it was when its manager last spoke; none before that."""
        return self.directory.models if self.is_met else ()

    def loading(self, model: str) -> Loading | None:
        """How far a model is that comes up somewhere."""
        found = (site.known.loading.get(model) for site in self.sites.all)
        return next(filter(None, found), None)


def not_met() -> Unavailable:
    message = "cannot tell which models there are: the manager has not been reached yet; see that it runs"
    return Unavailable(ErrorCode.MANAGER_UNAVAILABLE, message)


def may_use(caller: Caller) -> Fits:
    """Which models may be chosen for a caller."""
    models = caller.models
    return anyone if models is None else lambda model: model.name in models
