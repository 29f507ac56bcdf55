"""What an operator asks of a manager through the proxy: load, unload and the like. A few calls a minute.

The manager answers for itself: its errors are passed on in its own words.
"""

from urllib.parse import quote

import httpx
from pydantic import ValidationError

from switchyard_contracts.errors import ErrorCode, ErrorEnvelope
from switchyard_proxy.errors import TicketRefused, Unavailable
from switchyard_proxy.grants.admin import AdminApi
from switchyard_proxy.grants.link import Manager


class Commands:
    """To any of the managers."""

    def __init__(self, admin: AdminApi) -> None:
        self._http = admin.http

    async def give(self, manager: Manager, model: str, verb: str) -> None:
        """Begin it; a load is not waited for. Raises `ProxyError`."""
        url = f"{manager.url}/api/models/{quote(model)}/{verb}"
        try:
            reply = await self._http.post(url, headers=manager.headers)
        except httpx.HTTPError as error:
            message = f"cannot {verb} {model!r}: the manager does not answer ({type(error).__name__})"
            raise Unavailable(ErrorCode.MANAGER_UNAVAILABLE, message) from error
        if reply.is_success:
            return
        try:
            told = ErrorEnvelope.model_validate_json(reply.content)
        except ValidationError as error:
            message = f"cannot {verb} {model!r}: the manager answered {reply.status_code}"
            raise Unavailable(ErrorCode.MANAGER_UNAVAILABLE, message) from error
        raise TicketRefused(told.error, None)
