"""What may be said when: hold, commit, beat, fail. Everything that goes out is kept here."""

import asyncio
from dataclasses import dataclass, field

import pytest

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.asgi import Header
from switchyard_proxy.dialects.catalogue import OPENAI_CHAT
from switchyard_proxy.dialects.voice import Opening
from switchyard_proxy.errors import Unavailable
from switchyard_proxy.wire.answer import Answer, Kind
from switchyard_proxy.wire.pulse import Pulse

HTML: list[Header] = [(b"content-type", b"text/html")]
BROKEN = Unavailable(ErrorCode.STREAM_BROKEN, "cannot finish it")


@dataclass
class Kept:
    """Where it goes."""

    status: int = 0
    headers: list[Header] = field(default_factory=list)
    said: bytes = b""
    beats: int = 0
    started: bool = False
    complete: bool = False

    async def start(self, status: int, headers: list[Header]) -> None:
        assert not self.started
        self.started, self.status, self.headers = True, status, headers

    async def body(self, data: bytes, *, last: bool) -> None:
        assert not self.complete
        self.said += data
        self.complete = last

    async def beat(self, data: bytes) -> None:
        self.beats += 1
        await self.body(data, last=False)


def answer(kind: Kind, *, due: bool = True, mode: str = "chunk", every_s: float = 10) -> tuple[Answer, Kept]:
    sink = Kept()
    now = asyncio.get_running_loop().time()
    pulse = Pulse(now - 100 if due else now, 15)
    opening = Opening("r", "chat", 1, mode, b"{}")
    return Answer(sink, OPENAI_CHAT, kind, pulse, every_s, lambda: opening), sink


async def test_before_its_time_nothing_is_said() -> None:
    it, sink = answer(Kind.STREAM, due=False)

    await it.waits()

    assert (sink.started, it.committed) == (False, False)
    left = it.silent_for(asyncio.get_running_loop().time())
    assert left is not None
    assert 14 < left <= 15


async def test_a_stream_is_committed_with_its_first_sign_of_life() -> None:
    it, sink = answer(Kind.STREAM)
    it.limits = ((b"x-ratelimit-limit-requests", b"5"),)

    await it.waits()
    await it.waits()  # at once: not due again

    assert (sink.status, sink.beats, it.beats, it.committed) == (200, 1, 1, True)
    assert (b"content-type", b"text/event-stream; charset=utf-8") in sink.headers
    assert (b"x-ratelimit-limit-requests", b"5") in sink.headers
    assert b'"delta":{}' in sink.said
    assert it.pulse.every_s == 10


async def test_with_signs_of_life_off_nothing_commits_it_and_nobody_asks_at_once_again() -> None:
    it, sink = answer(Kind.STREAM, mode="off")

    await it.waits()

    assert not sink.started
    assert it.silent_for(asyncio.get_running_loop().time()) != 0


async def test_no_sign_of_life_gets_into_an_event() -> None:
    it, sink = answer(Kind.STREAM)
    await it.begin_stream(200, [])
    it.pulse.since -= 100
    it.events.is_inside = True

    await it.waits()

    assert sink.beats == 0


async def test_a_plain_reply_begins_with_blanks_only_while_an_engine_makes_it() -> None:
    it, sink = answer(Kind.PLAIN)

    await it.waits()
    before = sink.started
    it.pulse.wake = lambda: None
    await it.waits()

    assert not before
    assert (sink.status, sink.said, it.committed) == (200, b"\n", True)


async def test_what_may_say_nothing_yet_waits_without_a_clock() -> None:
    """Or it would look again, and again, at once."""
    now = asyncio.get_running_loop().time()

    assert answer(Kind.PLAIN)[0].silent_for(now) is None
    assert answer(Kind.SILENT)[0].silent_for(now) is None
    assert answer(Kind.STREAM)[0].silent_for(now) == 0


async def test_the_engines_beginning_is_not_said_after_ours() -> None:
    it, sink = answer(Kind.STREAM)
    await it.waits()

    await it.begin_stream(200, HTML)

    assert HTML[0] not in sink.headers


async def test_a_failure_of_a_stream_is_its_last_event() -> None:
    it, sink = answer(Kind.STREAM)
    await it.waits()

    await it.fail(BROKEN)

    assert sink.complete
    assert b"stream_broken" in sink.said


async def test_a_stream_that_broke_within_an_event_closes_that_first() -> None:
    it, sink = answer(Kind.STREAM)
    await it.begin_stream(200, [])
    await sink.body(b"data: half", last=False)
    it.events.is_inside = True

    await it.fail(BROKEN)

    assert sink.said.startswith(b"data: half\n\ndata: ")


async def test_a_failure_after_the_last_word_says_nothing() -> None:
    it, sink = answer(Kind.STREAM)
    await it.begin_stream(200, [])
    await sink.body(b"data: [DONE]\n\n", last=True)

    await it.fail(BROKEN)

    assert sink.said == b"data: [DONE]\n\n"


@pytest.mark.parametrize("kind", list(Kind))
async def test_no_event_gets_into_a_reply_that_is_no_stream(kind: Kind) -> None:
    it, sink = answer(kind, due=False)
    await it.begin(200, HTML)
    await sink.body(b"<html>", last=False)

    await it.fail(BROKEN)

    assert sink.said == b"<html>"
    assert not sink.complete


async def test_a_stream_that_nobody_asked_for_fails_like_one() -> None:
    it, sink = answer(Kind.PLAIN, due=False)
    await it.begin_stream(200, [])

    await it.fail(BROKEN)

    assert b"stream_broken" in sink.said
