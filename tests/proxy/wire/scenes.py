"""What several tests of the wire set up: models served in a certain way, and a look at the accounts closed."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace

from switchyard_contracts.status import ModelStatus
from switchyard_proxy.access.callers import Role
from switchyard_proxy.access.keys import make_key
from switchyard_proxy.accounting.account import Account
from tests.proxy.conftest import House
from tests.proxy.managers import GrantsWhatIsWanted
from tests.proxy.running import RunningProxy, settings_with

SOON_S = 5.0


def serve_as(manager: GrantsWhatIsWanted, name: str, **serving: object) -> None:
    """Before a proxy has met it: the manager says that one of its models is served so."""
    manager.models = list(changed(manager.models, name, serving))


def changed(models: Iterable[ModelStatus], name: str, serving: dict[str, object]) -> Iterable[ModelStatus]:
    for model in models:
        update = {"serving": model.serving.model_copy(update=serving)} if model.name == name else {}
        yield model.model_copy(update=update)


def closed_accounts(proxy: RunningProxy) -> list[Account]:
    """Every account that is closed from now on, as often as it is closed."""
    seen: list[Account] = []
    accounts = proxy.parts.accounts
    close = accounts.close

    def noted(account: Account) -> None:
        seen.append(account)
        close(account)

    accounts.close = noted  # type: ignore[method-assign]
    return seen


async def until_closed(accounts: list[Account], count: int) -> None:
    """An account is closed after its client has all of the reply."""
    async with asyncio.timeout(SOON_S):
        while len(accounts) < count:
            await asyncio.sleep(0.001)


async def new_key(proxy: RunningProxy, name: str, role: Role = Role.USE, *models: str, **more: object) -> str:
    """A header with a key that counts from now on; without models, it may use all."""
    gate = proxy.parts.gate
    record, key = make_key(name, gate.now())
    record = replace(record, role=role, models=frozenset(models) or None, **more)  # type: ignore[arg-type]
    await asyncio.to_thread(gate.keys.add, record, gate.now())
    await asyncio.to_thread(gate.refresh)
    return f"Bearer {key}"


async def proxy_at(house: House, *urls: str, **more: object) -> RunningProxy:
    """A proxy of several managers, or of one that is not there yet."""
    proxy = await RunningProxy(settings_with(manager=",".join(urls), stop_grace_s=0, **more)).start()
    house._stack.push_async_callback(proxy.stop)
    return proxy
