"""Places in the queue that outlive a client's patience: an SDK that gave up waiting asks again, and goes on
waiting where it was.

A place whose client left is kept for a moment. Only a retry of the very same request (same key, route and body)
by a client that counts its retries takes it over; a place whose client still waits is nobody else's, however
alike the requests are. What is kept counts as waiting, and is so bounded; what was granted to nobody is given
back at once.
"""

import asyncio
import hashlib
from dataclasses import dataclass

from switchyard_proxy.grants.leases import Leases, Place

Digest = bytes


@dataclass(slots=True, eq=False)
class Kept:
    """A place without its client."""

    leases: Leases
    place: Place
    expiry: asyncio.TimerHandle


class Places:
    """Those kept by this process."""

    def __init__(self, keep_s: float) -> None:
        self._keep_s = keep_s
        self._loop = asyncio.get_running_loop()
        self._kept: dict[Digest, Kept] = {}

    @property
    def kept(self) -> int:
        return len(self._kept)

    def take(self, digest: Digest, leases: Leases, model: str, deadline: float) -> Place | None:
        """The place that an earlier attempt of this request left."""
        kept = self._kept.get(digest)
        if kept is None or kept.leases is not leases or kept.place.ticket.model != model:
            return None
        del self._kept[digest]
        kept.expiry.cancel()
        leases.extend(kept.place, deadline)
        return kept.place

    def keep(self, digest: Digest, leases: Leases, place: Place) -> None:
        """Its client left, and may come back. One that has its lease by now has nothing to wait for."""
        if place.admitted.done() or digest in self._kept:
            leases.leave(place)
            return
        expiry = self._loop.call_later(self._keep_s, self._give_up, digest, place)
        self._kept[digest] = Kept(leases, place, expiry)
        place.admitted.add_done_callback(lambda _: self._give_up(digest, place))

    def _give_up(self, digest: Digest, place: Place) -> None:
        kept = self._kept.get(digest)
        if kept is not None and kept.place is place:
            del self._kept[digest]
            kept.expiry.cancel()
            kept.leases.leave(place)

    def close(self) -> None:
        for digest, kept in list(self._kept.items()):
            self._give_up(digest, kept.place)


def digest_of(key: str, route: str, body: bytes) -> Digest:
    return hashlib.blake2b(b"\0".join((key.encode(), route.encode(), body)), digest_size=16).digest()
