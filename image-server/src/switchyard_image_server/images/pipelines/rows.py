"""Several pictures in one pass, each computed as if it were alone.

A matrix product of several rows is rounded differently from that of one, on every device: a picture would
depend on how many were drawn with it. So what encodes the prompt and the pictures runs once for all, and the
denoiser runs once for each picture at every step.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import switchyard_image_server.torch_ready  # noqa: F401 - before torch

# isort: split
import torch

_DENOISERS = ("transformer", "controlnet")


@contextmanager
def row_by_row(pipeline: Any, count: int, check: Callable[[], None]) -> Iterator[None]:
    """Within the block, these modules take each of `count` rows by itself. `check` is asked before each."""
    if count == 1:
        yield
        return
    modules = [getattr(pipeline, name) for name in _DENOISERS if hasattr(pipeline, name)]
    before = [(module, vars(module).get("forward")) for module in modules]
    sliced = pipeline.vae.use_slicing
    pipeline.vae.use_slicing = True  # the VAE knows by itself how to take one after the other
    for module in modules:
        module.forward = _Rows(module.forward, count, check)
    try:
        yield
    finally:
        pipeline.vae.use_slicing = sliced
        for module, own in before:
            if own is None:
                del module.forward
            else:
                module.forward = own


class _Rows:
    """A module's `forward`, once for each row."""

    def __init__(self, forward: Callable[..., Any], count: int, check: Callable[[], None]) -> None:
        self._forward = forward
        self._count = count
        self._check = check
        self._caches: list[tuple[Any, list[Any]]] = []

    def __call__(self, *given: Any, **named: Any) -> Any:
        outputs = []
        for row in range(self._count):
            self._check()
            of_row = {name: self._row(value, row) for name, value in named.items()}
            outputs.append(self._forward(*(self._row(value, row) for value in given), **of_row))
        return _joined(outputs)

    def _row(self, value: Any, row: int) -> Any:
        if isinstance(value, torch.Tensor):
            whole = value.ndim == 0 or value.shape[0] != self._count
            return value if whole else value[row : row + 1]
        if isinstance(value, tuple | list) and value and isinstance(value[0], torch.Tensor):
            return type(value)(self._row(one, row) for one in value)
        return self._caches_of(value)[row] if hasattr(value, "layer_caches") else value

    def _caches_of(self, cache: Any) -> list[Any]:
        """The second generation keeps what it has read of the prompt and the pictures: for each row apart."""
        for known, rows in self._caches:
            if known is cache:
                return rows
        rows = [type(cache)(len(cache.layer_caches)) for _ in range(self._count)]
        self._caches.append((cache, rows))
        return rows


def _joined(outputs: Sequence[Any]) -> Any:
    first = outputs[0]
    if isinstance(first, torch.Tensor):
        return torch.cat(list(outputs))
    return type(first)(_joined(parts) for parts in zip(*outputs, strict=True))
