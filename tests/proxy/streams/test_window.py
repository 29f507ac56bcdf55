"""What a log keeps: whole segments go from the front, and only what everybody has taken."""

from switchyard_proxy.streams.window import SEGMENT, Window


def window_of(events: int, size: int = SEGMENT) -> Window:
    window = Window()
    for _ in range(events):
        window.add(size)
    return window


def test_nothing_goes_while_there_is_room() -> None:
    window = window_of(4)

    assert window.trim(4 * SEGMENT, taken=4)
    assert (window.first, window.last, window.size) == (1, 4, 4 * SEGMENT)


def test_the_oldest_make_room() -> None:
    window = window_of(10)

    assert window.trim(3 * SEGMENT, taken=10)
    assert (window.first, window.size) == (8, 3 * SEGMENT)


def test_what_a_listener_has_not_taken_stays() -> None:
    window = window_of(10)

    assert not window.trim(3 * SEGMENT, taken=2)
    assert window.first == 3


def test_small_events_go_together() -> None:
    window = window_of(1000, SEGMENT // 100)

    assert window.trim(2 * SEGMENT, taken=1000)
    assert window.size == (window.last - window.first + 1) * (SEGMENT // 100)
    assert window.size > SEGMENT // 2


def test_one_event_larger_than_the_limit_may_pass_once_it_is_taken() -> None:
    window = window_of(1, 10 * SEGMENT)

    assert not window.trim(SEGMENT, taken=0)
    assert window.trim(SEGMENT, taken=1)
