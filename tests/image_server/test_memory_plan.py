"""What is chosen for which card, and why. The sizes are those of the published models."""

import pytest

from switchyard_image_server.memory.activations import need_of, need_of_language
from switchyard_image_server.memory.parts import Machine, Part, Role, Wishes
from switchyard_image_server.memory.plan import GIB, Impossible, Misfit, Plan, cheaper, eight_bit, plan
from switchyard_image_server.settings import Placing, Quantization


def part(name: str, role: Role, gib: float, shrinks: float = 1.0) -> Part:
    size = int(gib * GIB)
    return Part(name, name, role, size, "bfloat16", 2.0, int(size * shrinks))


QWEN_21 = (
    part("text_encoder", Role.ENCODER, 16.3, 0.93),
    part("transformer", Role.DENOISER, 13.25),
    part("vae", Role.VAE, 0.63, 0),
)
QWEN_20B = (
    part("text_encoder", Role.ENCODER, 15.4, 0.93),
    part("transformer", Role.DENOISER, 38.05),
    part("vae", Role.VAE, 0.24, 0),
)
VL_8B = (part("model", Role.LANGUAGE, 16.3, 0.93),)
VL_4B = (part("model", Role.LANGUAGE, 8.3, 0.91),)
NEEDS = {
    QWEN_21: need_of("QwenImage21Pipeline"),
    QWEN_20B: need_of("QwenImagePipeline"),
    VL_8B: need_of_language(),
    VL_4B: need_of_language(),
}
RESIDENT, TILED, SWAP, GROUP = (
    Placing.RESIDENT,
    Placing.TILED,
    Placing.ENCODER_SWAP,
    Placing.GROUP_OFFLOAD,
)


def card(gib: float, ram: float, capability: tuple[int, int] = (8, 9), *, nf4: bool = False) -> Machine:
    """As such a card reports itself when a desktop is drawn on it."""
    return Machine(
        "cuda",
        int(gib * 0.985 * GIB),
        int(gib * 0.965 * GIB),
        int(ram * GIB),
        int(ram * 0.9 * GIB),
        capability,
        nf4,
    )


def planned(parts: tuple[Part, ...], machine: Machine, wishes: Wishes | None = None) -> Plan:
    return plan(parts, NEEDS[parts], machine, wishes or Wishes())


def chosen(one: Plan) -> tuple[Placing, bool, Quantization, int]:
    return one.placing, one.turns, one.strongest, len(one.quantization)


NO, Q8 = Quantization.NONE, Quantization.FP8


@pytest.mark.parametrize(
    ("parts", "gib", "ram", "expected"),
    [
        (QWEN_21, 8, 64, (GROUP, False, NO, 0)),
        (QWEN_21, 8, 32, (GROUP, False, Q8, 2)),
        (QWEN_21, 12, 64, (SWAP, True, Q8, 2)),
        (QWEN_21, 16, 64, (SWAP, True, Q8, 2)),
        (QWEN_21, 16, 32, (SWAP, True, Q8, 2)),
        (QWEN_21, 24, 64, (SWAP, True, NO, 0)),
        (QWEN_21, 24, 32, (TILED, False, Q8, 2)),
        (QWEN_21, 32, 64, (SWAP, True, NO, 0)),
        (QWEN_21, 32, 32, (TILED, False, Q8, 1)),
        (QWEN_21, 80, 128, (RESIDENT, False, NO, 0)),
        (QWEN_20B, 8, 128, (GROUP, False, NO, 0)),
        (QWEN_20B, 12, 128, (GROUP, False, NO, 0)),
        (QWEN_20B, 16, 64, (GROUP, False, Q8, 2)),
        (QWEN_20B, 24, 64, (SWAP, True, Q8, 2)),
        (QWEN_20B, 32, 64, (TILED, False, Q8, 2)),
        (QWEN_20B, 48, 128, (SWAP, True, NO, 0)),
        (QWEN_20B, 80, 128, (RESIDENT, False, NO, 0)),
        (VL_8B, 12, 32, (RESIDENT, False, Q8, 1)),
        (VL_8B, 16, 32, (RESIDENT, False, Q8, 1)),
        (VL_8B, 24, 32, (RESIDENT, False, NO, 0)),
        (VL_8B, 80, 128, (RESIDENT, False, NO, 0)),
        (VL_4B, 8, 32, (RESIDENT, False, Q8, 1)),
        (VL_4B, 12, 32, (RESIDENT, False, NO, 0)),
        (VL_4B, 16, 32, (RESIDENT, False, NO, 0)),
    ],
)
def test_each_card_gets_the_best_that_fits_it(
    parts: tuple[Part, ...], gib: float, ram: float, expected: tuple[Placing, bool, Quantization, int]
) -> None:
    assert chosen(planned(parts, card(gib, ram))) == expected


