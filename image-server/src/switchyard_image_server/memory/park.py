"""Keep one copy of a component's weights in host memory for good, so that leaving the device copies nothing.

Serving never changes weights, so the copy is made once. `leave` lets go of the device's storage: the tensors
stay the same objects, empty, and still name their device. `board` brings all back in one copy of one buffer.
Tensors that share their storage share their place. Wrapped tensors (torchao's) are parked by what they wrap.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import switchyard_image_server.torch_ready  # noqa: F401 - before torch

# isort: split
import torch
from torch.utils._python_dispatch import is_traceable_wrapper_subclass

ALIGNMENT = 256  # what device allocators give, so that kernels choose as they would without us
PROCESSOR_ALIGNMENT = 64  # of its allocator; its kernels' last bits depend on where in a line a tensor begins
_PLAIN = (torch.Tensor, torch.nn.Parameter, torch.nn.Buffer)


class NotParkable(Exception):
    """Some tensor is of a kind that cannot leave its device and come back."""


@dataclass(frozen=True, slots=True)
class _Slot:
    """Where one tensor's numbers lie in the buffer."""

    tensor: Any
    dtype: Any
    shape: Any
    stride: tuple[int, ...]
    offset: int
    bytes: int

    def view(self, buffer: Any) -> Any:
        flat = buffer[self.offset : self.offset + self.bytes].view(self.dtype)
        return flat.as_strided(self.shape, self.stride)


class Berth:
    """One component's place in host memory. `pin` asks for pinned pages; `pinned`: whether they were got."""

    def __init__(self, module: Any, device: str, *, pin: bool) -> None:
        self._module = module
        self._device = torch.device(device)
        self._slots = list(_laid_out(module, keep_phase=self._device.type == "cpu"))
        self.bytes = max((slot.offset + slot.bytes for slot in self._slots), default=0)
        self._strays: list[tuple[Any, Any]] = []
        self.aboard = True
        self._host, self.pinned = _host_buffer(self.bytes, pin=pin)
        with torch.inference_mode(mode=False), torch.no_grad():
            for slot in self._slots:
                slot.view(self._host).copy_(slot.tensor.data)

    def leave(self) -> None:
        """Let go of the device. What came after the copy was made (an adapter) moves to the host by itself."""
        if not self.aboard:
            return
        self.aboard = False
        ours = {id(slot.tensor) for slot in self._slots}
        with torch.inference_mode(mode=False), torch.no_grad():
            for tensor in _plain_tensors(self._module):
                if id(tensor) not in ours:
                    self._strays.append((tensor, tensor.data.clone().cpu()))
                    tensor.data = torch.empty(0, dtype=tensor.dtype, device=tensor.device)
            for slot in self._slots:
                slot.tensor.data = torch.empty(0, dtype=slot.dtype, device=self._device)

    def board(self) -> None:
        """Come back, or to the device for the first time: one copy. Stays away if there is no room."""
        with torch.inference_mode(mode=False), torch.no_grad():
            buffer = torch.empty(self.bytes, dtype=torch.uint8, device=self._device)
            buffer.copy_(self._host, non_blocking=self.pinned)
            self._give(buffer)
            for tensor, kept in self._strays:
                tensor.data = kept.to(self._device)
        self._strays.clear()
        self.aboard = True

    def moor(self) -> None:
        """Use the host's copy in place: for offloading, which takes what it needs from there."""
        with torch.inference_mode(mode=False), torch.no_grad():
            self._give(self._host)
            for tensor, kept in self._strays:
                tensor.data = kept
        self._strays.clear()

    def _give(self, buffer: Any) -> None:
        for slot in self._slots:
            slot.tensor.data = slot.view(buffer)


def why_not_parkable(module: Any) -> str | None:
    try:
        for _ in _plain_tensors(module):
            pass
    except NotParkable as reason:
        return str(reason)
    return None


def wraps_tensors(module: Any) -> bool:
    """Whether it has tensors whose device is settled for good: they can leave and board, but not be moored."""
    return any(is_traceable_wrapper_subclass(tensor) for tensor in _all_tensors(module))


def bytes_of(module: Any) -> int:
    """What its tensors take now, wherever they are; shared storage counts once."""
    return sum({one.data_ptr(): one.nbytes for one in _plain_tensors(module)}.values())


def _laid_out(module: Any, *, keep_phase: bool) -> Iterator[_Slot]:
    """`keep_phase`: each tensor begins as far into a line of the processor's cache as it does now."""
    end = 0
    places: dict[tuple[int, int], int] = {}
    for tensor in _plain_tensors(module):
        data = tensor.data
        stride = data.stride() if _is_dense(data) else torch.empty(data.shape, device="meta").stride()
        shared = (data.data_ptr(), data.nbytes)
        place = places.get(shared) if data.nbytes else None
        if place is None:
            phase = data.data_ptr() % PROCESSOR_ALIGNMENT if keep_phase else 0
            place = places[shared] = end + (0 if phase % data.itemsize else phase)
            end = -(-(place + data.nbytes) // ALIGNMENT) * ALIGNMENT
        yield _Slot(tensor, data.dtype, data.shape, stride, place, data.nbytes)


def _is_dense(tensor: Any) -> bool:
    return bool(torch.ops.aten.is_non_overlapping_and_dense(tensor))


def _plain_tensors(module: Any) -> Iterator[Any]:
    """Each tensor that holds numbers, once."""
    seen: set[int] = set()
    for tensor in _all_tensors(module):
        for plain in _unwrapped(tensor):
            if id(plain) not in seen:
                seen.add(id(plain))
                yield plain


def _all_tensors(module: Any) -> Iterator[Any]:
    yield from module.parameters()
    yield from module.buffers()


def _unwrapped(tensor: Any) -> Iterator[Any]:
    if is_traceable_wrapper_subclass(tensor):
        for name in tensor.__tensor_flatten__()[0]:
            yield from _unwrapped(getattr(tensor, name))
    elif type(tensor) in _PLAIN and tensor.device.type != "meta":
        yield tensor
    else:
        raise NotParkable(f"{type(tensor).__name__} cannot leave the device and come back")


def _host_buffer(count: int, *, pin: bool) -> tuple[Any, bool]:
    """Registered rather than allocated pinned: that allocator rounds up to a power of two, 16.3 GiB to 32."""
    buffer = torch.empty(count, dtype=torch.uint8)
    if not (pin and count and torch.cuda.is_available()):
        return buffer, False
    try:
        refused = int(torch.cuda.cudart().cudaHostRegister(buffer.data_ptr(), count, 0))
    except RuntimeError:
        return buffer, False
    return buffer, refused == 0
