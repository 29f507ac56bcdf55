"""Decide where weights live while a request runs, and in which number format. Pure: values in, a plan out.

Lossless comes before lossy, as long as each weight crosses the bus at most once for a picture: all of them on
the device; the VAE tile by tile; the text encoder there only while it encodes; encoder and denoiser in turns.
Only then 8 bit. Offloading group by group moves every weight at every step, which makes a picture several times
slower, so it comes after 8 bit; and 4 bit, which shows, comes last. What the operator asked for is obeyed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from switchyard_image_server.memory.activations import Need
from switchyard_image_server.memory.parts import Machine, Part, Role, Wishes
from switchyard_image_server.settings import Placing, Quantization

GIB = 2**30
PINNABLE = 0.7  # of the machine's memory: pinned memory cannot be swapped out, and starves everything else
USABLE = 0.9  # of what is available now
FP8_SINCE = (8, 9)  # the compute capability from which on a card calculates with it
HELD_AT_ONCE = 8  # group offload holds a block or two of some sixty, or an embedding: an eighth at most

_Rung = tuple[Placing, bool, Mapping[str, Quantization]]  # whether they take turns is the second

_ONCE_A_PICTURE = (
    (Placing.RESIDENT, False),
    (Placing.TILED, False),
    (Placing.ENCODER_SWAP, False),
    (Placing.ENCODER_SWAP, True),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """`quantization` names the components that are stored in another format. `turns`: encoder and denoiser are
    never on the device together. `parks`: host memory keeps a copy of all weights; `pins`: in pinned pages."""

    placing: Placing
    quantization: Mapping[str, Quantization]
    expected_peak: int
    reason: str = ""
    turns: bool = False
    parks: bool = False
    pins: bool = False
    why_not_park: str | None = None

    @property
    def vae_tiling(self) -> bool:
        return self.placing is not Placing.RESIDENT

    @property
    def strongest(self) -> Quantization:
        """The one word for a report."""
        return next(iter(self.quantization.values()), Quantization.NONE)


class Impossible(Exception):
    """What the operator asked for does not exist for this model."""


class Misfit(Exception):
    """Nothing the planner knows fits. `part` is the largest."""

    def __init__(self, part: str, needed: int, free: int, least: Placing, *, on_host: bool) -> None:
        where = "host memory" if on_host else "device memory"
        super().__init__(
            f"it needs {told(needed)} of {where} even with {least}, and {told(free)} are free "
            f"({part} is its largest part)"
        )
        self.part = part
        self.needed = needed
        self.free = free
        self.least = least
        self.on_host = on_host


def told(count: int) -> str:
    return f"{count / GIB:.1f} GiB" if count >= GIB // 10 else f"{count / 2**20:.1f} MiB"


def plan(parts: Sequence[Part], need: Need, machine: Machine, wishes: Wishes) -> Plan:
    """Raises `Misfit` when nothing fits and the operator named no placing, `Impossible` for some wishes."""
    room = min(machine.free, machine.free if wishes.max_vram is None else wishes.max_vram)
    tried: list[Plan] = []
    for candidate in _candidates(parts, machine, wishes):
        settled = replace(candidate, expected_peak=_peak(parts, need, candidate))
        if settled.expected_peak + _spare(machine) <= room and _host_allows(parts, settled, machine, wishes):
            return _finished(settled, tried, parts, machine, wishes, room)
        tried.append(settled)
    if not tried:
        raise Impossible(_why_impossible(parts, wishes))
    if wishes.placing is not Placing.AUTO:
        return _finished(tried[0], [], parts, machine, wishes, room)
    raise _misfit(tried, parts, machine, room)


def _why_impossible(parts: Sequence[Part], wishes: Wishes) -> str:
    if any(part.role is Role.LANGUAGE for part in parts):
        return f"{wishes.placing} is for image models; use --memory {Placing.RESIDENT}, or leave it out"
    how = wishes.quantization
    return f"weights in {how} cannot leave the device; use --memory {Placing.TILED}, or leave it out"


def _misfit(tried: Sequence[Plan], parts: Sequence[Part], machine: Machine, room: int) -> Misfit:
    """By what is short: where the device would do, it is the host."""
    largest = max(parts, key=lambda part: part.bytes).name
    on_device = [one for one in tried if one.expected_peak + _spare(machine) <= room]
    if on_device:
        least = min(on_device, key=lambda one: _moved(parts, one))
        return Misfit(largest, _moved(parts, least), machine.host_free, least.placing, on_host=True)
    cheapest = min(tried, key=lambda one: one.expected_peak)
    needed = cheapest.expected_peak + _spare(machine)
    return Misfit(largest, needed, room, cheapest.placing, on_host=machine.shares)


def cheaper(placing: Placing, *, turns: bool, machine: Machine, parts: Sequence[Part]) -> Iterator[Placing]:
    """What to try after an out-of-memory error, in place: the next rungs that exist for these parts."""
    roles = {part.role for part in parts}
    ladder = [Placing.RESIDENT]
    if Role.VAE in roles:
        ladder.append(Placing.TILED)
    if not machine.shares and {Role.ENCODER, Role.DENOISER} <= roles:
        ladder += [Placing.ENCODER_SWAP, Placing.GROUP_OFFLOAD]
    if placing is Placing.ENCODER_SWAP and not turns:
        yield Placing.ENCODER_SWAP  # once more, with the denoiser making room, too
    yield from ladder[ladder.index(placing) + 1 :] if placing in ladder else ()


def eight_bit(machine: Machine) -> Quantization:
    if machine.capability is not None and machine.capability < FP8_SINCE:
        return Quantization.INT8
    return Quantization.FP8


def _candidates(parts: Sequence[Part], machine: Machine, wishes: Wishes) -> Iterator[Plan]:
    """From best to cheapest, less what the operator ruled out."""
    roles = {part.role for part in parts}
    for placing, turns, quantization in _wished(list(_rungs(parts, machine)), parts, machine, wishes):
        moves = placing in {Placing.ENCODER_SWAP, Placing.GROUP_OFFLOAD}
        possible = not machine.shares and Role.ENCODER in roles
        if wishes.placing is placing or (wishes.placing is Placing.AUTO and (possible or not moves)):
            yield Plan(placing, quantization, 0, turns=turns)


def _rungs(parts: Sequence[Part], machine: Machine) -> Iterator[_Rung]:
    eight = eight_bit(machine)
    encoders = [part.name for part in parts if part.role is Role.ENCODER]
    heavy = _heavy(parts)
    if any(part.role is Role.LANGUAGE for part in parts):
        yield Placing.RESIDENT, False, {}
        yield Placing.RESIDENT, False, dict.fromkeys(heavy, eight)
    else:
        yield from ((placing, turns, {}) for placing, turns in _ONCE_A_PICTURE)
        yield Placing.TILED, False, dict.fromkeys(encoders, eight)
        yield from ((placing, turns, dict.fromkeys(heavy, eight)) for placing, turns in _ONCE_A_PICTURE[1:])
        yield Placing.RESIDENT, False, dict.fromkeys(heavy, eight)  # needs more: only for who asks for it
        yield Placing.GROUP_OFFLOAD, False, {}
        yield Placing.GROUP_OFFLOAD, False, dict.fromkeys(heavy, eight)
    if machine.nf4:
        placing = Placing.RESIDENT if heavy == ["model"] else Placing.TILED
        yield placing, False, dict.fromkeys(heavy, Quantization.NF4)


def _wished(rungs: Sequence[_Rung], parts: Sequence[Part], machine: Machine, wishes: Wishes) -> Sequence[_Rung]:
    if wishes.quantization is Quantization.AUTO:
        # A processor calculates slowest in the formats that take least.
        return [rung for rung in rungs if not (machine.shares and rung[2])]
    asked = dict.fromkeys(_heavy(parts), wishes.quantization)
    if wishes.quantization is Quantization.NONE:
        asked = {}
    return [
        (placing, turns, asked)
        for placing, turns in dict.fromkeys((placing, turns) for placing, turns, _ in rungs)
        # bitsandbytes' tensors cannot leave the device and come back
        if wishes.quantization is not Quantization.NF4 or placing in {Placing.RESIDENT, Placing.TILED}
    ]


def _heavy(parts: Sequence[Part]) -> list[str]:
    """What quantisation is worth while for."""
    return [part.name for part in parts if part.role in {Role.ENCODER, Role.DENOISER, Role.LANGUAGE}]


def _peak(parts: Sequence[Part], need: Need, one: Plan) -> int:
    """The most of the device that is held at once, by stage."""
    size = {part.name: _size(part, one) for part in parts}

    def of(*roles: Role) -> int:
        return sum(size[part.name] for part in parts if part.role in roles)

    every = sum(size.values())
    encoder, denoiser = of(Role.ENCODER), of(Role.DENOISER)
    need = need.at_most(sum(part.bytes for part in parts))
    drawing = max(need.denoise, need.answer, need.decode_tiled if one.vae_tiling else need.decode)
    match one.placing:
        case Placing.ENCODER_SWAP:
            encoding = every - (denoiser if one.turns else 0) + need.encode
            return max(encoding, every - encoder + drawing)
        case Placing.GROUP_OFFLOAD:
            group = max(denoiser, encoder) // HELD_AT_ONCE
            return every - encoder - denoiser + group + max(need.encode, drawing)
        case _:
            return every + max(need.encode, drawing)


def _spare(machine: Machine) -> int:
    """For what an allocator loses between blocks, and for other programs' coming and going."""
    return 0 if machine.shares else max(GIB // 4, machine.total // 50)


def _moved(parts: Sequence[Part], one: Plan) -> int:
    """The bytes that must lie in host memory for this."""
    if one.placing not in {Placing.ENCODER_SWAP, Placing.GROUP_OFFLOAD}:
        return 0
    moving = {Role.ENCODER}
    if one.turns or one.placing is Placing.GROUP_OFFLOAD:
        moving = {Role.ENCODER, Role.DENOISER}
    return sum(_size(part, one) for part in parts if part.role in moving)


def _size(part: Part, one: Plan) -> int:
    return part.quantized(one.quantization.get(part.name, Quantization.NONE))


def _host_allows(parts: Sequence[Part], one: Plan, machine: Machine, wishes: Wishes) -> bool:
    """Swapping is worth its name from pinned memory only; offloaded groups may lie in ordinary memory."""
    if machine.shares:
        return True
    moved = _moved(parts, one)
    if one.placing is Placing.ENCODER_SWAP and wishes.placing is Placing.AUTO:
        return moved <= _pinnable(machine)
    return moved <= machine.host_free * USABLE


def _pinnable(machine: Machine) -> int:
    return int(min(machine.host_total * PINNABLE, machine.host_free * USABLE))


def _finished(
    one: Plan, tried: Sequence[Plan], parts: Sequence[Part], machine: Machine, wishes: Wishes, room: int
) -> Plan:
    every = sum(_size(part, one) for part in parts)
    pins = every <= _pinnable(machine) and not machine.shares
    why_not = _why_not_park(every, machine, wishes, pins=pins)
    reason = _reason(one, tried, parts, machine, wishes, room)
    return replace(one, reason=reason, pins=pins, parks=why_not is None, why_not_park=why_not)


def _why_not_park(every: int, machine: Machine, wishes: Wishes, *, pins: bool) -> str | None:
    if not wishes.park:
        return "the server was started with --no-park"
    if not pins and every > machine.host_free * USABLE:
        free = told(machine.host_free)
        return f"a copy of the weights takes {told(every)}, and {free} of host memory are free"
    return None


def _reason(
    one: Plan, tried: Sequence[Plan], parts: Sequence[Part], machine: Machine, wishes: Wishes, room: int
) -> str:
    """One sentence, with the numbers that decided."""
    weights = told(sum(part.bytes for part in parts))
    free = f"{told(room)} of {machine.device} {'allowed' if room < machine.free else 'free'}"
    expects = f"expected to need {told(one.expected_peak)}"
    if wishes.placing is not Placing.AUTO:
        warning = ", which may not fit" if one.expected_peak + _spare(machine) > room else ""
        return f"{_words(one)}, as the operator asked: weights of {weights}, {expects} with {free}{warning}"
    if not tried:
        return f"{_words(one)}: weights of {weights}, {expects} with {free}"
    why = f"{_words(tried[-1])} would need {told(tried[-1].expected_peak)}"
    if tried[-1].expected_peak + _spare(machine) <= room:
        why = f"{_words(tried[-1])} would need {told(_moved(parts, tried[-1]))} of host memory"
    return f"{_words(one)}: weights of {weights}, {expects} with {free}; {why}"


def _words(one: Plan) -> str:
    said = {
        Placing.RESIDENT: "everything stays on the device",
        Placing.TILED: "everything stays on the device and the VAE works in tiles",
        Placing.ENCODER_SWAP: "the text encoder is on the device only while it encodes",
        Placing.GROUP_OFFLOAD: "weights come to the device group by group",
    }.get(one.placing, str(one.placing))
    if one.turns:
        said = "text encoder and denoiser take turns on the device"
    if not one.quantization:
        return said
    names = " and ".join(sorted(one.quantization))
    return f"{said}, {names} in {one.strongest}"
