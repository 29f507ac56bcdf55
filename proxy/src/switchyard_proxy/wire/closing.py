"""How the account of a request is closed: once, and with how it ended."""

import asyncio

from switchyard_contracts.errors import CODES, ErrorCode, ErrorType
from switchyard_proxy.accounting.account import Account, Outcome
from switchyard_proxy.accounting.book import Accounts
from switchyard_proxy.errors import ClientGone, ProxyError


class Accounting:
    """Closes an account, once, whatever became of its request. No generator: it is made for each request."""

    __slots__ = ("_account", "_accounts", "_loop")

    def __init__(self, account: Account, accounts: Accounts, loop: asyncio.AbstractEventLoop) -> None:
        self._account = account
        self._accounts = accounts
        self._loop = loop

    def __enter__(self) -> Account:
        return self._account

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        account = self._account
        match error:
            case None:
                pass
            case ProxyError():
                note(account, error)
                account.status = CODES[error.code].status
            case ClientGone():
                account.outcome = Outcome.CLIENT_LEFT
            case asyncio.CancelledError():
                account.outcome = Outcome.CANCELLED
            case _:
                account.outcome, account.code = Outcome.FAILED, ErrorCode.INTERNAL_ERROR
        account.ended = self._loop.time()
        self._accounts.close(account)


def note(account: Account, error: ProxyError) -> None:
    """How a request ended that failed."""
    account.code = error.code
    refused = CODES[error.code].type is not ErrorType.SERVER
    account.outcome = Outcome.REFUSED if refused else Outcome.FAILED
