"""Import the inference stack without looking for garbage in it."""

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def once_for_all() -> Iterator[None]:
    """What is imported here stays. Python would look through all of it again and again while it grows, which
    is a quarter of the time that a start takes; so it does not look, and later looks pass it over.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()
