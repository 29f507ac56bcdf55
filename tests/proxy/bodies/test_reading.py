"""Bodies: bounded in size and time, however they are packed."""

import gzip
import zlib

import pytest

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.asgi import Message
from switchyard_proxy.bodies.reading import MIB, Bounds, read_body, unpacked
from switchyard_proxy.errors import ClientGone, Refused
from tests.proxy.bodies.arriving import arriving

BOUNDS = Bounds(largest=10, pause_s=5)
ROOMY = Bounds(largest=MIB, pause_s=5)


async def test_joins_the_parts_of_a_body() -> None:
    assert await read_body(arriving(b"ab", b"", b"cd"), None, BOUNDS) == b"abcd"


async def test_refuses_a_declared_length_over_the_bound_before_reading() -> None:
    async def receive() -> Message:
        raise AssertionError("read a body that is too large")

    with pytest.raises(Refused) as refused:
        await read_body(receive, b"11", BOUNDS)

    assert refused.value.code is ErrorCode.REQUEST_TOO_LARGE


async def test_stops_reading_an_undeclared_body_at_the_bound() -> None:
    with pytest.raises(Refused) as refused:
        await read_body(arriving(b"12345", b"678901", b"never read"), None, BOUNDS)

    assert refused.value.code is ErrorCode.REQUEST_TOO_LARGE
    assert refused.value.headers == ((b"connection", b"close"),)


async def test_takes_a_body_of_exactly_the_bound() -> None:
    assert await read_body(arriving(b"1234567890"), b"10", BOUNDS) == b"1234567890"


async def test_does_not_wait_for_ever_for_the_rest_of_a_body() -> None:
    never: Message = {"type": "http.request", "body": b"", "more_body": True}

    with pytest.raises(Refused, match="3 bytes came") as refused:
        await read_body(arriving(b"abc", then=never), None, Bounds(largest=10, pause_s=0.01))

    assert refused.value.code is ErrorCode.REQUEST_TIMEOUT
    assert refused.value.headers == ((b"connection", b"close"),)


async def test_notices_that_the_client_left_while_it_sent() -> None:
    with pytest.raises(ClientGone):
        await read_body(arriving(b"abc", then={"type": "http.disconnect"}), None, BOUNDS)


def bare_deflate(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


@pytest.mark.parametrize("encoding", [None, b"", b"identity", b" Identity "])
async def test_a_plain_body_stays_the_very_same(encoding: bytes | None) -> None:
    body = b'{"model":"m"}'

    assert await unpacked(body, encoding, BOUNDS) is body


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        (b"gzip", gzip.compress(b"content")),
        (b"X-GZIP", gzip.compress(b"content")),
        (b"deflate", zlib.compress(b"content")),
        (b"deflate", bare_deflate(b"content")),
        (b"gzip", gzip.compress(b"")),
    ],
)
async def test_unpacks_what_the_standard_library_can(encoding: bytes, packed: bytes) -> None:
    assert await unpacked(packed, encoding, BOUNDS) in (b"content", b"")


async def test_a_bomb_is_refused_at_the_bound() -> None:
    bomb = gzip.compress(b"0" * 50 * MIB)

    with pytest.raises(Refused) as refused:
        await unpacked(bomb, b"gzip", ROOMY)

    assert refused.value.code is ErrorCode.REQUEST_TOO_LARGE


async def test_unpacks_to_exactly_the_bound_and_not_a_byte_more() -> None:
    assert len(await unpacked(gzip.compress(b"1234567890"), b"gzip", BOUNDS)) == 10

    with pytest.raises(Refused):
        await unpacked(gzip.compress(b"12345678901"), b"gzip", BOUNDS)


@pytest.mark.parametrize("encoding", [b"zstd", b"br", b"gzip, gzip", b"\xff"])
async def test_names_an_encoding_that_it_cannot_read(encoding: bytes) -> None:
    with pytest.raises(Refused, match="send it plain, or as gzip") as refused:
        await unpacked(b"anything", encoding, BOUNDS)

    assert refused.value.code is ErrorCode.UNSUPPORTED_PARAMETER
    assert refused.value.body.param == "content-encoding"


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        (b"gzip", b"no gzip"),
        (b"gzip", gzip.compress(b"content")[:-3]),
        (b"gzip", gzip.compress(b"content") + gzip.compress(b"more")),
        (b"deflate", b"\xff\xff\xff"),
        (b"gzip", b""),
    ],
)
async def test_refuses_what_cannot_be_unpacked(encoding: bytes, packed: bytes) -> None:
    with pytest.raises(Refused, match="cannot unpack the body") as refused:
        await unpacked(packed, encoding, BOUNDS)

    assert refused.value.code is ErrorCode.INVALID_VALUE
