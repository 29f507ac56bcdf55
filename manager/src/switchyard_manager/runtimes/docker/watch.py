"""Say when something may have happened to a container. What it was, the listener must look up for itself.

An event is a hint and no truth: the Engine drops its listeners whenever it restarts. So everything is looked at
anew whenever the listening begins again, and in rounds as well.
"""

import contextlib
import logging
import threading
from collections.abc import Callable

import tenacity

from switchyard_manager.runtimes.docker.engine import Engine, EngineSaid, Stream
from switchyard_manager.runtimes.docker.seen import End
from switchyard_manager.runtimes.protocol import RuntimeAway

log = logging.getLogger(__name__)

ROUND_S = 15.0
END_LIMIT_S = 5.0  # one that asks an Engine which does not answer ends by itself, later
RETRY_FROM_S, RETRY_TO_S = 0.25, 5.0


class Watch:
    def __init__(self, engine: Engine, look: Callable[[End | None], None]) -> None:
        """`look` hears of one container, or None: look at them all. It runs in our threads."""
        self._engine = engine
        self._look = look
        self._over = threading.Event()
        self._stream: Stream[End] | None = None
        self._threads: list[threading.Thread] = []

    def begin(self) -> None:
        if not self._threads:
            for work in (self._listen, self._rounds):
                thread = threading.Thread(target=work, name=f"docker-watch{work.__name__}", daemon=True)
                self._threads.append(thread)
                thread.start()

    def end(self) -> None:
        self._over.set()
        if self._stream is not None:
            self._stream.cut()
        for thread in self._threads:
            thread.join(END_LIMIT_S)

    def _listen(self) -> None:
        while not self._over.is_set():
            with contextlib.suppress(tenacity.RetryError):
                self._stream = self._connected()
                self._told(self._stream)
            self._over.wait(RETRY_FROM_S)

    def _connected(self) -> Stream[End]:
        trying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type((RuntimeAway, EngineSaid)),
            wait=tenacity.wait_random_exponential(multiplier=RETRY_FROM_S, max=RETRY_TO_S),
            stop=tenacity.stop_when_event_set(self._over),
            sleep=tenacity.sleep_using_event(self._over),
        )
        return trying(self._engine.ends)

    def _told(self, ends: Stream[End]) -> None:
        if self._over.is_set():
            ends.cut()
        # Whatever happened while nobody listened; from here on the stream tells.
        self._look(None)
        for end in ends:
            self._look(end)
        if not self._over.is_set():
            log.info("the Docker Engine went away; its containers are looked at when it is back")

    def _rounds(self) -> None:
        while not self._over.wait(ROUND_S):
            self._look(None)
