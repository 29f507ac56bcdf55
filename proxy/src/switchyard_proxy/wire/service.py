"""A request that a model answers, from its first byte to its account: read, route, admit, forward, write down.

Everything that is decided is decided elsewhere; this is the order in which it happens, and the one place where
a request's account is closed and what it held is given back, however it ends.
"""

import asyncio
import logging
import math
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from switchyard_contracts.catalog import Engine
from switchyard_contracts.errors import ErrorCode
from switchyard_contracts.status import ModelStatus
from switchyard_proxy.access.callers import ANYONE, Caller, Role
from switchyard_proxy.access.gatekeeper import Gatekeeper
from switchyard_proxy.access.limits import Permit
from switchyard_proxy.accounting.account import Account
from switchyard_proxy.accounting.book import Accounts
from switchyard_proxy.accounting.captures import Capture
from switchyard_proxy.asgi import Receive
from switchyard_proxy.bodies.fields import Fields, read_fields
from switchyard_proxy.bodies.reading import Bounds, check_declared, read_body, unpacked
from switchyard_proxy.bodies.uploads import read_upload
from switchyard_proxy.budget.media import looks_like_media
from switchyard_proxy.budget.reckoning import check
from switchyard_proxy.dialects.voice import Opening
from switchyard_proxy.errors import ClientGone, ProxyError
from switchyard_proxy.replies import Sink
from switchyard_proxy.request import Client, Request
from switchyard_proxy.routes import Route
from switchyard_proxy.routing.names import Choice
from switchyard_proxy.settings import Settings
from switchyard_proxy.wire import passing
from switchyard_proxy.wire.answer import Answer, Kind
from switchyard_proxy.wire.asked import Asked, Said, for_engine, is_form, with_query
from switchyard_proxy.wire.clocks import clock_s
from switchyard_proxy.wire.closing import Accounting, note
from switchyard_proxy.wire.fleet import Fleet, may_use
from switchyard_proxy.wire.forward import Errand, Forwarder
from switchyard_proxy.wire.hangup import while_client_stays
from switchyard_proxy.wire.headers import with_our_word
from switchyard_proxy.wire.hold import Waiting
from switchyard_proxy.wire.passage import Passage
from switchyard_proxy.wire.places import digest_of
from switchyard_proxy.wire.pulse import Pulse, Pulses

FALLS_BACK = frozenset(
    {ErrorCode.MODEL_LOAD_FAILED, ErrorCode.MODEL_LOAD_TIMEOUT, ErrorCode.BACKEND_UNAVAILABLE}
)
RETRY_COUNT = b"x-stainless-retry-count"
COUNT = re.compile(rb"[0-9]{1,6}")
LARGE = 1024 * 1024  # a body from which on it is looked through in a thread

log = logging.getLogger(__name__)


