"""Real clients against the real proxy: what a test starts, and which line of the wire contract it holds to."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest

from switchyard_contracts.catalog import ModelType
from switchyard_contracts.status import ModelStatus, Phase
from tests.clients.engine import SpeaksLikeVllm
from tests.clients.image_servers import PROGRAM, SDKS, Servers, make_models, running
from tests.clients.loads import TakesItsTime
from tests.clients.programs import OPENAI2, Program, in_node, in_python, missing
from tests.proxy.engines import ScriptedEngine
from tests.proxy.managers import status
from tests.proxy.running import RunningProxy, settings_with

LANGCHAIN_PATIENCE_S = 2
# Beats that a test can wait for. What they are in life is in the settings.
SCALED = {"commit_after_s": 0.15, "heartbeat_s": 0.1}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "contract(line): the line of the wire contract that a test holds to")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if why := missing():
        pytest.skip(why)


def models(*, phase: Phase) -> list[ModelStatus]:
    return [
        status("chat", aliases=("gpt-4o", "org/chat", "claude-sonnet-4-5"), phase=phase, context_length=8192),
        status("eyes", ModelType.VISION, phase=phase),
        status("paint", ModelType.IMAGE, aliases=("gpt-image-1",), phase=phase),
    ]


class Yard:
    """An engine, a manager and the proxy between them; ended in reverse."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self.speaks = SpeaksLikeVllm()

    async def opens(
        self,
        *,
        load_s: float | None = None,
        fails_with: str | None = None,
        kind: type[TakesItsTime] = TakesItsTime,
        **settings: object,
    ) -> "Yard":
        """With `load_s` or `fails_with`, models are cold at first."""
        self.engine = await ScriptedEngine([self.speaks]).start()
        self._stack.push_async_callback(self.engine.close)
        cold = load_s is not None or fails_with is not None
        listed = models(phase=Phase.STOPPED if cold else Phase.READY)
        endpoints = {model.name: self.engine.url for model in listed}
        self.manager = kind(listed, endpoints, load_s=load_s or 0.0, fails_with=fails_with)
        await self.manager.start()
        self._stack.push_async_callback(self.manager.close)
        self.proxy = await self.with_proxy(self.manager.url, **settings)
        await self.proxy.until(met=True)
        return self

    async def with_proxy(self, manager: str, **settings: object) -> RunningProxy:
        chosen = {"stop_grace_s": 0, "state": self.folder, "stream_store": "memory", **SCALED, **settings}
        proxy = await RunningProxy(settings_with(manager=manager, **chosen)).start()
        self._stack.push_async_callback(proxy.stop)
        return proxy

    folder: object = ""

    @property
    def url(self) -> str:
        return self.proxy.url

    @property
    def v1(self) -> str:
        return f"{self.proxy.url}/v1"


@pytest.fixture
async def yard(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Yard]:
    async with AsyncExitStack() as stack:
        yard = Yard(stack)
        yard.folder = tmp_path_factory.mktemp("state")
        yield yard


PROGRAMS = (
    in_python("openai2", "openai_program.py", OPENAI2),
    in_python("openai3", "openai_program.py"),
    in_node("openai-node", "openai_program.mjs"),
    in_node("ai-sdk", "ai_sdk_program.mjs"),
    in_python("anthropic", "anthropic_program.py"),
    in_python(
        "langchain", "langchain_program.py", LANGCHAIN_OPENAI_STREAM_CHUNK_TIMEOUT_S=str(LANGCHAIN_PATIENCE_S)
    ),
    in_python("ollama", "ollama_program.py"),
)


@pytest.fixture(scope="session")
def programs() -> Iterator[dict[str, Program]]:
    yield {program.name: program for program in PROGRAMS}
    for program in PROGRAMS:
        program.close()


def each(*names: str) -> pytest.MarkDecorator:
    """The test runs once for each of these clients."""
    return pytest.mark.parametrize("client", names, indirect=True)


@pytest.fixture
def client(request: pytest.FixtureRequest, programs: dict[str, Program]) -> Program:
    return programs[request.param]


@pytest.fixture
def openai2(programs: dict[str, Program]) -> Program:
    return programs["openai2"]


@pytest.fixture
def openai3(programs: dict[str, Program]) -> Program:
    return programs["openai3"]


@pytest.fixture
def openai_node(programs: dict[str, Program]) -> Program:
    return programs["openai-node"]


@pytest.fixture
def ai_sdk(programs: dict[str, Program]) -> Program:
    return programs["ai-sdk"]


@pytest.fixture
def anthropic(programs: dict[str, Program]) -> Program:
    return programs["anthropic"]


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """The image server, with no proxy before it."""
    if not PROGRAM.exists():
        pytest.skip("the engine is not installed: ./setup.sh test installs it")
    folder = tmp_path_factory.mktemp("tiny")
    make_models(folder)
    with running(folder) as started:
        yield started


@pytest.fixture(scope="session")
def sdks() -> Iterator[dict[str, Program]]:
    yield {program.name: program for program in SDKS}
    for program in SDKS:
        program.close()


@pytest.fixture(params=[program.name for program in SDKS])
def sdk(request: pytest.FixtureRequest, sdks: dict[str, Program]) -> Program:
    """OpenAI's clients for the image server: the test runs once with each."""
    return sdks[request.param]
