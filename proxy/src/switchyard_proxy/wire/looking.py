"""A small question of our own to an engine that runs already. Loads nothing, and keeps nothing awake."""

import asyncio
import logging
import math
import time

from switchyard_contracts.catalog import Engine
from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.access.callers import ANYONE, Caller
from switchyard_proxy.accounting.account import Account
from switchyard_proxy.asgi import Header
from switchyard_proxy.dialects.catalogue import OPENAI_PLAIN
from switchyard_proxy.dialects.voice import Opening
from switchyard_proxy.errors import ProxyError, Unavailable
from switchyard_proxy.replies import JSON
from switchyard_proxy.request import Request
from switchyard_proxy.routing.names import Choice
from switchyard_proxy.wire.answer import Answer, Kind
from switchyard_proxy.wire.forward import Errand, Forwarder
from switchyard_proxy.wire.headers import with_our_word
from switchyard_proxy.wire.hold import Waiting
from switchyard_proxy.wire.passage import Passage
from switchyard_proxy.wire.pulse import Pulse

ANSWERS_WITHIN_S = 5.0
LARGEST = 32 * 1024 * 1024
OK = 200

log = logging.getLogger(__name__)


class Kept:
    """Lays a reply aside. Implements `Sink`."""

    def __init__(self) -> None:
        self.status = 0
        self.data = bytearray()
        self.complete = False

    @property
    def started(self) -> bool:
        return self.status != 0

    async def start(self, status: int, headers: list[Header]) -> None:
        self.status = status

    async def body(self, data: bytes, *, last: bool) -> None:
        self.data += data
        self.complete = last
        if len(self.data) > LARGEST:
            raise Unavailable(ErrorCode.BACKEND_UNAVAILABLE, "cannot keep so long a reply")

    async def beat(self, data: bytes) -> None:
        pass


class Looks:
    """One for the whole proxy."""

    def __init__(self, forwarder: Forwarder) -> None:
        self._forwarder = forwarder
        self._loop = asyncio.get_running_loop()

    async def ask(
        self, choice: Choice, target: bytes, body: bytes, request: Request, caller: Caller
    ) -> bytes | None:
        """The reply; None where the model is not loaded, or its engine does not say."""
        now, kept, model = self._loop.time(), Kept(), choice.model
        waiting = Waiting(
            caller.name, 0, now + ANSWERS_WITHIN_S, None, is_retry=False, client=None, may_load=False
        )
        opening = Opening(request.id.decode("latin-1"), model.name, int(time.time()), "off", b"")
        answer = Answer(kept, OPENAI_PLAIN, Kind.SILENT, Pulse(now, math.inf), math.inf, lambda: opening)
        account = Account(opening.request_id, opening.now, now, target.decode(), caller.name, request.address)
        headers = [JSON]
        if model.engine is Engine.IMAGE_SERVER:
            headers = with_our_word(headers, request.address if caller is ANYONE else caller.name, model.name)
        errand = Errand(model, choice.sites, b"POST", target, headers, body, request.id)
        try:
            async with asyncio.timeout(ANSWERS_WITHIN_S):
                await self._forwarder.run(errand, waiting, answer, Passage(account, None, None, self._loop))
        except (ProxyError, TimeoutError) as error:
            log.debug("%s does not say %s: %s", model.name, target.decode(), error)
            return None
        return bytes(kept.data) if kept.status == OK and kept.complete else None
