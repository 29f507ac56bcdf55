"""Drawing an order when memory runs out, when nobody waits any more, and what it leaves behind."""

import asyncio
import gc
import io
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from switchyard_image_server.errors import Cancelled, GpuOutOfMemory, OutOfMemory
from switchyard_image_server.images.events import Drawn, Finished, Preview, Step
from switchyard_image_server.images.order import Given
from switchyard_image_server.media.pictures import Picture, open_picture
from switchyard_image_server.settings import Placing
from tests.image_server.engine.starving import starve

SMALL = {"prompt": "a cat", "size": "64x64", "steps": 2, "true_cfg_scale": 1}


class Steps:
    """A residence with so many cheaper ways to live; counts what is asked of it."""

    def __init__(self, inner: Any, cheaper: int) -> None:
        self._inner = inner
        self._cheaper = cheaper
        self.told: list[str] = []
        self.runs = 0
        self.relief: Callable[[], None] = lambda: None

    @property
    def report(self) -> Any:
        return self._inner.report

    def step_down(self, why: str) -> str | None:
        self.told.append(why)
        if len(self.told) > self._cheaper:
            return None
        self.relief()
        return "the VAE works in tiles now"

    def run_ended(self) -> None:
        self.runs += 1


@pytest.fixture
def model(demo: Path, load_from: Callable[..., Any]) -> Any:
    return load_from(demo / "image")


def living_with(model: Any, cheaper: int) -> Steps:
    model._residence = Steps(model._residence, cheaper)
    return model._residence


def sent(mode: str, param: str = "image") -> Picture:
    content = io.BytesIO()
    Image.effect_noise((64, 64), 80).convert(mode).save(content, "PNG")
    return open_picture(content.getvalue(), param)


def pictures(events: list[Any]) -> list[Any]:
    return [np.asarray(event.image) for event in events if isinstance(event, Drawn)]


def same(some: list[Any], others: list[Any]) -> bool:
    return len(some) == len(others) and all(map(np.array_equal, some, others))


async def test_a_pass_that_does_not_fit_becomes_two_of_the_same_pictures(
    asks: Any, heard: Any, model: Any
) -> None:
    residence = living_with(model, cheaper=0)
    whole = await heard(asks.draw(model, **SMALL, seed=1, n=3))

    with starve(model._pipeline.transformer, 0, calls=lambda call: call == 0) as said:
        events = await heard(asks.draw(model, **SMALL, seed=1, n=3))

    assert said.failed == 1
    assert same(pictures(events), pictures(whole))
    assert [event.seed for event in events if isinstance(event, Drawn)] == [1, 2, 3]
    assert (events[-1].timings.passes, events[-1].note, residence.told) == (2, None, [])
    assert [event for event in events if isinstance(event, Step)][-1] == Step(4, 4)


async def test_a_picture_that_does_not_fit_is_drawn_again_one_strategy_cheaper(
    asks: Any, heard: Any, model: Any
) -> None:
    residence = living_with(model, cheaper=3)
    before = await heard(asks.draw(model, **SMALL, seed=1))

    with starve(model._pipeline.transformer, 0, calls=lambda call: call == 1):
        events = await heard(asks.draw(model, **SMALL, seed=1))

    assert same(pictures(events), pictures(before))
    assert events[-1].note == "the VAE works in tiles now"
    assert len(residence.told) == 1
    assert "CUDA out of memory" in residence.told[0]
    assert residence.runs == 2


async def test_decoding_that_does_not_fit_is_done_again_without_drawing_again(
    asks: Any, heard: Any, model: Any
) -> None:
    residence = living_with(model, cheaper=1)

    with starve(model._pipeline.vae, 0, method="decode", calls=lambda call: call == 0) as said:
        events = await heard(asks.draw(model, **SMALL, seed=1))

    assert (said.calls, said.failed, len(residence.told)) == (2, 1, 1)
    assert [event for event in events if isinstance(event, Step)] == [Step(1, 2), Step(2, 2)]
    assert len(pictures(events)) == 1


@pytest.mark.parametrize("cheaper", [0, 5])
async def test_says_honestly_that_nothing_helped(asks: Any, heard: Any, model: Any, cheaper: int) -> None:
    residence = living_with(model, cheaper)

    with starve(model._pipeline.transformer, 0), pytest.raises(OutOfMemory) as refused:
        await heard(asks.draw(model, **SMALL, n=2))

    assert not isinstance(refused.value, GpuOutOfMemory)
    assert "cannot draw 64x64 on cpu (resident" in refused.value.message
    assert "ask for a smaller size, or let the operator choose a cheaper --memory" in refused.value.message
    assert ("again after this: the VAE works" in refused.value.message) == (cheaper > 0)
    assert len(residence.told) == 1  # one step down in an order, however far there is to go
    assert len(pictures(await heard(asks.draw(model, **SMALL)))) == 1


async def test_no_room_for_the_cheaper_way_either_is_no_other_fault(asks: Any, heard: Any, model: Any) -> None:
    residence = living_with(model, cheaper=1)

    def no_room() -> None:
        raise MemoryError

    residence.relief = no_room
    with starve(model._pipeline.transformer, 0), pytest.raises(OutOfMemory, match="cannot draw 64x64 on cpu"):
        await heard(asks.draw(model, **SMALL))


