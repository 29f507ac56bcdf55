"""Several pictures in one pass, each computed as if it were alone."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from switchyard_image_server.errors import Cancelled
from switchyard_image_server.images.pipelines.rows import row_by_row


class Adds(torch.nn.Module):
    """Remembers the shapes that it was called with."""

    def __init__(self) -> None:
        super().__init__()
        self.shapes: list[Any] = []

    def forward(self, x: Any, *, parts: Any = (), shared: Any = None, kv_cache: Any = None) -> tuple[Any, Any]:
        self.shapes.append((tuple(x.shape), [tuple(one.shape) for one in parts], kv_cache))
        return x + sum(parts, torch.zeros(())) + (0 if shared is None else shared), (x * 2,)


class Cache:
    def __init__(self, layers: int) -> None:
        self.layer_caches = [None] * layers


class Pipeline:
    def __init__(self) -> None:
        self.transformer = Adds()
        self.vae = type("Vae", (), {"use_slicing": False})()


@pytest.fixture
def pipeline() -> Pipeline:
    return Pipeline()


def nobody_leaves() -> None:
    pass


def test_takes_each_row_by_itself_and_puts_them_together_again(pipeline: Pipeline) -> None:
    x, part = torch.arange(6.0).reshape(3, 2), torch.ones(3, 2)

    with row_by_row(pipeline, 3, nobody_leaves):
        added, (doubled,) = pipeline.transformer(x, parts=[part], shared=torch.tensor([[10.0]]))

    assert torch.equal(added, x + 11)
    assert torch.equal(doubled, x * 2)
    assert [(shape, parts) for shape, parts, _ in pipeline.transformer.shapes] == [((1, 2), [(1, 2)])] * 3


def test_each_row_keeps_what_it_has_read_apart(pipeline: Pipeline) -> None:
    shared, other = Cache(2), Cache(2)
    with row_by_row(pipeline, 2, nobody_leaves):
        for cache in (shared, other, shared):
            pipeline.transformer(torch.ones(2, 1), kv_cache=cache)

    caches = [cache for *_, cache in pipeline.transformer.shapes]
    assert caches[:2] == caches[4:]
    assert len(set(map(id, [shared, other, *caches]))) == 6
    assert all(len(cache.layer_caches) == 2 for cache in caches)


def test_leaves_the_modules_as_they_were(pipeline: Pipeline) -> None:
    pipeline.transformer.forward = own = pipeline.transformer.forward

    with row_by_row(pipeline, 2, nobody_leaves):
        assert pipeline.vae.use_slicing

    assert vars(pipeline.transformer)["forward"] is own
    assert not pipeline.vae.use_slicing
    del pipeline.transformer.forward
    with row_by_row(pipeline, 2, nobody_leaves):
        assert "forward" in vars(pipeline.transformer)
    assert "forward" not in vars(pipeline.transformer)


def test_one_row_needs_nothing(pipeline: Pipeline) -> None:
    with row_by_row(pipeline, 1, nobody_leaves):
        assert "forward" not in vars(pipeline.transformer)


def test_may_be_left_between_two_rows(pipeline: Pipeline) -> None:
    checks: list[int] = []

    def leaves_at_the_second() -> None:
        checks.append(1)
        if len(checks) == 2:
            raise Cancelled

    check: Callable[[], None] = leaves_at_the_second
    with pytest.raises(Cancelled), row_by_row(pipeline, 3, check):
        pipeline.transformer(torch.ones(3, 1))

    assert len(pipeline.transformer.shapes) == 1
