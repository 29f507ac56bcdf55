"""What most tests of the proxy need: something that starts engines, managers and proxies, and ends them."""

import functools
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from switchyard_contracts.catalog import ModelType
from tests.proxy.engines import Script, ScriptedEngine
from tests.proxy.managers import GrantsWhatIsWanted, status
from tests.proxy.running import Line, RunningProxy, settings_with

MODELS = (
    status("chat", aliases=("gpt-4o", "org/chat")),
    status("eyes", ModelType.VISION),
    status("paint", ModelType.IMAGE),
)


class House:
    """Starts what a test asks for; ends it in reverse, clients first and engines last."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack

    async def engine(self, *scripts: Script) -> ScriptedEngine:
        engine = await ScriptedEngine(list(scripts)).start()
        self._stack.push_async_callback(engine.close)
        return engine

    async def manager(
        self,
        engine: ScriptedEngine | None = None,
        kind: type[GrantsWhatIsWanted] = GrantsWhatIsWanted,
        **more: object,
    ) -> GrantsWhatIsWanted:
        endpoints = {} if engine is None else {model.name: engine.url for model in MODELS}
        manager: GrantsWhatIsWanted = await kind(list(MODELS), endpoints, **more).start()
        self._stack.push_async_callback(manager.close)
        return manager

    async def proxy(self, manager: GrantsWhatIsWanted | None = None, **settings: object) -> RunningProxy:
        url = "http://127.0.0.1:9" if manager is None else manager.url
        chosen = settings_with(**{"manager": url, "stop_grace_s": 0, **settings})
        proxy = await RunningProxy(chosen).start()
        self._stack.push_async_callback(proxy.stop)
        if manager is not None:
            await proxy.until(met=True)
        return proxy

    async def serving(
        self, *scripts: Script, kind: type[GrantsWhatIsWanted] = GrantsWhatIsWanted, **settings: object
    ) -> tuple[ScriptedEngine, GrantsWhatIsWanted, RunningProxy]:
        engine = await self.engine(*scripts)
        manager = await self.manager(engine, kind=kind)
        return engine, manager, await self.proxy(manager, **settings)

    async def line(self, proxy: RunningProxy) -> Line:
        line = await Line.to(proxy)
        self._stack.push_async_callback(line.hang_up)
        return line


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        yield House(stack)


@pytest.fixture(scope="session", autouse=True)
def _authorities_are_read_once() -> Iterator[None]:
    """Every proxy's httpx reads them anew, though it speaks no TLS here: that takes longer than most tests."""
    read = ssl.create_default_context
    read_once = functools.cache(lambda cafile: read(cafile=cafile))

    def trust(*args: Any, **more: Any) -> ssl.SSLContext:
        only_a_file = not args and more.keys() == {"cafile"}
        made: ssl.SSLContext = (read_once if only_a_file else read)(*args, **more)
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", trust)
        yield
