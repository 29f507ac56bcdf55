"""Ask the manager over HTTP: the one place where the command line meets the network. Shows nothing.

Whatever keeps an answer from coming is raised as `Failed`, whose envelope is what `--json` prints.
"""

import asyncio
import difflib
import json
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from switchyard_contracts.admin import Explanation, FilesGone, KeptFiles, ModelChange
from switchyard_contracts.errors import ErrorCode, ErrorEnvelope
from switchyard_contracts.events import ManagerEvent, RunRecord
from switchyard_contracts.status import ManagerStatus, ModelStatus
from switchyard_manager.cli.server_events import messages
from switchyard_manager.errors import ManagerError, Refused
from switchyard_manager.launch import record
from switchyard_manager.settings import Settings, read_settings

Answer = TypeVar("Answer")
Shape = TypeVar("Shape", bound=BaseModel)

ANSWER_WITHIN_S = 10.0
CONNECT_WITHIN_S = 5.0
REMOVED_WITHIN_S = 120.0  # some disks take their time with a hundred gigabytes
EVENTS: TypeAdapter[list[ManagerEvent]] = TypeAdapter(list[ManagerEvent])
RUNS: TypeAdapter[list[RunRecord]] = TypeAdapter(list[RunRecord])


class Failed(ManagerError):
    """There is no answer, or the answer is no."""

    def __init__(self, envelope: ErrorEnvelope) -> None:
        super().__init__(envelope.error.message)
        self.envelope = envelope

    @classmethod
    def because(cls, code: ErrorCode, message: str) -> "Failed":
        return cls(ErrorEnvelope.of(code, message))

    @property
    def is_away(self) -> bool:
        return self.envelope.error.code is ErrorCode.MANAGER_UNAVAILABLE


@dataclass(frozen=True, slots=True)
class Where:
    """Where the manager answers, and the token it wants to see."""

    url: str
    token: str = field(repr=False)
    socket: Path | None = None

    def __str__(self) -> str:
        return str(self.socket or self.url)


def find_manager(settings: Settings) -> Where:
    """As the settings say; else where the manager that is up in this state folder said it listens. Blocking."""
    token = settings.token or _kept_token(settings.token_file or settings.state / "token")
    if not (token.isascii() and token.isprintable()):
        raise Refused(
            "cannot send this token: use letters, digits and signs in SWITCHYARD_TOKEN, and no others"
        )
    if settings.socket is not None:
        return Where("http://manager", token, settings.socket)
    running = record.read(settings.state)
    is_said = any(os.environ.get(f"SWITCHYARD_MANAGER_{name}") for name in ("HOST", "PORT"))
    if running is not None and not is_said:
        return Where(running.manager, token)
    return Where(url_of(settings.host, settings.port), token)


