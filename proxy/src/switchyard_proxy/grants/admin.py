"""The managers' admin API, asked on behalf of the proxy's callers. Who may ask what is decided elsewhere."""

from contextlib import AbstractAsyncContextManager

import httpx
from pydantic import ValidationError

from switchyard_contracts.status import ManagerStatus
from switchyard_proxy.grants.link import Manager

ANSWERS_WITHIN_S = 10.0


class AdminApi:
    """Of any of the managers. Its errors are httpx's."""

    def __init__(self) -> None:
        # A stream of events holds a connection for as long as somebody looks on.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
        self.http = httpx.AsyncClient(timeout=ANSWERS_WITHIN_S, trust_env=False, limits=limits)

    async def status(self, manager: Manager) -> ManagerStatus | None:
        """None: it does not answer, or not as a manager of ours does."""
        try:
            reply = await self.http.get(f"{manager.url}/api/status", headers=manager.headers)
            return ManagerStatus.model_validate_json(reply.content) if reply.is_success else None
        except (httpx.HTTPError, ValidationError):
            return None

    def ask(
        self,
        manager: Manager,
        method: str,
        target: str,
        headers: dict[str, str],
        body: bytes,
        *,
        silent_s: float,
    ) -> AbstractAsyncContextManager[httpx.Response]:
        """Its reply as it comes; the connection is closed with it. `silent_s`: how long it may say nothing."""
        return self.http.stream(
            method,
            f"{manager.url}{target}",
            headers=headers | manager.headers,
            content=body or None,
            timeout=httpx.Timeout(ANSWERS_WITHIN_S, read=silent_s),
        )

    async def close(self) -> None:
        await self.http.aclose()
