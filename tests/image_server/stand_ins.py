"""Models without weights, for the tests of everything around a model. Each is named for what it does.

They keep to the interfaces: `chat.protocol.Talks` and `engine.Draws`. They work as plain functions do; a test
that needs steps overrides `answer` with a generator.
"""

import threading
from typing import Any

from PIL import Image

from switchyard_image_server.chat.conversation import Conversation
from switchyard_image_server.chat.counted import Counted, CountedItem, ItemKind
from switchyard_image_server.chat.events import ChatEvent, Ended, Finished, Piece, Started
from switchyard_image_server.chat.request import ChatRequest
from switchyard_image_server.chat.scribe import FinishReason
from switchyard_image_server.errors import Busy, ContextTooLong
from switchyard_image_server.images import events as image_events
from switchyard_image_server.images.classes import PipelineFacts
from switchyard_image_server.images.order import Order
from switchyard_image_server.images.sizes import Size
from switchyard_image_server.memory.report import MemoryReport
from switchyard_image_server.settings import Placing, Quantization
from switchyard_image_server.worker import Ticket


def report(**known: Any) -> MemoryReport:
    return MemoryReport("cpu", Placing.RESIDENT, Quantization.NONE, "it is a stand-in", can_sleep=True, **known)


class ThreeTokens:
    """Whatever the prompt is, it has three."""

    def spell(self, request: ChatRequest, conversation: Conversation) -> tuple[Counted, list[int]]:
        return Counted((CountedItem(ItemKind.TEXT, 3),), 100), [1, 2, 3]


class Talker:
    """Answers with the words it was given."""

    kind = "text"
    context = 100
    template = ""
    concurrency = 1
    memory = report()

    def __init__(self, *words: str) -> None:
        self.words = words or ("one", " two")
        self.counter = ThreeTokens()
        self.awake = True

    def answer(self, request: ChatRequest, conversation: Conversation, ticket: Ticket[ChatEvent]) -> Any:
        ticket.send(Started(3))
        for word in self.words:
            ticket.send(Piece(word))
        ticket.send(Ended(0, FinishReason.STOP))
        ticket.send(Finished(3, len(self.words)))

    def together(self, steps: Any) -> Any:
        return [None] * len(steps)

    def sleep(self) -> None:
        self.awake = False

    def wake(self) -> None:
        self.awake = True


class Seer(Talker):
    kind = "vision"


class NeverStopsTalking(Talker):
    """Talks until nobody listens."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Event()
        self.left = threading.Event()

    def answer(self, request: ChatRequest, conversation: Conversation, ticket: Ticket[ChatEvent]) -> None:
        ticket.send(Started(3))
        self.begun.set()
        pause = threading.Event()
        while not ticket.cancelled:
            ticket.send(Piece("and "))
            pause.wait(0.01)
        self.left.set()
        ticket.check()


class SilentUntilLeft(NeverStopsTalking):
    """Reads the prompt for ever, as a very long one would."""

    def answer(self, request: ChatRequest, conversation: Conversation, ticket: Ticket[ChatEvent]) -> None:
        self.begun.set()
        pause = threading.Event()
        while not ticket.cancelled:
            pause.wait(0.01)
        self.left.set()
        ticket.check()


class BreaksOff(Talker):
    """Fails in the middle of its answer."""

    def answer(self, request: ChatRequest, conversation: Conversation, ticket: Ticket[ChatEvent]) -> None:
        ticket.send(Started(3))
        ticket.send(Piece("half of"))
        raise RuntimeError("device-side assert triggered\nTraceback (most recent call last): …")


class RefusesPrompt(Talker):
    """Finds out on the worker that the prompt does not fit."""

    def answer(self, request: ChatRequest, conversation: Conversation, ticket: Ticket[ChatEvent]) -> None:
        raise ContextTooLong("cannot answer: the prompt has 101 tokens", param="messages")


class RunsOutOfMemory(Talker):
    def answer(self, request: ChatRequest, conversation: Conversation, ticket: Ticket[ChatEvent]) -> None:
        raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB")


class CannotSleep(Talker):
    def sleep(self) -> None:
        raise Busy("cannot sleep: its weights cannot be parked")


class Painter:
    """Paints each seed in a colour of its own, in one step."""

    kind = "image"
    facts = PipelineFacts(steps=2, guidance=1.0, native=Size(64, 64))
    memory = report()

    def draw(self, order: Order, ticket: Ticket[Any]) -> None:
        size = (order.size.width, order.size.height)
        for number, seed in enumerate(order.seeds, start=1):
            ticket.send(image_events.Step(number, len(order.seeds)))
            ticket.send(image_events.Drawn(Image.new("RGB", size, (seed % 256, 0, 0)), seed))
        ticket.send(image_events.Finished(5, 0, 16 * len(order.seeds)))

    def sleep(self) -> None:
        pass

    def wake(self) -> None:
        pass


class PaintsUntilLeft(Painter):
    """A picture of very many steps."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.left = threading.Event()

    def draw(self, order: Order, ticket: Ticket[Any]) -> None:
        pause = threading.Event()
        done = 0
        while not ticket.cancelled:
            done = min(done + 1, 99)
            ticket.send(image_events.Step(done, 100))
            self.begun.set()
            pause.wait(0.01)
        self.left.set()
        ticket.check()
