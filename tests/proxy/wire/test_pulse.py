"""Who is woken, and when. Time is passed in."""

from switchyard_proxy.wire.pulse import Pulse, Pulses


def woken_at(pulse: Pulse, pulses: Pulses, *times: float) -> list[float]:
    heard: list[float] = []
    for now in times:
        pulse.wake = lambda now=now: heard.append(now)  # type: ignore[misc]
        pulses.look(now)
    return heard


def test_a_reply_that_stands_still_is_woken_when_its_beat_is_due() -> None:
    pulses, pulse = Pulses(10), Pulse(since=100, every_s=10)
    pulses.add(pulse)

    assert woken_at(pulse, pulses, 105, 109, 110, 111) == [110, 111]


def test_a_reply_that_moves_is_let_be() -> None:
    pulses, pulse = Pulses(10), Pulse(since=100, every_s=10)
    pulses.add(pulse)

    pulse.moved = True
    heard = woken_at(pulse, pulses, 109, 118, 119)

    assert heard == [119]


def test_nobody_is_woken_who_waits_by_a_clock_of_his_own() -> None:
    pulses, pulse = Pulses(10), Pulse(since=100, every_s=10)
    pulses.add(pulse)

    pulses.look(200)

    assert pulse.is_due(200)


def test_what_was_felt_counts_anew() -> None:
    pulse = Pulse(since=100, every_s=10)

    pulse.felt(108)

    assert not pulse.is_due(117)
    assert pulse.left_s(117) == 1
    assert pulse.left_s(130) == 0


def test_a_reply_that_is_over_is_forgotten() -> None:
    pulses, pulse = Pulses(10), Pulse(since=0, every_s=1)
    pulses.add(pulse)

    pulses.discard(pulse)

    assert woken_at(pulse, pulses, 100) == []
    assert len(pulses) == 0
