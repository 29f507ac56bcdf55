"""Fetching for clients: what is reached, what never is, and that everything ends. Over real sockets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from switchyard_image_server.errors import InvalidValue, MediaNotAllowed, ServerError, TooLarge
from switchyard_image_server.media.addresses import MediaReader
from switchyard_image_server.media.fetch import Door, fetch
from switchyard_image_server.settings import MediaSettings

Handler = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]
CHUNK = b"40000\r\n" + bytes(0x40000) + b"\r\n"
PUBLIC = "93.184.215.14"


class Site:
    """A real server on this machine, and the heads of the requests that it got."""

    def __init__(self, handler: Handler) -> None:
        self.heads: list[bytes] = []
        self.port = 0
        self._handler = handler
        self._serving: list[asyncio.Task[None]] = []

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Site"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.append(task)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.heads.append(head)
            await self._handler(head, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


def saying(answer: bytes) -> Handler:
    async def handler(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)

    return handler


def ok(content: bytes, *headers: bytes) -> bytes:
    lines = [b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(content), *headers, b"", content]
    return b"\r\n".join(lines)


def moved(to: str) -> bytes:
    return f"HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode()


def knows(names: dict[str, list[str]]) -> Callable[[str, int], Awaitable[list[str]]]:
    async def resolve(host: str, _: int) -> list[str]:
        if host not in names:
            raise OSError("no such name")
        return names[host]

    return resolve


HERE = Door(knows({"a.test": ["127.0.0.1"], "b.test": ["127.0.0.1"]}), lambda address: address == "127.0.0.1")


async def get(url: str, door: Door = HERE, **settings: Any) -> bytes:
    return await fetch(url, "the.field", MediaSettings(fetch=True, **settings), door)


async def test_fetches_and_calls_the_host_by_its_name() -> None:
    async with Site(saying(ok(b"pixels"))).open() as site:
        content = await get(f"http://a.test:{site.port}/x.png?y=1")

    assert content == b"pixels"
    head = site.heads[0].lower()
    assert head.startswith(b"get /x.png?y=1 ")
    assert b"host: a.test:%d\r\n" % site.port in head
    assert b"accept-encoding: identity" in head


async def test_goes_to_the_address_that_was_checked_and_asks_for_no_other() -> None:
    """A name may mean another address the second time: rebinding."""
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])

    async def resolve(_: str, __: int) -> list[str]:
        return next(answers)

    async with Site(saying(ok(b"pixels"))).open() as site:
        content = await get(f"http://a.test:{site.port}/", Door(resolve, HERE.allows))

    assert content == b"pixels"
    assert next(answers) == ["10.0.0.1"]


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "169.254.169.254", "10.0.0.1"),
        *("127.1", "2130706433", "0x7f000001", "017700000001"),
    ],
)
async def test_reaches_nothing_private(host: str) -> None:
    """With the machine's own look-up, which knows more ways to write an address than we do."""
    with pytest.raises(ServerError) as refused:
        await get(f"http://{host}:1/", Door())

    assert refused.value.param == "the.field"
    assert isinstance(refused.value, MediaNotAllowed) or "is not known" in refused.value.message


async def test_one_private_address_among_many_is_enough_to_refuse() -> None:
    door = Door(knows({"a.test": [PUBLIC, "10.0.0.1"]}))

    with pytest.raises(MediaNotAllowed, match="not on the public network"):
        await get("http://a.test/", door)


@pytest.mark.parametrize(
    "to",
    [
        *(
            "http://127.0.0.1/",
            "http://169.254.169.254/latest/meta-data",
            "http://inner.test/",
            "//inner.test/",
        ),
        *("file:///etc/passwd", "ftp://a.test/", "http://user:word@a.test/", "gopher://a.test"),
    ],
)
async def test_a_redirect_is_checked_like_the_first_address(to: str) -> None:
    door = Door(
        knows(
            {"a.test": ["127.0.0.1"], "inner.test": ["10.0.0.1"], "127.0.0.1": ["127.0.0.2"]}
            | {"169.254.169.254": ["169.254.169.254"]}
        ),
        HERE.allows,
    )
    async with Site(saying(moved(to))).open() as site:
        with pytest.raises(MediaNotAllowed):
            await get(f"http://a.test:{site.port}/", door)

    assert len(site.heads) == 1


