"""Every way to live, on real pipelines: the same picture bit for bit, and where the weights are meanwhile."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch

from switchyard_image_server.errors import Busy
from switchyard_image_server.memory.apply import Residence
from switchyard_image_server.memory.gauge import Gauge
from switchyard_image_server.memory.park import bytes_of
from switchyard_image_server.memory.parts import Machine, Part, role_of
from switchyard_image_server.memory.plan import GIB, Plan
from switchyard_image_server.settings import Placing

Make = Callable[..., Any]
SHARED = Machine("cpu", 64 * GIB, 60 * GIB, 64 * GIB, 60 * GIB, shares=True)
# A machine whose device is a place of its own, so that everything moves as it would there.
APART = Machine("cpu", 64 * GIB, 60 * GIB, 64 * GIB, 60 * GIB, shares=False)


@pytest.fixture(scope="module", params=["demo", "qwen-image-21"])
def folder(request: Any, demo: Path, tiny_pipelines: Any, tmp_path_factory: Any) -> Path:
    if request.param == "demo":
        return demo / "image"
    out: Path = tmp_path_factory.mktemp("pipelines") / "qwen-image-21"
    tiny_pipelines.write_qwen_image_21(out)
    return out


class Home:
    """A pipeline and its residence, made as the loader makes them."""

    def __init__(self, folder: Path, machine: Machine = APART, **wanted: Any) -> None:
        self.pipeline = diffusers.DiffusionPipeline.from_pretrained(folder)
        self.pipeline.set_progress_bar_config(disable=True)
        self.ticks = iter(range(1000))
        plan = Plan(
            **{"placing": Placing.RESIDENT, "quantization": {}, "expected_peak": 0, "parks": True} | wanted
        )
        self.residence = Residence(plan, machine, Gauge("cpu"), lambda: float(next(self.ticks)))
        for name, module in self.pipeline.components.items():
            if isinstance(module, torch.nn.Module):
                self.residence.house(Part(name, type(module).__name__, role_of(name), bytes_of(module)), module)
        self.residence.open()

    def draw(self, size: int = 64) -> Any:
        with torch.inference_mode():
            drawn = self.pipeline(
                "a cat",
                height=size,
                width=size,
                num_inference_steps=2,
                true_cfg_scale=1.0,
                generator=torch.Generator().manual_seed(7),
            )
        return np.asarray(drawn.images[0])

    def held(self, name: str) -> int:
        return bytes_of(getattr(self.pipeline, name))


WAYS = [
    {"placing": Placing.RESIDENT},
    {"placing": Placing.RESIDENT, "parks": False, "why_not_park": "nobody wants it"},
    {"placing": Placing.TILED},
    {"placing": Placing.ENCODER_SWAP},
    {"placing": Placing.ENCODER_SWAP, "turns": True},
    {"placing": Placing.GROUP_OFFLOAD},
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: "-".join(map(str, way.values())))
def test_draws_the_same_picture_whatever_the_way_to_live(folder: Path, way: dict[str, Any]) -> None:
    expected = Home(folder).draw()

    home = Home(folder, **way)

    assert np.array_equal(home.draw(), expected)
    assert np.array_equal(home.draw(), expected)
    assert home.residence.report.placing is way["placing"]


@pytest.mark.parametrize("way", [way for way in WAYS if way.get("parks", True)], ids=str)
def test_sleeps_and_wakes_over_and_over_without_losing_a_bit(folder: Path, way: dict[str, Any]) -> None:
    home = Home(folder, **way)
    before = home.draw()

    for _ in range(3):
        home.residence.sleep()
        home.residence.wake()

        assert np.array_equal(home.draw(), before)


def test_asleep_nothing_is_left_on_the_device(folder: Path) -> None:
    home = Home(folder)
    awake = {name: home.held(name) for name in ("text_encoder", "transformer", "vae")}

    home.residence.sleep()
    asleep = {name: home.held(name) for name in awake}
    home.residence.wake()

    assert all(count > 0 for count in awake.values())
    assert set(asleep.values()) == {0}
    assert {name: home.held(name) for name in awake} == awake


def test_tiling_decodes_large_pictures_tile_by_tile(folder: Path) -> None:
    """Nearly the same picture, so it is no surprise where the planner calls tiling harmless."""
    whole, tiled = Home(folder), Home(folder, placing=Placing.TILED)

    one, other = whole.draw(320).astype(int), tiled.draw(320).astype(int)

    assert one.shape == other.shape
    assert tiled.pipeline.vae.use_tiling
    assert np.abs(one - other).mean() < 8


def test_while_it_denoises_the_text_encoder_is_gone(folder: Path) -> None:
    home = Home(folder, placing=Placing.ENCODER_SWAP)
    seen: list[int] = []
    home.pipeline.transformer.register_forward_hook(lambda *_: seen.append(home.held("text_encoder")))

    home.draw()

    assert seen
    assert set(seen) == {0}


def test_in_turns_encoder_and_denoiser_never_meet(folder: Path) -> None:
    home = Home(folder, placing=Placing.ENCODER_SWAP, turns=True)
    seen: list[tuple[bool, bool]] = []
    for name in ("text_encoder", "transformer"):
        getattr(home.pipeline, name).register_forward_hook(
            lambda *_: seen.append((home.held("text_encoder") > 0, home.held("transformer") > 0))
        )

    home.draw()

    assert set(seen) == {(True, False), (False, True)}


def test_steps_down_the_ladder_in_place_and_draws_on(folder: Path) -> None:
    home = Home(folder)
    expected = home.draw()
    rungs = []

    while (note := home.residence.step_down("an out-of-memory error")) is not None:
        rungs.append((home.residence.report.placing, home.residence.report.vae_tiling, note))
        assert np.array_equal(home.draw(), expected)

    assert [rung[:2] for rung in rungs] == [
        (Placing.TILED, True),
        (Placing.ENCODER_SWAP, True),
        (Placing.ENCODER_SWAP, True),
        (Placing.GROUP_OFFLOAD, True),
    ]
    assert rungs[0][2] == "after an out-of-memory error, the VAE works in tiles"
    assert home.residence.report.stepped_down == tuple(rung[2] for rung in rungs)


def test_a_step_for_which_the_host_has_no_room_leaves_everything_as_it_was(
    folder: Path, monkeypatch: Any
) -> None:
    home = Home(folder, placing=Placing.ENCODER_SWAP, parks=False)
    expected = home.draw()

    def full(*_: Any, **__: Any) -> None:
        raise MemoryError("can't allocate memory")

    with monkeypatch.context() as starved:
        starved.setattr("switchyard_image_server.memory.apply.Berth", full)
        with pytest.raises(MemoryError):
            home.residence.step_down("a try that failed")

    assert np.array_equal(home.draw(), expected)
    assert home.residence.report.placing is Placing.ENCODER_SWAP


def test_where_device_and_host_are_one_only_tiling_is_left(folder: Path) -> None:
    home = Home(folder, SHARED)

    assert home.residence.step_down("x") is not None
    assert home.residence.step_down("x") is None
    assert home.residence.report.placing is Placing.TILED


def test_where_device_and_host_are_one_no_copy_is_made_before_it_must_be(folder: Path) -> None:
    home = Home(folder, SHARED)
    before = home.residence.report.parked_bytes

    home.residence.sleep()

    assert before == 0
    assert home.residence.report.parked_bytes > 0


def test_a_sleeping_model_can_be_put_to_sleep_and_a_waking_one_woken(folder: Path) -> None:
    home = Home(folder)
    expected = home.draw()

    home.residence.wake()
    home.residence.sleep()
    home.residence.sleep()
    home.residence.wake()
    home.residence.wake()

    assert np.array_equal(home.draw(), expected)


def test_refuses_to_sleep_with_the_reason_that_was_planned(folder: Path) -> None:
    home = Home(folder, parks=False, why_not_park="the server was started with --no-park")

    with pytest.raises(Busy, match="cannot fall asleep: the server was started with --no-park"):
        home.residence.sleep()

    assert home.residence.report.why_not_sleep == "the server was started with --no-park"
    assert not home.residence.report.can_sleep


def test_an_offloaded_pipeline_says_that_most_of_it_was_asleep(folder: Path) -> None:
    home = Home(folder, placing=Placing.GROUP_OFFLOAD)

    home.residence.sleep()
    turned = home.residence.report.turned

    assert turned is not None
    assert turned.note is not None
    assert "asleep already" in turned.note
    assert turned.bytes >= bytes_of(Home(folder).pipeline.vae)
    assert home.held("vae") == 0


def test_a_wake_without_room_leaves_it_asleep_and_able_to_try_again(folder: Path, monkeypatch: Any) -> None:
    home = Home(folder)
    expected = home.draw()
    home.residence.sleep()
    real, asked = torch.empty, []

    def full(count: Any, *args: Any, **options: Any) -> Any:
        if options.get("dtype") is torch.uint8:
            asked.append(count)
            if len(asked) == 2:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return real(count, *args, **options)

    monkeypatch.setattr(torch, "empty", full)
    with pytest.raises(torch.OutOfMemoryError):
        home.residence.wake()
    monkeypatch.undo()

    assert {home.held(name) for name in ("text_encoder", "transformer", "vae")} == {0}
    home.residence.wake()
    assert np.array_equal(home.draw(), expected)


def test_tells_how_long_turning_took_and_what_moved(folder: Path) -> None:
    home = Home(folder)
    every = home.residence.report.parked_bytes

    home.residence.sleep()
    asleep = home.residence.report
    home.residence.wake()
    awake = home.residence.report

    assert asleep.turned is not None
    assert (asleep.turned.towards, asleep.turned.seconds, asleep.turned.bytes) == ("asleep", 1.0, every)
    assert awake.turned is not None
    assert (awake.turned.towards, awake.turned.bytes) == ("awake", every)
    assert {one.place for one in asleep.components} == {"host"}
    assert {one.place for one in awake.components} == {"device"}


def test_the_real_peak_is_known_after_a_run_and_never_forgotten(folder: Path, monkeypatch: Any) -> None:
    home = Home(folder)
    before = home.residence.report.measured_peak
    peaks = iter([500, 900, 700])
    monkeypatch.setattr(Gauge, "peak", lambda _: next(peaks))

    for _ in range(3):
        home.residence.run_ended()

    assert before is None
    assert home.residence.report.measured_peak == 900


def test_an_adapter_that_is_on_sleeps_and_wakes_with_the_rest(folder: Path) -> None:
    home = Home(folder)
    layer = next(one for one in home.pipeline.transformer.modules() if isinstance(one, torch.nn.Linear))
    layer.extra = torch.nn.Parameter(torch.randn(3, 4))
    numbers = layer.extra.detach().clone()

    home.residence.sleep()
    gone = layer.extra.numel()
    home.residence.wake()

    assert gone == 0
    assert torch.equal(layer.extra, numbers)
