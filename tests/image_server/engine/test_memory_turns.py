"""Encoder and denoiser are on the device when they run, and only then."""

from typing import Any

import torch

from switchyard_image_server.memory.park import Berth, bytes_of
from switchyard_image_server.memory.turns import Turns


class Outer(torch.nn.Module):
    """Some pipelines call the inner model past the outer one."""

    def __init__(self) -> None:
        super().__init__()
        self.model = torch.nn.Linear(4, 4)

    def forward(self, given: Any) -> Any:
        return self.model(given)


class Counted(Berth):
    """Counts how often it boards."""

    boarded = 0

    def board(self) -> None:
        self.boarded += 1
        super().board()


def housed(module: Any) -> Counted:
    berth = Counted(module, "cpu", pin=False)
    berth.leave()
    return berth


GIVEN = torch.ones(1, 4)


def test_the_encoder_boards_to_encode_and_has_left_when_the_denoiser_runs() -> None:
    encoder, denoiser = Outer(), Outer()
    berth = housed(encoder)
    Turns([(encoder, berth)], [], before=[denoiser])

    encoder(GIVEN)
    while_encoding = bytes_of(encoder)
    denoiser(GIVEN)

    assert while_encoding > 0
    assert bytes_of(encoder) == 0
    assert bytes_of(denoiser) > 0


def test_in_strict_turns_the_denoiser_leaves_for_the_encoder() -> None:
    encoder, denoiser = Outer(), Outer()
    Turns([(encoder, housed(encoder))], [(denoiser, housed(denoiser))], before=[denoiser])
    seen: list[tuple[bool, bool]] = []
    for module in (encoder, denoiser):
        module.model.register_forward_hook(
            lambda *_: seen.append((bytes_of(encoder) > 0, bytes_of(denoiser) > 0))
        )

    encoder(GIVEN)
    denoiser(GIVEN)

    assert seen == [(True, False), (False, True)]


def test_each_comes_back_once_however_often_it_runs() -> None:
    encoder, denoiser = Outer(), Outer()
    berths = housed(encoder), housed(denoiser)
    Turns([(encoder, berths[0])], [(denoiser, berths[1])], before=[denoiser])

    for module in (encoder, encoder, denoiser, denoiser, denoiser):
        module(GIVEN)

    assert [berth.boarded for berth in berths] == [1, 2]  # the denoiser waits on the device at first


def test_a_call_past_the_outer_module_is_noticed() -> None:
    encoder, denoiser = Outer(), Outer()
    Turns([(encoder, housed(encoder))], [], before=[denoiser])

    encoder.model(GIVEN)

    assert bytes_of(encoder) > 0


def test_after_closing_nothing_moves_any_more() -> None:
    encoder, denoiser = Outer(), Outer()
    berth = housed(encoder)
    turns = Turns([(encoder, berth)], [], before=[denoiser])
    encoder(GIVEN)

    turns.close()
    denoiser(GIVEN)

    assert bytes_of(encoder) > 0
