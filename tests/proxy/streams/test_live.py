"""What a stream remembers until the store has it, and what it still says at once afterwards."""

from switchyard_proxy.streams.endings import PlainEvents
from switchyard_proxy.streams.live import RECENT, Live
from switchyard_proxy.streams.log import Ended, Grown, Opened, Started
from switchyard_proxy.streams.stream import Kind, Status, Stream
from tests.proxy.streams.benches import event, events

STREAM = Stream("stream_1", "ann", "chat", Kind.CHAT, 100.0, "proxy-1")
HEADERS = ((b"content-type", b"text/event-stream"),)


class Ears:
    """Counts how often it is woken."""

    def __init__(self) -> None:
        self.taken = 0
        self.moved_at = 0.0
        self.woken = 0

    def wake(self) -> None:
        self.woken += 1

    def overtake(self) -> None: ...


def live() -> Live:
    return Live(STREAM, b"asked", PlainEvents(Kind.CHAT), lambda live, by: None)


def test_everything_is_told_once_and_only_what_is_new() -> None:
    it = live()
    it.start(200, HEADERS)
    it.append(events(2))
    first = it.changes()
    it.append([event(3)])
    it.end(Status.FINISHED, 9.0)
    it.confirm(first)

    assert first == [
        Opened(STREAM, b"asked"),
        Started("stream_1", 200, HEADERS),
        Grown("stream_1", 1, tuple(events(2)), 1, sum(map(len, events(2)))),
    ]
    assert it.changes() == [
        Grown("stream_1", 3, (event(3),), 1, sum(map(len, events(3)))),
        Ended("stream_1", Status.FINISHED, 9.0),
    ]


def test_what_was_not_confirmed_is_told_again() -> None:
    it = live()
    it.append(events(2))

    assert it.changes() == it.changes()


def test_nothing_is_forgotten_before_it_is_written() -> None:
    it = live()
    large = events(50, RECENT // 10)
    it.append(large[:40])
    told = it.changes()
    it.append(large[40:])

    it.confirm(told)

    assert it.recent_after(40) == large[40:]
    assert it.changes()[0] == Grown("stream_1", 41, tuple(large[40:]), 1, sum(map(len, large)))


def test_what_is_written_is_at_hand_up_to_a_bound() -> None:
    it = live()
    it.append(events(1000, 1000))

    it.confirm(it.changes())

    assert it.recent_after(0) is None
    assert it.recent_after(1000) == []
    assert it.recent_after(999) == events(1000, 1000)[-1:]
    assert it.backlog == 0
    assert it._recent_size <= RECENT


def test_a_listener_is_woken_by_all_that_happens() -> None:
    it, ears = live(), Ears()
    it.join(ears)

    it.start(200, HEADERS)
    it.append([event(1)])
    it.say_beat(b": x\n")
    it.end(Status.FINISHED, 1.0)

    assert ears.woken == 4


def test_it_is_alone_from_when_the_last_one_leaves() -> None:
    it, one, other = live(), Ears(), Ears()
    it.join(one)
    it.join(other)

    it.leave(one, 5.0)
    assert it.alone_since is None

    it.leave(other, 7.0)
    it.leave(other, 9.0)
    assert it.alone_since == 7.0

    it.join(one)
    assert it.alone_since is None


def test_it_is_written_out_only_when_its_end_is() -> None:
    it = live()
    it.append([event(1)])
    it.confirm(it.changes())
    assert not it.written_out.is_set()

    it.end(Status.CANCELLED, 1.0)
    it.confirm(it.changes())

    assert it.written_out.is_set()