async def test_follows_redirects_to_where_it_may_go() -> None:
    async def handler(head: bytes, writer: asyncio.StreamWriter) -> None:
        first = head.startswith(b"GET /first")
        writer.write(moved(f"http://b.test:{site.port}/second") if first else ok(b"pixels"))

    async with Site(handler).open() as site:
        assert await get(f"http://a.test:{site.port}/first") == b"pixels"

    assert b"host: b.test" in site.heads[1]


async def test_a_circle_of_redirects_ends() -> None:
    async with Site(saying(moved("/again"))).open() as site:
        with pytest.raises(InvalidValue, match=r"redirects over 5 times"):
            await get(f"http://a.test:{site.port}/")

    assert len(site.heads) == 6


@pytest.mark.parametrize("url", ["http://user:word@a.test/", "http://user@a.test/"])
async def test_sends_no_password_anywhere(url: str) -> None:
    with pytest.raises(MediaNotAllowed, match="user name or password"):
        await get(url)


@pytest.mark.parametrize(
    "url", ["http://", "http:///x", "https://[", "http://a.test:99999999/", "http://\x00/"]
)
async def test_refuses_what_is_no_url(url: str) -> None:
    with pytest.raises(ServerError) as refused:
        await get(url)

    assert refused.value.status == 400


async def test_a_name_that_nobody_knows_is_the_callers_mistake() -> None:
    with pytest.raises(InvalidValue, match=r"'c\.test' is not known"):
        await get("http://c.test/")


@pytest.mark.parametrize(
    "answer",
    [
        ok(bytes(1024 * 1024 + 1)),
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + bytes(1024 * 1024 + 1),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNK * 5,
    ],
)
async def test_stops_at_the_size_limit_however_it_is_told(answer: bytes) -> None:
    async with Site(saying(answer)).open() as site:
        with pytest.raises(TooLarge, match="larger than 1 MiB"):
            await get(f"http://a.test:{site.port}/", max_fetch_mib=1)


async def test_does_not_unpack_what_it_did_not_ask_for() -> None:
    async with Site(saying(ok(b"\x1f\x8b", b"Content-Encoding: gzip"))).open() as site:
        with pytest.raises(InvalidValue, match="compressed"):
            await get(f"http://a.test:{site.port}/")


async def test_a_slow_drip_ends() -> None:
    gone = asyncio.Event()

    async def handler(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        try:
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.01)
        finally:
            gone.set()

    async with Site(handler).open() as site:
        with pytest.raises(InvalidValue, match=r"took over 0\.2 s"):
            await get(f"http://a.test:{site.port}/", fetch_s=0.2)
        await gone.wait()


async def test_a_server_that_says_nothing_is_given_up() -> None:
    given_up = asyncio.Event()

    async def handler(_: bytes, __: asyncio.StreamWriter) -> None:
        await given_up.wait()

    async with Site(handler).open() as site:
        with pytest.raises(InvalidValue, match="took over"):
            await get(f"http://a.test:{site.port}/", fetch_s=0.1)
        given_up.set()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "answered 404"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "answered 204"),
        (b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", "answered 302"),
        (b"nonsense\r\n\r\n", "RemoteProtocolError"),
        (b"", "RemoteProtocolError"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "RemoteProtocolError"),
    ],
)
async def test_says_how_an_address_disappoints(answer: bytes, said: str) -> None:
    async with Site(saying(answer)).open() as site:
        with pytest.raises(InvalidValue, match=said):
            await get(f"http://a.test:{site.port}/")


async def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    async with Site(saying(ok(b"pixels"))).open() as site:
        assert await get(f"http://a.test:{site.port}/") == b"pixels"


async def test_the_reader_fetches_where_that_is_allowed() -> None:
    async with Site(saying(ok(b"pixels"))).open() as site:
        reader = MediaReader(MediaSettings(fetch=True), HERE)

        assert await reader.read(f"http://a.test:{site.port}/", "x") == b"pixels"
