"""What is done to an engine's reply on its way, for the books: counted, timed, its token counts found.

Changes nothing in it, but for the usage chunk that was asked for on our account and not the client's.
"""

import asyncio
from typing import Protocol

from switchyard_proxy.accounting.account import Account
from switchyard_proxy.accounting.asking import Stripper
from switchyard_proxy.accounting.usage import BodyTap, EventTap, Tap


class Keeper(Protocol):
    """Lays bytes of the reply aside, where captures are on."""

    def feed(self, data: bytes) -> None: ...


class Passage:
    """One reply's way through."""

    __slots__ = ("_keeper", "_loop", "_stripper", "_tap", "account", "has_begun")

    def __init__(
        self,
        account: Account,
        stripper: Stripper | None,
        keeper: Keeper | None,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.account = account
        self.has_begun = False
        self._loop = loop
        self._stripper = stripper
        self._keeper = keeper
        self._tap: Tap | None = None

    def sees(self, data: bytes) -> None:
        """A piece of a reply that is no stream of events."""
        if not self.has_begun:
            self.has_begun = True
            self.account.first = self._loop.time()
            self._tap = BodyTap()
        self._note(data)

    def passes(self, events: bytes) -> bytes:
        """Whole events, and what of them is the client's."""
        if not self.has_begun:
            self.has_begun = True
            self.account.first = self._loop.time()
            self._tap = EventTap()
        self._note(events)
        return events if self._stripper is None else self._stripper.passes(events)

    def closes(self) -> None:
        """The reply is over, however it ended."""
        if self._tap is not None:
            self.account.usage = self._tap.usage()

    def _note(self, data: bytes) -> None:
        self.account.bytes_out += len(data)
        if self._tap is not None:
            self._tap.sees(data)
        if self._keeper is not None:
            self._keeper.feed(data)
