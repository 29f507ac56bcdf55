"""While the inference stack is imported nobody looks for garbage; afterwards everybody does, and not in it."""

import gc
from collections.abc import Iterator

import pytest

from switchyard_image_server.importing import once_for_all


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.enable()


def test_no_garbage_is_looked_for_meanwhile() -> None:
    with once_for_all():
        assert not gc.isenabled()

    assert gc.isenabled()


def test_what_came_is_put_aside() -> None:
    with once_for_all():
        brought: list[object] = []

    assert gc.get_freeze_count() > 0
    assert not any(one is brought for one in gc.get_objects())


def test_an_import_that_fails_leaves_it_on() -> None:
    with pytest.raises(ImportError), once_for_all():
        raise ImportError

    assert gc.isenabled()


def test_who_wants_no_collections_at_all_gets_none() -> None:
    gc.disable()

    with once_for_all():
        pass

    assert not gc.isenabled()
