"""What happens: told to whoever listens, handed to whoever keeps it. Never waits; remembers the last of it."""

import logging
from collections import deque
from collections.abc import Callable
from typing import Any

from switchyard_contracts.events import FLEETING, EventKind, ManagerEvent
from switchyard_manager.store.facts import Fact, Happened

log = logging.getLogger(__name__)

REMEMBERED = 1000

Listener = Callable[[ManagerEvent], None]


class Chronicle:
    def __init__(self, keep: Callable[[Fact], None], last_seq: int = 0, epoch: float = 0.0) -> None:
        """`epoch`: what to add to our own clock to get seconds since 1970."""
        self._keep = keep
        self._epoch = epoch
        self._listeners: list[Listener] = []
        self.seq = last_seq
        self.recent: deque[ManagerEvent] = deque(maxlen=REMEMBERED)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Hear every event from now on, until the function that is returned is called."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def tell(self, kind: EventKind, now: float, model: str | None = None, **data: Any) -> None:
        self.seq += 1
        event = ManagerEvent(seq=self.seq, at=self.at(now), kind=kind, model=model, data=data)
        self.recent.append(event)
        if kind not in FLEETING:
            self._keep(Happened(event))
        for listener in tuple(self._listeners):
            try:
                listener(event)
            except Exception:
                # Whoever listens must not undo a decision that is half written down.
                log.exception("a listener could not take %s", kind)

    def keep(self, fact: Fact) -> None:
        self._keep(fact)

    def at(self, now: float) -> float:
        return round(self._epoch + now, 3)
