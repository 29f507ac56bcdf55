"""Tell somebody that a job is over: one POST, repeated a few times, to a public address only.

Whoever may send requests could make this server knock at doors inside its network. So it is off unless the
operator lets the server fetch addresses at all (`--fetch-media`), and goes through the same guard then. The
address may hold a secret: it is never told, and logged by its host only.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from switchyard_image_server.errors import InvalidValue, MediaNotAllowed, ServerError
from switchyard_image_server.media.fetch import Door, ask

logger = logging.getLogger(__name__)

PARAM = "webhook"
MAX_URL = 2048
PAUSES_S = (1.0, 5.0, 30.0)
TRY_S = 10.0
MAX_ANSWER = 2**20
WORTH_REPEATING = frozenset({408, 425, 429})

Post = Callable[[str, bytes, Mapping[str, str]], Awaitable[int]]  # the status; raises `ServerError`
Pause = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Outcome:
    taken: bool
    final: bool  # there is no use in trying again
    why: str = ""


class Webhooks:
    """Without a `post` there are none."""

    def __init__(
        self,
        post: Post | None,
        *,
        public_url: str | None = None,
        pauses_s: Sequence[float] = PAUSES_S,
        pause: Pause = asyncio.sleep,
    ) -> None:
        self._post = post
        self._public_url = (public_url or "").rstrip("/")
        self._pauses_s = pauses_s
        self._pause = pause

    def check(self, url: str) -> None:
        """Before the work is begun. Where its name leads is checked at each call: that may change."""
        if self._post is None:
            raise MediaNotAllowed(
                "cannot call a webhook: this server calls no addresses; the operator allows it with "
                "--fetch-media; follow the job's events instead",
                param=PARAM,
            )
        if len(url) > MAX_URL or not _is_web(url):
            raise InvalidValue(
                f"cannot use this webhook: it must be an http(s) URL of at most {MAX_URL} characters, with a "
                "host and without credentials",
                param=PARAM,
            )

    async def deliver(self, url: str, job_id: str, job: Mapping[str, Any]) -> bool:
        """The job without its result, which is a link. `False` if nobody took it."""
        self.check(url)
        body = json.dumps(self._with_whole_links(job), ensure_ascii=False, separators=(",", ":")).encode()
        headers = {"content-type": "application/json", "webhook-id": job_id}
        outcome = _Outcome(taken=False, final=False)
        for pause_s in (0.0, *self._pauses_s):
            await self._pause(pause_s)
            outcome = await self._tried(url, body, headers)
            if outcome.taken:
                return True
            if outcome.final:
                break
        logger.warning("nobody took the webhook of %s at %s: %s", job_id, urlsplit(url).hostname, outcome.why)
        return False

    async def _tried(self, url: str, body: bytes, headers: Mapping[str, str]) -> "_Outcome":
        if self._post is None:
            return _Outcome(taken=False, final=True, why="it was switched off")
        try:
            status = await self._post(url, body, headers)
        except MediaNotAllowed as error:
            return _Outcome(taken=False, final=True, why=error.message)
        except ServerError as error:
            return _Outcome(taken=False, final=False, why=error.message)
        final = status < 500 and status not in WORTH_REPEATING
        return _Outcome(taken=200 <= status < 300, final=final, why=f"status {status}")

    def _with_whole_links(self, job: Mapping[str, Any]) -> dict[str, Any]:
        links = {name: self._public_url + path for name, path in job["links"].items()}
        return {**job, "preview": None, "links": links}


def post_guarded(door: Door | None = None) -> Post:
    """By the guard that fetches media, to addresses that are public; redirects are not followed."""

    async def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
        try:
            async with asyncio.timeout(TRY_S):
                answer = await ask(
                    "POST", url, PARAM, most=MAX_ANSWER, door=door or Door(), content=body, headers=headers
                )
        except TimeoutError:
            raise InvalidValue(f"cannot call the webhook: it took over {TRY_S:g} s", param=PARAM) from None
        return answer.status

    return post


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port_is_one = parts.port is None or parts.port > 0
    except ValueError:
        return False
    return (
        parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc and port_is_one
    )