@pytest.mark.parametrize("parts", list(NEEDS))
@pytest.mark.parametrize("gib", [8, 10, 11, 12, 16, 20, 24, 32, 40, 48, 80, 96])
@pytest.mark.parametrize("ram", [16, 32, 64, 128])
def test_what_is_chosen_fits_the_card_or_nothing_is_chosen(
    parts: tuple[Part, ...], gib: float, ram: float
) -> None:
    machine = card(gib, ram)

    try:
        expected: int | None = planned(parts, machine).expected_peak
    except Misfit:
        expected = None

    assert expected is None or expected < machine.free


@pytest.mark.parametrize("parts", list(NEEDS))
def test_a_larger_card_never_gets_a_cheaper_plan(parts: tuple[Part, ...]) -> None:
    order = [RESIDENT, TILED, SWAP, GROUP]
    seen: list[tuple[bool, int]] = []
    for gib in (80, 48, 40, 32, 24, 20, 16, 12):
        try:
            one = planned(parts, card(gib, 256))
        except Misfit:
            break
        seen.append((one.placing is GROUP, bool(one.quantization) + order.index(one.placing) // 3))

    assert seen == sorted(seen)


def test_moving_weights_at_every_step_comes_after_eight_bit() -> None:
    one = planned(QWEN_21, card(16, 256))

    assert one.placing is not GROUP
    assert one.strongest is Q8


def test_lossless_comes_before_eight_bit_where_each_weight_moves_once_a_picture() -> None:
    assert not planned(QWEN_21, card(24, 64)).quantization


def test_swapping_wants_pinned_memory_and_is_not_chosen_without() -> None:
    roomy, short = planned(QWEN_21, card(24, 64)), planned(QWEN_21, card(24, 40))

    assert roomy.placing is SWAP
    assert short.placing is TILED


def test_four_bit_is_chosen_only_where_nothing_else_fits() -> None:
    small = card(12, 14, nf4=True)

    assert planned(VL_8B, card(12, 32, nf4=True)).strongest is Q8
    assert planned(VL_8B, card(9, 32, nf4=True)).strongest is Quantization.NF4
    assert planned(QWEN_21, small).strongest is Quantization.NF4


@pytest.mark.parametrize(
    ("capability", "expected"), [((8, 6), Quantization.INT8), ((8, 9), Q8), ((9, 0), Q8), ((12, 0), Q8)]
)
def test_eight_bit_is_what_the_card_calculates_with(
    capability: tuple[int, int], expected: Quantization
) -> None:
    assert eight_bit(card(24, 64, capability)) is expected


def test_the_operators_limit_counts_as_the_cards_memory() -> None:
    limited = planned(QWEN_21, card(80, 128), Wishes(max_vram=24 * GIB))

    assert limited.placing is SWAP
    assert "allowed" in limited.reason


def test_what_the_operator_asks_for_is_obeyed_and_doubt_is_told() -> None:
    one = planned(QWEN_21, card(24, 64), Wishes(placing=RESIDENT, quantization=Quantization.NONE))

    assert chosen(one) == (RESIDENT, False, NO, 0)
    assert "as the operator asked" in one.reason
    assert "may not fit" in one.reason


def test_a_wish_for_one_thing_leaves_the_other_to_the_plan() -> None:
    resident = planned(QWEN_21, card(24, 64), Wishes(placing=RESIDENT))
    whole = planned(QWEN_21, card(16, 64), Wishes(quantization=Quantization.NONE))
    int8 = planned(QWEN_21, card(24, 64), Wishes(quantization=Quantization.INT8))

    assert chosen(resident) == (RESIDENT, False, Q8, 2)
    assert chosen(whole) == (GROUP, False, NO, 0)
    assert chosen(int8) == (RESIDENT, False, Quantization.INT8, 2)


def test_four_bit_is_never_swapped_or_offloaded() -> None:
    with pytest.raises(Misfit):
        planned(QWEN_20B, card(8, 128), Wishes(quantization=Quantization.NF4))


def test_the_processor_keeps_everything_as_it_is() -> None:
    machine = Machine("cpu", 64 * GIB, 60 * GIB, 64 * GIB, 60 * GIB, shares=True)

    one = planned(QWEN_21, machine)

    assert chosen(one) == (RESIDENT, False, NO, 0)
    assert not one.pins


def test_what_does_not_fit_says_what_is_short_and_by_how_much() -> None:
    with pytest.raises(Misfit) as device:
        planned(VL_8B, card(8, 64))
    with pytest.raises(Misfit) as host:
        planned(QWEN_21, card(16, 16))
    with pytest.raises(Misfit) as processor:
        planned(QWEN_21, Machine("cpu", 16 * GIB, 15 * GIB, 16 * GIB, 15 * GIB, shares=True))

    assert "11.1 GiB of device memory" in str(device.value)
    assert "7.7 GiB are free" in str(device.value)
    assert "of host memory even with" in str(host.value)
    assert "14.4 GiB are free" in str(host.value)
    assert host.value.on_host
    assert not device.value.on_host
    assert processor.value.on_host
    assert device.value.part == "model"


def test_the_reason_is_one_sentence_with_the_numbers_that_decided() -> None:
    assert planned(QWEN_21, card(80, 128)).reason == (
        "everything stays on the device: weights of 30.2 GiB, expected to need 35.0 GiB with 77.2 GiB of cuda "
        "free"
    )
    assert planned(QWEN_21, card(12, 64)).reason == (
        "text encoder and denoiser take turns on the device, text_encoder and transformer in fp8: weights of "
        "30.2 GiB, expected to need 10.3 GiB with 11.6 GiB of cuda free; the text encoder is on the device "
        "only while it encodes, text_encoder and transformer in fp8 would need 17.0 GiB"
    )


@pytest.mark.parametrize(
    ("wishes", "ram", "expected"),
    [
        (Wishes(), 128, None),
        (Wishes(park=False), 128, "the server was started with --no-park"),
        (Wishes(), 32, "a copy of the weights takes 30.2 GiB, and 28.8 GiB of host memory are free"),
    ],
)
def test_the_host_copy_is_kept_where_there_is_room(wishes: Wishes, ram: float, expected: str | None) -> None:
    one = planned(QWEN_21, card(80, ram), wishes)

    assert one.why_not_park == expected
    assert one.parks is (expected is None)


def test_no_more_than_seventy_percent_of_the_machine_is_pinned() -> None:
    at_the_limit = planned(QWEN_21, card(80, 44))
    below = planned(QWEN_21, card(80, 42))

    assert (at_the_limit.parks, at_the_limit.pins) == (True, True)
    assert (below.parks, below.pins) == (True, False)


@pytest.mark.parametrize(
    ("placing", "turns", "expected"),
    [
        (RESIDENT, False, [TILED, SWAP, GROUP]),
        (TILED, False, [SWAP, GROUP]),
        (SWAP, False, [SWAP, GROUP]),
        (SWAP, True, [GROUP]),
        (GROUP, False, []),
    ],
)
def test_after_a_failure_the_next_cheaper_way_is_tried(
    placing: Placing, turns: bool, expected: list[Placing]
) -> None:
    assert list(cheaper(placing, turns=turns, machine=card(24, 64), parts=QWEN_21)) == expected


def test_on_the_processor_only_tiling_saves_anything() -> None:
    machine = Machine("cpu", 64 * GIB, 60 * GIB, 64 * GIB, 60 * GIB, shares=True)

    assert list(cheaper(RESIDENT, turns=False, machine=machine, parts=QWEN_21)) == [TILED]


def test_a_language_model_has_no_cheaper_way() -> None:
    assert list(cheaper(RESIDENT, turns=False, machine=card(24, 64), parts=VL_8B)) == []


def test_a_small_models_need_is_no_more_than_its_weights() -> None:
    tiny = (part("text_encoder", Role.ENCODER, 0.001), part("transformer", Role.DENOISER, 0.001))

    one = plan(tiny, need_of("QwenImagePipeline"), card(8, 16), Wishes())

    assert one.placing is RESIDENT
    assert one.expected_peak == 2 * sum(piece.bytes for piece in tiny)


@pytest.mark.parametrize(
    ("parts", "wishes", "expected"),
    [
        (VL_8B, Wishes(placing=SWAP), "encoder-swap is for image models; use --memory resident"),
        (
            QWEN_21,
            Wishes(placing=GROUP, quantization=Quantization.NF4),
            "weights in nf4 cannot leave the device; use --memory tiled",
        ),
    ],
)
def test_a_wish_that_does_not_go_with_the_model_is_refused(
    parts: tuple[Part, ...], wishes: Wishes, expected: str
) -> None:
    with pytest.raises(Impossible, match=expected):
        planned(parts, card(80, 128), wishes)
