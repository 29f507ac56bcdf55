"""Weights leave and come back bit for bit, as the same objects, and their memory is really let go of."""

import gc
from typing import Any

import psutil
import pytest
import torch

from switchyard_image_server.memory.park import Berth, bytes_of, why_not_parkable, wraps_tensors
from switchyard_image_server.memory.quantized import quantize
from switchyard_image_server.settings import Quantization

MIB = 2**20


class Tied(torch.nn.Module):
    """Two names for one weight, buffers of several formats, a weight in another order, and an empty one."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = torch.nn.Embedding(7, 5)
        self.head = torch.nn.Linear(5, 7, bias=False)
        self.head.weight = self.embed.weight
        self.narrow = torch.nn.Parameter(torch.randn(3, 5).to(torch.bfloat16))
        self.conv = torch.nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.register_buffer("steps", torch.arange(9))
        self.register_buffer("kept_out", torch.randn(3), persistent=False)
        self.register_buffer("empty", torch.empty(0, 4))

    def forward(self, tokens: Any) -> Any:
        seen = self.head(self.embed(tokens)) + self.steps[:7] + self.kept_out.sum()
        return seen + (self.narrow.float() @ self.embed(tokens).mT).sum()


def numbers(module: Any) -> list[Any]:
    return [tensor.clone() for tensor in (*module.parameters(), *module.buffers())]


def same(one: list[Any], other: list[Any]) -> bool:
    return all(torch.equal(a, b) and a.stride() == b.stride() for a, b in zip(one, other, strict=True))


def test_comes_back_bit_for_bit_over_many_cycles() -> None:
    torch.manual_seed(0)
    module, tokens = Tied(), torch.tensor([[1, 2, 3]])
    before, said = numbers(module), module(tokens)
    identities = [id(tensor) for tensor in module.parameters()]
    berth = Berth(module, "cpu", pin=False)

    for _ in range(3):
        berth.leave()
        berth.board()

        assert same(numbers(module), before)
        assert torch.equal(module(tokens), said)
    assert [id(tensor) for tensor in module.parameters()] == identities
    assert module.head.weight is module.embed.weight


def test_tensors_that_share_storage_share_their_place() -> None:
    alone, tied = torch.nn.Linear(64, 64, bias=False), torch.nn.ModuleList()
    tied.append(alone)
    shared = torch.nn.Linear(64, 64, bias=False)
    shared.weight = torch.nn.Parameter(alone.weight.data)  # another parameter over the same numbers
    tied.append(shared)

    berth = Berth(tied, "cpu", pin=False)
    berth.leave()
    berth.board()

    assert berth.bytes < 2 * alone.weight.nbytes
    assert shared.weight.data_ptr() == alone.weight.data_ptr()


def test_what_left_fails_loudly_and_still_names_its_device() -> None:
    module = torch.nn.Linear(8, 8)
    berth = Berth(module, "cpu", pin=False)

    berth.leave()

    assert module.weight.device.type == "cpu"
    assert bytes_of(module) == 0
    with pytest.raises(RuntimeError):
        module(torch.ones(1, 8))


def test_the_devices_memory_is_really_given_back() -> None:
    module = torch.nn.Linear(64 * MIB // 4 // 64, 64, bias=False)
    berth = Berth(module, "cpu", pin=False)
    berth.leave()
    berth.board()
    gc.collect()
    awake = psutil.Process().memory_info().rss

    berth.leave()
    gc.collect()
    asleep = psutil.Process().memory_info().rss
    berth.board()

    assert awake - asleep > 60 * MIB
    assert psutil.Process().memory_info().rss - asleep > 60 * MIB


def test_begins_each_tensor_as_far_into_a_line_as_it_was() -> None:
    """The last bits of a product on the processor depend on it."""
    store = torch.randn(1000)
    module = torch.nn.Module()
    module.odd = torch.nn.Parameter(store[3:103])
    module.even = torch.nn.Parameter(store[112:212])
    phases = [one.data_ptr() % 64 for one in module.parameters()]
    berth = Berth(module, "cpu", pin=False)

    berth.leave()
    berth.board()

    assert [one.data_ptr() % 64 for one in module.parameters()] == phases
    assert len(set(phases)) == 2


def test_what_came_later_leaves_and_comes_back_too() -> None:
    module = torch.nn.Linear(8, 8)
    berth = Berth(module, "cpu", pin=False)
    module.adapter = torch.nn.Linear(8, 2)
    numbers_of_it = module.adapter.weight.clone()

    berth.leave()
    while_away = module.adapter.weight.numel()
    berth.board()

    assert while_away == 0
    assert torch.equal(module.adapter.weight, numbers_of_it)


def test_boarding_within_inference_mode_leaves_ordinary_tensors() -> None:
    module = torch.nn.Linear(8, 8)
    berth = Berth(module, "cpu", pin=False)

    with torch.inference_mode():
        berth.leave()
        berth.board()

    assert not module.weight.is_inference()
    module.weight.data.add_(1)


@pytest.mark.parametrize("how", [Quantization.INT8, Quantization.FP8])
def test_quantised_weights_are_parked_by_what_they_wrap(how: Quantization) -> None:
    torch.manual_seed(0)
    module, given = torch.nn.Sequential(torch.nn.Linear(32, 64), torch.nn.Linear(64, 16)), torch.randn(3, 32)
    quantize(module, how, "cpu")
    with torch.inference_mode():
        before = module(given)
    berth = Berth(module, "cpu", pin=False)

    berth.leave()
    left = bytes_of(module)
    berth.board()

    assert wraps_tensors(module)
    assert left == 0
    with torch.inference_mode():
        assert torch.equal(module(given), before)


class Strange(torch.Tensor):
    """A tensor of a class that nobody can take apart."""


def test_a_tensor_of_an_unknown_kind_is_refused_by_its_name() -> None:
    module = torch.nn.Linear(4, 4)
    module.weight = torch.nn.Parameter(torch.ones(4, 4).as_subclass(Strange), requires_grad=False)

    assert why_not_parkable(module) == "Strange cannot leave the device and come back"
    assert why_not_parkable(torch.nn.Linear(4, 4)) is None
