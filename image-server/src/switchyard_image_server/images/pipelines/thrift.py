"""What is done about running out of memory while an order is drawn: the next cheaper way to live, once."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import switchyard_image_server.torch_ready  # noqa: F401 - before torch

# isort: split
from switchyard_image_server.device import free_memory
from switchyard_image_server.errors import ServerError, brief, is_out_of_memory

Result = TypeVar("Result")


class Ladder(Protocol):
    """Where the weights live: what can be given up for memory."""

    def step_down(self, why: str) -> str | None: ...


class Starved(Exception):
    """Out of memory. Keeps only words of the fault: its traceback would keep the tensors of what failed."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Thrift:
    """`note` says what was stepped down to."""

    def __init__(self, ladder: Ladder, vae: Any) -> None:
        self._ladder = ladder
        self._vae = vae
        self.note: str | None = None

    def attempt(self, work: Callable[[], Result]) -> Result:
        """As `attempt_once`, and once more after a step down, if none was made before."""
        try:
            return self.attempt_once(work)
        except Starved as starved:
            why = starved.why
        self.note = self._step_down(why)
        return self.attempt_once(work)

    def attempt_once(self, work: Callable[[], Result]) -> Result:
        """Raises `Starved` when everything that the failed work held has been given back."""
        try:
            return work()
        except ServerError:
            raise
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            why = brief(error)
        self._give_back()
        raise Starved(why)

    def _step_down(self, why: str) -> str:
        note = None if self.note is not None else self._cheaper(why)
        if note is None:
            raise Starved(why)
        return note

    def _cheaper(self, why: str) -> str | None:
        """The way down takes memory, too: for the copy on the host. Without it there is none."""
        try:
            return self._ladder.step_down(why)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
        self._give_back()
        return None

    def _give_back(self) -> None:
        """Only when the fault is gone: until then its traceback holds every tensor of the failed pass."""
        clear = getattr(self._vae, "clear_cache", None)
        if clear is not None:
            clear()
        free_memory()