async def test_a_failed_pass_is_let_go_of_before_the_next_is_tried(asks: Any, heard: Any, model: Any) -> None:
    residence = living_with(model, cheaper=1)
    held: list[weakref.ref[Any]] = []
    alive: list[bool] = []
    residence.relief = lambda: alive.extend(one() is not None for one in held)
    whole = model._pipeline.transformer.forward

    def fails_once(*given: Any, **named: Any) -> Any:
        if held:
            return whole(*given, **named)
        held.append(weakref.ref(named["hidden_states"]))
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1.00 GiB")

    model._pipeline.transformer.forward = fails_once
    events = await heard(asks.draw(model, **SMALL))

    assert isinstance(events[-1], Finished)
    assert alive == [False]


async def test_a_preview_that_does_not_fit_is_left_out(asks: Any, heard: Any, model: Any) -> None:
    living_with(model, cheaper=0)
    said = SMALL | {"steps": 4, "seed": 1}
    before = await heard(asks.draw(model, **said))

    with starve(model._pipeline.vae, 0, method="decode", calls=lambda call: call == 0):
        events = await heard(asks.draw(model, **said, stream=True, partial_images=3))

    assert [event for event in events if isinstance(event, Preview)] == []
    assert same(pictures(events), pictures(before))


async def test_previews_come_between_the_steps_for_each_picture(asks: Any, heard: Any, model: Any) -> None:
    events = await heard(asks.draw(model, **SMALL | {"steps": 4}, n=2, stream=True, partial_images=1))

    told = [(type(event).__name__, getattr(event, "picture", None)) for event in events[:6]]
    assert told == [
        *[("Step", None), ("Step", None), ("Preview", 0), ("Preview", 1)],
        *[("Step", None), ("Step", None)],
    ]


@pytest.mark.parametrize(
    ("part", "method"),
    [("text_encoder", "forward"), ("transformer", "forward"), ("vae", "encode"), ("vae", "decode")],
)
async def test_stops_wherever_it_is_when_nobody_waits_any_more(
    asks: Any, heard: Any, model: Any, monkeypatch: pytest.MonkeyPatch, part: str, method: str
) -> None:
    module = getattr(model._pipeline, part)
    whole = getattr(module, method)
    calls: list[int] = []
    tickets: list[Any] = []

    def runs(*given: Any, **named: Any) -> Any:
        calls.append(1)
        tickets[0].cancel()
        return whole(*given, **named)

    monkeypatch.setattr(module, method, runs)
    photo = Given((sent("RGB"),))
    said = SMALL | {"true_cfg_scale": 2, "steps": 6, "n": 3}

    tickets.append(asks.draw(model, photo, **said))
    with pytest.raises(Cancelled):
        await heard(tickets[0])
    await heard(asks.worker.submit(lambda _: None))  # the worker is free again

    most = 3 if method == "encode" else 1  # three pictures are encoded in one go
    assert len(calls) <= most


async def test_a_cancelled_order_leaves_the_model_as_it_was(asks: Any, heard: Any, model: Any) -> None:
    before = pictures(await heard(asks.draw(model, **SMALL, seed=1, n=2)))
    ticket = asks.draw(model, **SMALL | {"steps": 200}, n=2)
    begun = ticket.events()
    assert isinstance(await anext(begun), Step)

    ticket.cancel()

    with pytest.raises(Cancelled):
        async for _ in begun:
            pass
    after = pictures(await heard(asks.draw(model, **SMALL, seed=1, n=2)))
    assert same(after, before)
    transformer, vae = model._pipeline.transformer, model._pipeline.vae
    assert "forward" not in vars(transformer)
    assert (len(transformer._forward_pre_hooks), vae.use_slicing) == (0, False)


async def test_draws_the_same_whatever_noise_the_process_has_drawn(asks: Any, heard: Any, model: Any) -> None:
    torch.manual_seed(5)
    one = pictures(await heard(asks.draw(model, **SMALL, seed=1)))
    state = torch.random.get_rng_state()
    torch.manual_seed(6)
    other = pictures(await heard(asks.draw(model, **SMALL, seed=1)))

    assert same(one, other)
    assert torch.equal(state, torch.manual_seed(5).get_state())


@pytest.mark.parametrize("placing", [Placing.ENCODER_SWAP, Placing.GROUP_OFFLOAD])
async def test_every_way_draws_the_same_wherever_the_weights_live(
    asks: Any, heard: Any, model: Any, demo: Path, load_from: Callable[..., Any], placing: Placing
) -> None:
    elsewhere = await asyncio.to_thread(load_from, demo / "image", placing=placing)

    for given in (Given(), Given((sent("RGB"),)), Given((sent("RGB"),), sent("L", "mask"))):
        here = pictures(await heard(asks.draw(model, given, **SMALL, n=2)))
        there = pictures(await heard(asks.draw(elsewhere, given, **SMALL, n=2)))
        assert same(here, there)


async def test_nothing_is_kept_of_a_finished_order(asks: Any, heard: Any, model: Any) -> None:
    await heard(asks.draw(model, **SMALL, n=2))

    def tensors() -> int:
        gc.collect()
        return sum(issubclass(type(one), torch.Tensor) for one in gc.get_objects())

    before = await asyncio.to_thread(tensors)
    for _ in range(3):
        await heard(asks.draw(model, **SMALL, n=2))

    assert await asyncio.to_thread(tensors) == before