class Service:
    """One for the whole proxy."""

    def __init__(
        self,
        settings: Settings,
        fleet: Fleet,
        forwarder: Forwarder,
        pulses: Pulses,
        gate: Gatekeeper,
        accounts: Accounts,
        capture: Callable[[], Capture | None],
    ) -> None:
        self._settings = settings
        self._fleet = fleet
        self._forwarder = forwarder
        self._pulses = pulses
        self._gate = gate
        self._accounts = accounts
        self._capture = capture
        self._loop = asyncio.get_running_loop()
        self._bounds = Bounds(settings.body_limit, settings.body_pause_s)
        self._upload_bounds = Bounds(settings.upload_limit, settings.body_pause_s, "--upload-limit-mib")

    def _open(self, request: Request, route: Route, caller: Caller) -> Account:
        retries = request.header(RETRY_COUNT)
        return Account(
            id=request.id.decode("latin-1"),
            at=time.time(),
            began=self._loop.time(),
            route=route.path,
            key=caller.name,
            address=request.address,
            retries=int(retries) if retries is not None and COUNT.fullmatch(retries) else 0,
            capture=self._capture(),
        )

    async def read(self, request: Request, route: Route, caller: Caller, receive: Receive) -> Asked:
        """Raises `ProxyError` and `ClientGone`. What it gives is to be closed with `close`."""
        target = with_query(route.target or route.path.encode(), request.query)
        kind = request.header(b"content-type") or b""
        declared = request.header(b"content-length")
        if route.uploads and is_form(request):
            upload = await read_upload(receive, kind, declared, self._upload_bounds)
            fields = Fields(upload.model, upload.stream, None, background=False, store=None)
            return Asked(request, route, target, caller, upload, fields)
        body = await self.body_of(request, receive)
        return Asked(request, route, target, caller, body, read_fields(body))

    async def body_of(self, request: Request, receive: Receive) -> bytes:
        """Raises `ProxyError` and `ClientGone`."""
        if request.client.has_sent_all:  # mostly: then nothing need be waited for, nor for how long
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            body: bytes = message["body"]
            check_declared(b"%d" % len(body), self._bounds)
        else:
            body = await read_body(receive, request.header(b"content-length"), self._bounds)
        encoding = request.header(b"content-encoding")
        if encoding is None:
            return body
        plain = await unpacked(body, encoding, self._bounds)
        request.unpacked()
        return plain

    async def serve_path(
        self, request: Request, route: Route, below: str, caller: Caller, receive: Receive, sink: Sink
    ) -> None:
        """`/upstream/{model}/…`: as it is, to the engine of the model that the path names."""
        with self.accounted(request, route, caller) as account:
            if not self._fleet.is_met:
                await self._fleet.meet()
            name, path = passing.split(below, self._fleet.directory, may_use(caller))
            passing.check(request.method, path)
            body = await self.body_of(request, receive)
            fields = Fields(name, passing.streams(body), None, background=False, store=None)
            target = with_query(b"/" + path.encode(), request.query)
            method = request.method.encode()
            asked = Asked(request, route, target, caller, body, fields, method, verbatim=True)
            await while_client_stays(request.client, self.answer(asked, account, sink, request.client))

    async def serve(self, request: Request, route: Route, caller: Caller, receive: Receive, sink: Sink) -> None:
        """Raises `ProxyError` while nothing has gone out, and `ClientGone`."""
        with self.accounted(request, route, caller) as account:
            asked = await self.read(request, route, caller, receive)
            try:
                await while_client_stays(request.client, self.answer(asked, account, sink, request.client))
            finally:
                await asked.close()

    def accounted(self, request: Request, route: Route, caller: Caller) -> Accounting:
        """An account that is closed when the request is over, with how it ended."""
        return Accounting(self._open(request, route, caller), self._accounts, self._loop)

    async def answer(self, asked: Asked, account: Account, sink: Sink, client: Client | None) -> None:
        """Raises `ProxyError` while nothing has gone out; afterwards every failure is told in the reply."""
        account.streams = asked.fields.stream
        account.asked = asked.fields.model or ""
        account.bytes_in = asked.size
        if account.capture is not None:
            asked.show_to(account.capture)
        permit = self._gate.admit(asked.caller, account.at)
        try:
            if not self._fleet.is_met:
                await self._fleet.meet()
            choice = self.choose(asked)
            account.asked = account.asked or choice.asked
            await self._hold(asked, choice, permit, account, sink, client)
        finally:
            used = account.usage
            permit.done(used.tokens_in + used.tokens_out if used is not None else 0, time.time())

    def check(self, caller: Caller, role: Role) -> None:
        """Raises `Refused`."""
        self._gate.check(caller, role)

    def choose(self, asked: Asked) -> Choice:
        """Which model is meant. Raises `ProxyError`."""
        directory, route = self._fleet.directory, asked.route
        ready, may = self._fleet.sites.is_warm, may_use(asked.caller)
        choice = directory.find(asked.fields.model, route.need, ready, path=route.path, may=may)
        self._gate.check_model(asked.caller, choice.model.name)
        return choice

    async def _hold(
        self,
        asked: Asked,
        choice: Choice,
        permit: Permit,
        account: Account,
        sink: Sink,
        client: Client | None,
    ) -> None:
        answer = self._answer_to(asked, choice.model, account, sink)
        answer.limits = permit.headers(account.at)
        waiting = self._waiting(asked, answer, account.retries, client)
        self._pulses.add(answer.pulse)
        try:
            await self._ask_until_one_answers(asked, choice, waiting, account, answer)
        except ProxyError as error:
            if not sink.started:
                raise
            note(account, error)
            account.status = account.status or 200
            await answer.fail(error)
        finally:
            self._pulses.discard(answer.pulse)
            account.beats = answer.beats

    async def _ask_until_one_answers(
        self, asked: Asked, choice: Choice, waiting: Waiting, account: Account, answer: Answer
    ) -> None:
        """The model, then those that the operator named to stand in for it."""
        others: Iterator[Choice] = iter(())
        if choice.fallbacks:
            others = self._fleet.directory.instead(choice, asked.route.need, may=may_use(asked.caller))
        while True:
            try:
                return await self._ask(asked, choice, waiting, account, answer)
            except ProxyError as error:
                instead = next(others, None) if error.code in FALLS_BACK else None
                if instead is None:
                    raise
                log.warning("%s cannot answer, asking %s: %s", choice.model.name, instead.model.name, error)
            choice, account.fell_back = instead, True
            until = min(self._loop.time() + self._settings.load_wait_s, waiting.latest)
            waiting = replace(waiting, deadline=until)  # it has its own time to load

    async def _ask(
        self, asked: Asked, choice: Choice, waiting: Waiting, account: Account, answer: Answer
    ) -> None:
        model = choice.model
        account.model = model.name
        body, stripper = for_engine(asked, choice)
        if isinstance(body, bytes) and not (asked.verbatim and is_form(asked.request)):
            await self._check_media(body, model)
        passage = Passage(account, stripper, account.capture, self._loop)
        request = asked.request
        headers = request.headers
        if model.engine is Engine.IMAGE_SERVER:
            client = request.address if asked.caller is ANYONE else asked.caller.name
            headers = with_our_word(headers, client, model.name)
        errand = Errand(model, choice.sites, asked.method, asked.target, headers, body, request.id)
        try:
            await self._forwarder.run(errand, waiting, answer, passage)
        finally:
            passage.closes()

    async def _check_media(self, body: bytes, model: ModelStatus) -> None:
        if not looks_like_media(body):
            return
        vision, context = model.serving.vision, model.context_length
        allowed = self._settings.media_urls == "allow"
        if len(body) < LARGE:
            check(body, vision, context, urls_allowed=allowed)
        else:
            await asyncio.to_thread(check, body, vision, context, urls_allowed=allowed)

    def _answer_to(self, asked: Asked, model: ModelStatus, account: Account, sink: Sink) -> Answer:
        settings, serving = self._settings, model.serving
        every_s = settings.heartbeat_s if serving.heartbeat_s is None else serving.heartbeat_s
        if asked.fields.stream:
            kind, first_s = Kind.STREAM, serving.commit_after_s
            first_s = settings.commit_after_s if first_s is None else first_s
        elif asked.route.blanks and settings.whitespace_after_s > 0:
            kind, first_s = Kind.PLAIN, settings.whitespace_after_s
        else:
            kind, first_s = Kind.SILENT, math.inf
        pulse = Pulse(account.began, first_s)
        opening = partial(self._opening, asked, account, model.name)
        return Answer(sink, asked.route.dialect, kind, pulse, every_s, opening)

    def _opening(self, asked: Asked, account: Account, model: str) -> Opening:
        body = asked.body if isinstance(asked.body, bytes) else b""
        mode = asked.caller.beats or self._settings.heartbeat
        said = asked.said or Said(body)
        progress = partial(self._progress, model)
        return Opening(account.id, account.asked, int(account.at), mode, said.body, said.reply_id, progress)

    def _progress(self, model: str) -> str | None:
        loading = self._fleet.loading(model)
        return None if loading is None else loading.progress

    def _waiting(self, asked: Asked, answer: Answer, retries: int, client: Client | None) -> Waiting:
        request, caller = asked.request, asked.caller
        beats = answer.is_stream and (caller.beats or self._settings.heartbeat) != "off"
        digest, body = None, asked.body
        if isinstance(body, bytes) and request.header(RETRY_COUNT) is not None:
            digest = partial(digest_of, caller.name, asked.route.path, body)
        now = self._loop.time()
        latest = now + clock_s(request, its_own_clock=not beats)
        deadline = min(now + self._settings.load_wait_s, latest)
        return Waiting(
            caller.name, caller.priority, deadline, digest, retries > 0, client, asked.may_load, latest
        )
