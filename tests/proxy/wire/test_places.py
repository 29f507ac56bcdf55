"""Places that are kept for clients which may come back, and what becomes of those that nobody takes."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from switchyard_contracts.grants import FromProxy, Granted, Unwant
from switchyard_proxy.grants.leases import Leases, Place
from switchyard_proxy.wire.places import Places, digest_of

ONE, OTHER = b"1" * 16, b"2" * 16
LATE = 1e9


class Office:
    """A proxy's leases, and what its manager heard."""

    def __init__(self) -> None:
        self.leases = Leases("p", manager_wait_s=60)
        self.heard: list[FromProxy] = []
        self.leases.greet(self.heard.append)
        self.leases.met()

    def queue(self, model: str = "chat") -> Place:
        return self.leases.queue(model, LATE)

    def grant(self, model: str = "chat") -> None:
        self.leases.granted(Granted(model=model, grant="g", endpoint="http://e:1", headers={}))


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    office = Office()
    yield office
    office.leases.close()


async def test_a_kept_place_is_given_to_the_same_request_once(office: Office) -> None:
    places = Places(60)
    place = office.queue()
    places.keep(ONE, office.leases, place)

    taken = places.take(ONE, office.leases, "chat", LATE)
    again = places.take(ONE, office.leases, "chat", LATE)

    assert taken is place
    assert again is None
    assert (places.kept, office.leases.waiting) == (0, 1)
    office.leases.leave(place)


async def test_nobody_else_gets_it(office: Office) -> None:
    places = Places(60)
    places.keep(ONE, office.leases, office.queue())
    another = Office()

    assert places.take(OTHER, office.leases, "chat", LATE) is None
    assert places.take(ONE, office.leases, "eyes", LATE) is None
    assert places.take(ONE, another.leases, "chat", LATE) is None
    assert places.kept == 1
    places.close()
    another.leases.close()


async def test_a_place_that_nobody_comes_for_is_left(office: Office) -> None:
    places = Places(0.01)
    places.keep(ONE, office.leases, office.queue())

    async with asyncio.timeout(2):
        while places.kept:
            await asyncio.sleep(0.001)

    assert office.leases.waiting == 0
    assert isinstance(office.heard[-1], Unwant)


async def test_a_lease_that_comes_for_a_kept_place_goes_back(office: Office) -> None:
    places = Places(60)
    places.keep(ONE, office.leases, office.queue())

    office.grant()
    await asyncio.sleep(0)

    assert (places.kept, office.leases.waiting, office.leases.in_flight) == (0, 0, 0)


async def test_a_lease_that_comes_in_the_moment_of_the_return_is_the_returning_ones(office: Office) -> None:
    places = Places(60)
    place = office.queue()
    places.keep(ONE, office.leases, place)

    office.grant()
    taken = places.take(ONE, office.leases, "chat", LATE)
    await asyncio.sleep(0)

    assert taken is place
    assert office.leases.claim(place).grant.id == "g"
    assert office.leases.in_flight == 1
    office.leases.release(place.admitted.result())
    office.leases.leave(place)


async def test_a_place_that_has_its_lease_is_not_kept(office: Office) -> None:
    places = Places(60)
    place = office.queue()
    office.grant()

    places.keep(ONE, office.leases, place)

    assert (places.kept, office.leases.in_flight) == (0, 0)


async def test_the_second_of_two_alike_is_not_kept(office: Office) -> None:
    places = Places(60)
    first, second = office.queue(), office.queue()

    places.keep(ONE, office.leases, first)
    places.keep(ONE, office.leases, second)

    assert (places.kept, office.leases.waiting) == (1, 1)
    places.close()


async def test_a_place_kept_again_has_its_whole_time_again(office: Office) -> None:
    """What ends the first keeping must not end the second."""
    places = Places(60)
    place = office.queue()
    places.keep(ONE, office.leases, place)
    places.take(ONE, office.leases, "chat", LATE)
    places.keep(ONE, office.leases, place)

    office.grant()
    await asyncio.sleep(0)

    assert (places.kept, office.leases.waiting, office.leases.in_flight) == (0, 0, 0)


async def test_a_proxy_that_ends_leaves_every_place(office: Office) -> None:
    places = Places(60)
    for digest in (ONE, OTHER):
        places.keep(digest, office.leases, office.queue())

    places.close()

    assert (places.kept, office.leases.waiting) == (0, 0)


@pytest.mark.parametrize(
    "other", [("k", "/a", b"c"), ("k", "/b", b"b"), ("l", "/a", b"b"), ("k\0/a", "", b"b")]
)
def test_a_digest_is_of_key_route_and_body(other: tuple[str, str, bytes]) -> None:
    assert digest_of("k", "/a", b"b") == digest_of("k", "/a", b"b")
    assert digest_of("k", "/a", b"b") != digest_of(*other)
