"""Simulations run in silence: a log of thousands of evenings would take longer than they do.

What would be an exception in the manager's log is one here: nothing catches it.
"""

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def nothing_is_logged() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)