def url_of(host: str, port: int) -> str:
    """As seen from this machine: an address that stands for all of them is reached at loopback."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared with, not bound to
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _kept_token(file: Path) -> str:
    """Asking makes no state folder where there is none."""
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError):
        return ""


class Manager:
    """The manager's admin API, as the commands use it."""

    def __init__(self, where: Where, http: httpx.AsyncClient) -> None:
        self._where = where
        self._http = http

    async def status(self) -> ManagerStatus:
        return self._read(ManagerStatus, await self._ask("GET", "/api/status"))

    async def wish(self, model: str, verb: str, **more: str | int) -> ModelChange:
        path = f"/api/models/{_quoted(model)}/{verb}"
        return self._read(ModelChange, await self._ask("POST", path, model, params=more))

    async def model(self, model: str) -> ModelStatus:
        return self._read(ModelStatus, await self._ask("GET", f"/api/models/{_quoted(model)}", model))

    async def files(self) -> KeptFiles:
        return self._read(KeptFiles, await self._ask("GET", "/api/files"))

    async def remove_files(self, name: str) -> FilesGone:
        """Of a model, or of a repository."""
        reply = await self._ask("DELETE", f"/api/files/{_quoted(name)}", name, timeout=REMOVED_WITHIN_S)
        return self._read(FilesGone, reply)

    async def explanation(self, model: str) -> Explanation:
        path = f"/api/models/{_quoted(model)}/explain"
        return self._read(Explanation, await self._ask("GET", path, model))

    async def happened(self, model: str | None, limit: int) -> list[ManagerEvent]:
        """What is kept, the oldest first."""
        found = self._list(EVENTS, await self._ask("GET", "/api/history", model, params=_of(model, limit)))
        return sorted(found, key=lambda event: event.seq)

    async def runs(self, model: str | None, limit: int) -> list[RunRecord]:
        """The newest first."""
        found = self._list(RUNS, await self._ask("GET", "/api/runs", model, params=_of(model, limit)))
        return sorted(found, key=lambda run: -run.began_at)

    async def log(self, model: str, run: str, lines: int) -> str:
        params = {"run": run, "lines": lines}
        return (await self._ask("GET", f"/api/models/{_quoted(model)}/logs", model, params=params)).text

    async def follow_log(self, model: str, lines: int) -> AsyncIterator[str | None]:
        """Line by line, over all runs to come; None where one run ends and the next begins."""
        params: dict[str, str | int] = {"lines": lines, "follow": "true"}
        async with self._stream(f"/api/models/{_quoted(model)}/logs", params, model) as reply:
            async for message in messages(reply.aiter_bytes()):
                yield json.loads(message.data) if message.kind == "line" else None

    async def events(self, after: int | None = None) -> AsyncIterator[ManagerEvent]:
        """A snapshot, and then what happens, for as long as the connection holds.

        No snapshot where the manager still knows all that came `after` an event.
        """
        params: dict[str, str | int] = {} if after is None else {"after": after}
        async with self._stream("/api/events", params) as reply:
            async for message in messages(reply.aiter_bytes()):
                yield self._event(message.data)

    async def _ask(self, method: str, path: str, model: str | None = None, **more: Any) -> httpx.Response:
        try:
            reply = await self._http.request(method, path, **more)
        except httpx.HTTPError as error:
            raise self._away(error) from error
        if not reply.is_success:
            raise await self._refusal(reply, model)
        return reply

    @asynccontextmanager
    async def _stream(
        self, path: str, params: Mapping[str, str | int], model: str | None = None
    ) -> AsyncIterator[httpx.Response]:
        timeout = httpx.Timeout(ANSWER_WITHIN_S, read=None)
        try:
            async with self._http.stream("GET", path, params=dict(params), timeout=timeout) as reply:
                if not reply.is_success:
                    await reply.aread()
                    raise await self._refusal(reply, model)
                yield reply
        except httpx.HTTPError as error:
            raise self._away(error) from error

    async def _refusal(self, reply: httpx.Response, model: str | None) -> Failed:
        try:
            envelope = ErrorEnvelope.model_validate_json(reply.content)
        except ValidationError:
            return self._stranger(f"it says {reply.status_code}")
        match envelope.error.code:
            case ErrorCode.INVALID_API_KEY:
                message = (
                    f"cannot ask the manager at {self._where}: it wants the token of its own state folder;"
                )
                return Failed.because(
                    ErrorCode.INVALID_API_KEY, f"{message} set SWITCHYARD_STATE to that, or SWITCHYARD_TOKEN"
                )
            case ErrorCode.MODEL_NOT_FOUND if model is not None:
                return Failed.because(ErrorCode.MODEL_NOT_FOUND, await self._no_such(model, envelope))
            case _:
                return Failed(envelope)

    async def _no_such(self, model: str, envelope: ErrorEnvelope) -> str:
        status = await self.status()
        names = [name for known in status.models for name in (known.name, *known.aliases)]
        near = nearest(model, names)
        return f"cannot find the model {model}: did you mean {near}?" if near else envelope.error.message

    def _away(self, error: Exception) -> Failed:
        if isinstance(error, httpx.ProtocolError | httpx.DecodingError):
            return self._stranger("it does not speak HTTP as we do")
        if isinstance(error, httpx.ReadTimeout):
            message = f"cannot get an answer from the manager at {self._where}: it is too slow; try again"
        else:
            message = f"cannot reach the manager at {self._where}: start it with ./setup.sh up"
        return Failed.because(ErrorCode.MANAGER_UNAVAILABLE, message)

    def _stranger(self, what: str) -> Failed:
        advice = "see that it is Switchyard's manager, of this version"
        return Failed.because(
            ErrorCode.MANAGER_UNAVAILABLE, f"cannot understand what answers at {self._where} ({what}): {advice}"
        )

    def _read(self, shape: type[Shape], reply: httpx.Response) -> Shape:
        return self._understood(lambda: shape.model_validate_json(reply.content))

    def _event(self, data: str) -> ManagerEvent:
        return self._understood(lambda: ManagerEvent.model_validate_json(data))

    def _list(self, shape: TypeAdapter[list[Shape]], reply: httpx.Response) -> list[Shape]:
        return self._understood(lambda: shape.validate_json(reply.content))

    def _understood(self, read: Callable[[], Answer]) -> Answer:
        try:
            return read()
        except ValidationError as error:
            raise self._stranger("its answer has another shape") from error


def ask(work: Callable[[Manager], Coroutine[Any, Any, Answer]]) -> Answer:
    """What comes of asking. Blocking; Ctrl-C is raised as usual."""
    where = find_manager(read_settings())
    return asyncio.run(_asked(where, work))


async def _asked(where: Where, work: Callable[[Manager], Coroutine[Any, Any, Answer]]) -> Answer:
    # Loopback and a socket need no proxy, whatever the environment says of one.
    transport = httpx.AsyncHTTPTransport(uds=str(where.socket)) if where.socket else None
    timeout = httpx.Timeout(ANSWER_WITHIN_S, connect=CONNECT_WITHIN_S)
    # None at all where there is none: an empty one is no header that can be sent.
    headers = {"Authorization": f"Bearer {where.token}"} if where.token else {}
    async with httpx.AsyncClient(
        base_url=where.url, headers=headers, timeout=timeout, transport=transport, trust_env=False
    ) as http:
        return await work(Manager(where, http))


def nearest(name: str, names: list[str]) -> str | None:
    """The name that was probably meant."""
    by_lower = {known.lower(): known for known in reversed(names)}
    found = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.5)
    return by_lower[found[0]] if found else None


def _quoted(model: str) -> str:
    return quote(model, safe="")


def _of(model: str | None, limit: int) -> dict[str, str | int]:
    return {"limit": limit, **({"model": model} if model else {})}
