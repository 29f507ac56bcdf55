"""The stand-in for a full card: it counts what operations make, and lets go when that is let go of."""

import pytest
import torch

from tests.image_server.engine.starving import Cap, starve


def test_counts_storage_once_and_forgets_what_is_gone() -> None:
    cap = Cap(10**6)

    with cap:
        made = torch.ones(1000)
        view = made.view(10, 100)
        view += 1

        assert cap.held == 4000
        del made
        assert cap.held == 4000
        del view
        assert cap.held == 0


def test_fails_as_the_allocator_does_once_the_limit_is_passed() -> None:
    with Cap(4000), pytest.raises(torch.OutOfMemoryError, match="CUDA out of memory"):
        torch.ones(1001)


def test_what_was_there_before_does_not_count() -> None:
    weights = torch.ones(10_000)

    with Cap(100) as cap:
        weights += 1

        assert cap.held == 0


def test_starves_the_calls_that_were_picked_and_no_others() -> None:
    layer = torch.nn.Linear(100, 100)
    given = torch.ones(4, 100)

    with torch.inference_mode(), starve(layer, 100, calls=lambda call: call == 1) as starving:
        layer(given)
        with pytest.raises(torch.OutOfMemoryError):
            layer(given)
        layer(given)

    assert (starving.calls, starving.failed) == (3, 1)
    assert "forward" not in vars(layer)
