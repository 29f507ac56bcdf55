"""Server-sent events, however the network cuts them."""

from collections.abc import AsyncIterator
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from switchyard_manager.cli.server_events import Message, messages

STREAM = (
    ': keep-alive\n\nid: 1\nevent: phase\ndata: {"a": "größer\u2028\x85"}\n\nevent: empty\n\n'
    "data: one\r\ndata:two\r\n\r\ndata: cut short"
)
WHAT_IT_SAYS = [Message("phase", '{"a": "größer\u2028\x85"}'), Message("message", "one\ntwo")]


async def read(chunks: list[bytes]) -> list[Message]:
    async def come() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    return [message async for message in messages(come())]


@given(st.lists(st.integers(0, len(STREAM.encode()))))
async def test_it_says_the_same_wherever_it_is_cut(cuts: list[int]) -> None:
    data = STREAM.encode()
    places = [0, *sorted(cuts), len(data)]

    assert await read([data[a:b] for a, b in pairwise(places)]) == WHAT_IT_SAYS
