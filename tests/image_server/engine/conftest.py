"""What the tests of the engine share: models made once, loaded once, and asked through a real worker.

Without torch nothing here is collected; the other environment runs it. What needs a card runs where one is.
"""

import gc
import importlib.util
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

if importlib.util.find_spec("torch") is None:
    collect_ignore_glob = ["test_*.py"]
else:
    import switchyard_image_server.torch_ready  # noqa: F401 - before transformers and diffusers

    # isort: split
    import torch

    if not torch.cuda.is_available():
        collect_ignore = ["test_memory_cuda.py"]

from switchyard_image_server.chat.conversation import read_conversation
from switchyard_image_server.chat.events import ChatEvent
from switchyard_image_server.chat.request import ChatRequest
from switchyard_image_server.demo.make import make
from switchyard_image_server.engine import load_model
from switchyard_image_server.images.events import ImageEvent
from switchyard_image_server.images.order import NOTHING, Given, settle_order
from switchyard_image_server.images.request import ImageRequest
from switchyard_image_server.media.addresses import MediaReader
from switchyard_image_server.settings import Device, MediaSettings, ModelSettings
from switchyard_image_server.worker import Crew, Ticket, Worker


@pytest.fixture(scope="module", autouse=True)
def what_is_loaded_is_put_aside() -> None:
    """As the program does it; otherwise each giving back of memory looks through all that torch has brought."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("demo")
    make(out, say=lambda _: None)
    return out


def load(folder: Path, **settings: Any) -> Any:
    return load_model(ModelSettings(str(folder), device=Device.CPU, **settings))


@pytest.fixture(scope="session")
def tiny_pipelines() -> Any:
    """The module that writes pipelines of other classes."""
    from tests.image_server.engine import tiny_pipelines

    return tiny_pipelines


@pytest.fixture(scope="session")
def load_from() -> Callable[..., Any]:
    return load


@pytest.fixture(scope="session")
def chat_model(demo: Path) -> Any:
    return load(demo / "chat")


@pytest.fixture(scope="session")
def vision_model(demo: Path) -> Any:
    return load(demo / "vision")


@pytest.fixture(scope="session")
def image_model(demo: Path) -> Any:
    return load(demo / "image")


class Asks:
    """Puts requests to a model through a worker, as the routes do."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker

    async def chat(self, model: Any, body: dict[str, Any]) -> Ticket[ChatEvent]:
        request = ChatRequest.model_validate(body)
        media = MediaReader(MediaSettings())
        conversation = await read_conversation(request, media, sees=model.kind == "vision")
        self.worker.employ(Crew(model.concurrency, model.together))
        return self.worker.submit(lambda ticket: model.answer(request, conversation, ticket))

    def draw(self, model: Any, given: Given = NOTHING, **body: Any) -> Ticket[ImageEvent]:
        order = settle_order(ImageRequest.model_validate(body), given, model.facts, lambda: 1)
        return self.worker.submit(lambda ticket: model.draw(order, ticket))


@pytest.fixture
async def asks() -> AsyncIterator[Asks]:
    worker = Worker(100, time.monotonic, lambda: None)
    worker.start()
    yield Asks(worker)
    assert worker.close(30)


async def events(ticket: Ticket[Any]) -> list[Any]:
    return [event async for event in ticket.events()]


@pytest.fixture
def heard() -> Callable[[Ticket[Any]], Any]:
    return events
