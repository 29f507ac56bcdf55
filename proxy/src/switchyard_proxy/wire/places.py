"""Places in the queue that outlive a client's patience: an SDK that gives up waiting asks again, and goes on
waiting where it was.

Only a retry of the very same request (same key, route and body) of a client that counts its retries takes a
place over. A place whose client left is kept for a moment; nobody came: it is left. What is kept counts as
waiting, and so bounded; what was granted to nobody is given back at once.
"""

import asyncio
import hashlib
from dataclasses import dataclass

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.errors import Refused
from switchyard_proxy.grants.leases import Leases, Place

Digest = bytes


@dataclass(slots=True, eq=False)
class Seat:
    """Where a request waits, and the sitter's bell: done when the seat was taken over."""

    digest: Digest | None
    leases: Leases
    place: Place
    taken: asyncio.Future[None]
    expiry: asyncio.TimerHandle | None = None


class Places:
    """All seats of this process."""

    def __init__(self, keep_s: float) -> None:
        self._keep_s = keep_s
        self._loop = asyncio.get_running_loop()
        self._seats: dict[Digest, Seat] = {}

    @property
    def kept(self) -> int:
        return sum(seat.expiry is not None for seat in self._seats.values())

    def has(self, digest: Digest | None) -> bool:
        return digest in self._seats

    def sit(self, digest: Digest | None, leases: Leases, model: str, deadline: float, priority: int) -> Seat:
        """A seat of one's own, or the one that an earlier attempt of the same request has."""
        before = self._seats.pop(digest, None) if digest is not None else None
        if before is not None and before.leases is leases and before.place.ticket.model == model:
            if before.expiry is not None:
                before.expiry.cancel()
            leases.extend(before.place, deadline)
            if not before.taken.done():
                before.taken.set_result(None)
            place = before.place
        else:
            place = leases.queue(model, deadline, priority)
        seat = Seat(digest, leases, place, self._loop.create_future())
        if digest is not None:
            self._seats[digest] = seat
        return seat

    def rise(self, seat: Seat, *, comes_back: bool) -> None:
        """The request waits no longer: it was served, failed, was taken over, or its client left."""
        if seat.taken.done():
            return
        if comes_back and seat.digest is not None and not seat.place.admitted.done():
            seat.expiry = self._loop.call_later(self._keep_s, self._give_up, seat)
            seat.place.admitted.add_done_callback(lambda _: self._give_up(seat))
        else:
            self._give_up(seat)

    def _give_up(self, seat: Seat) -> None:
        if seat.taken.done():
            return
        if seat.expiry is not None:
            seat.expiry.cancel()
        seat.taken.cancel()
        if seat.digest is not None and self._seats.get(seat.digest) is seat:
            del self._seats[seat.digest]
        seat.leases.leave(seat.place)

    def close(self) -> None:
        for seat in list(self._seats.values()):
            self._give_up(seat)


def digest_of(key: str, route: str, body: bytes) -> Digest:
    return hashlib.blake2b(b"\0".join((key.encode(), route.encode(), body)), digest_size=16).digest()


def superseded() -> Refused:
    return Refused(
        ErrorCode.SUPERSEDED,
        "cannot wait any longer here: the same request was sent again, and waits in this one's place",
        headers=((b"x-should-retry", b"false"),),
    )
