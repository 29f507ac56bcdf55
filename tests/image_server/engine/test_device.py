"""What is given back after a failure, though it was put aside when the model had been loaded."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from switchyard_image_server.device import free_memory


class Part:
    """A piece of a model that knows itself, as modules with hooks do."""

    def __init__(self) -> None:
        self.own = self


@pytest.fixture(autouse=True)
def nothing_is_aside() -> Iterator[None]:
    gc.unfreeze()
    yield
    gc.unfreeze()


def dropped() -> weakref.ref[Part]:
    return weakref.ref(Part())


def test_what_a_cheaper_plan_drops_is_given_back_though_it_was_put_aside() -> None:
    part = dropped()
    gc.freeze()
    gc.collect()
    assert part() is not None

    free_memory()

    assert part() is None
    assert gc.get_freeze_count() > 0


def test_nothing_is_put_aside_by_giving_back() -> None:
    free_memory()

    assert gc.get_freeze_count() == 0
