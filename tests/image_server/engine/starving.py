"""Run out of memory on purpose, as an allocator does: in the middle of an operation, with torch's own error.

`starve` lets a module (or any callable of an object) run with so many bytes for what it makes. The weights do
not count, nor what was there before. The limit holds on whatever thread the call comes from.
"""

import functools
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import switchyard_image_server.torch_ready  # noqa: F401 - before torch

# isort: split
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter

MIB = 2**20


class Cap(TorchDispatchMode):
    """While it is entered, storage made by operations on this thread may take `limit` bytes together."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit
        self.held = 0
        self.most = 0
        self._seen: weakref.WeakSet[Any] = weakref.WeakSet()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        known = {one.untyped_storage().data_ptr() for one in _tensors((args, kwargs))}
        made = func(*args, **(kwargs or {}))
        for tensor in _tensors(made):
            self._count(tensor, known)
        return made

    def _count(self, tensor: Any, known: set[int]) -> None:
        storage = tensor.untyped_storage()
        if storage.data_ptr() in known or storage in self._seen:
            return  # a view, or written in place
        size = storage.nbytes()
        if self.held + size > self.limit:
            raise torch.OutOfMemoryError(
                f"CUDA out of memory. Tried to allocate {size / MIB:.2f} MiB; "
                f"{max(0, self.limit - self.held) / MIB:.2f} MiB is free"
            )
        self._seen.add(storage)
        self.held += size
        self.most = max(self.most, self.held)
        weakref.finalize(storage, self._let_go, size)

    def _let_go(self, size: int) -> None:
        self.held -= size


def _tensors(tree: Any) -> Iterator[Any]:
    return (leaf for leaf in tree_iter(tree) if type(leaf) in {torch.Tensor, torch.nn.Parameter})


class Starving:
    """What `starve` did so far: how many calls came, and how many of them ran out."""

    def __init__(self) -> None:
        self.calls = 0
        self.failed = 0
        self.most = 0


@contextmanager
def starve(
    owner: Any, limit: int, *, method: str = "forward", calls: Callable[[int], bool] = lambda _: True
) -> Iterator[Starving]:
    """`calls` picks the calls that starve by their number, from 0: `lambda call: call == 0` is only the first.

    The method of the object itself is replaced, so that whoever shares the module starves, too.
    """
    said = Starving()
    before = vars(owner).get(method)
    whole = getattr(owner, method)

    @functools.wraps(whole)
    def starved(*args: Any, **kwargs: Any) -> Any:
        number = said.calls
        said.calls += 1
        if not calls(number):
            return whole(*args, **kwargs)
        cap = Cap(limit)
        try:
            with cap:
                return whole(*args, **kwargs)
        except torch.OutOfMemoryError:
            said.failed += 1
            raise
        finally:
            said.most = max(said.most, cap.most)

    setattr(owner, method, starved)
    try:
        yield said
    finally:
        if before is None:
            delattr(owner, method)
        else:
            setattr(owner, method, before)
