"""Ask the network for something on a client's behalf, and reach nothing that anybody could not reach.

Every address is checked after its name was looked up, on every hop of a redirect, and the connection goes to
the very address that was checked: a second look-up could be told another one. Size and time are bounded for
the whole exchange, so that a slow drip ends, too.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import httpx

from switchyard_image_server.errors import InvalidValue, MediaNotAllowed, TooLarge
from switchyard_image_server.media.hosts import is_public
from switchyard_image_server.settings import MediaSettings

MAX_HOPS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PORTS = {"http": 80, "https": 443}
_AGENT = "switchyard-image-server"

Resolve = Callable[[str, int], Awaitable[list[str]]]


async def _look_up(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


@dataclass(frozen=True, slots=True)
class Door:
    """The way out to the network, and who may be spoken to there."""

    resolve: Resolve = _look_up
    allows: Callable[[str], bool] = is_public
    transport: Callable[[], httpx.AsyncBaseTransport] = field(
        default=lambda: httpx.AsyncHTTPTransport(retries=0, trust_env=False)
    )


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: httpx.Headers
    content: bytes


@dataclass(frozen=True, slots=True)
class _Target:
    """A host as its client names it, and the address that stands for it."""

    url: httpx.URL
    address: str

    @property
    def pinned(self) -> httpx.URL:
        return self.url.copy_with(host=self.address)

    @property
    def name(self) -> str:
        return self.url.netloc.decode("ascii")


async def fetch(url: str, param: str, settings: MediaSettings, door: Door | None = None) -> bytes:
    """The content behind an http or https address."""
    most = settings.max_fetch_mib * 1024 * 1024
    door = door or Door()
    try:
        async with asyncio.timeout(settings.fetch_s):
            for _ in range(MAX_HOPS + 1):
                answer = await ask("GET", url, param, most=most, door=door)
                if answer.status not in REDIRECTS or "location" not in answer.headers:
                    return _wanted(answer, param)
                url = _next(url, answer.headers["location"], param)
    except TimeoutError:
        raise InvalidValue(
            f"cannot fetch the address: it took over {settings.fetch_s:g} s", param=param
        ) from None
    raise InvalidValue(f"cannot fetch the address: it redirects over {MAX_HOPS} times", param=param)


async def ask(
    method: str,
    url: str,
    param: str,
    *,
    most: int,
    door: Door,
    content: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """One exchange with an address that is allowed, redirects not followed. The caller bounds its time."""
    target = await refuse_private(url, param, door)
    request = httpx.Request(
        method,
        target.pinned,
        headers={
            **(headers or {}),
            "host": target.name,
            "user-agent": _AGENT,
            "accept-encoding": "identity",
            "connection": "close",
        },
        content=content,
        extensions={"sni_hostname": target.url.host},
    )
    try:
        async with httpx.AsyncClient(transport=door.transport(), trust_env=False, timeout=None) as client:  # noqa: S113 - bounded by the caller
            return await _exchange(client, request, most, param)
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
        raise InvalidValue(f"cannot fetch the address: {type(error).__name__}", param=param) from None


async def refuse_private(url: str, param: str, door: Door) -> _Target:
    """Where the address leads to. Refused if any of its host's addresses is not everybody's."""
    parsed = _parsed(url, param)
    port = parsed.port or _PORTS[parsed.scheme]
    try:
        addresses = await door.resolve(parsed.host, port)
    except (OSError, UnicodeError):
        raise InvalidValue(f"cannot fetch the address: {parsed.host!r} is not known", param=param) from None
    if not addresses or not all(door.allows(address) for address in addresses):
        raise MediaNotAllowed(
            f"cannot fetch the address: {parsed.host!r} is not on the public network", param=param
        )
    return _Target(parsed, addresses[0])


def _parsed(url: str, param: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url.strip())
        if not 0 < (parsed.port or 1) < 65_536:
            raise ValueError
    except (httpx.InvalidURL, ValueError, TypeError):
        raise InvalidValue("cannot fetch the address: it is no URL", param=param) from None
    if parsed.scheme not in _PORTS or not parsed.host:
        raise MediaNotAllowed("cannot fetch the address: only http and https addresses are taken", param=param)
    if parsed.userinfo:
        raise MediaNotAllowed("cannot fetch the address: it has a user name or password in it", param=param)
    return parsed


def _next(url: str, location: str, param: str) -> str:
    try:
        return str(httpx.URL(url).join(location))
    except (httpx.InvalidURL, ValueError):
        raise InvalidValue("cannot fetch the address: it redirects to what is no URL", param=param) from None


async def _exchange(client: httpx.AsyncClient, request: httpx.Request, most: int, param: str) -> Answer:
    response = await client.send(request, stream=True, follow_redirects=False)
    try:
        if response.status_code in REDIRECTS:
            return Answer(response.status_code, response.headers, b"")
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise InvalidValue("cannot fetch the address: it answers compressed", param=param)
        return Answer(response.status_code, response.headers, await _content(response, most, param))
    finally:
        await response.aclose()


async def _content(response: httpx.Response, most: int, param: str) -> bytes:
    promised = response.headers.get("content-length", "")
    if promised.isascii() and promised.isdecimal() and int(promised[:20]) > most:
        raise _too_large(most, param)
    chunks = bytearray()
    async for chunk in response.aiter_raw():
        chunks += chunk
        if len(chunks) > most:
            raise _too_large(most, param)
    return bytes(chunks)


def _too_large(most: int, param: str) -> TooLarge:
    return TooLarge(
        f"cannot use what the address leads to: it is larger than {most // 1024 // 1024} MiB", param=param
    )


def _wanted(answer: Answer, param: str) -> bytes:
    if answer.status != 200:
        raise InvalidValue(f"cannot fetch the address: it answered {answer.status}", param=param)
    return answer.content
