"""What the server asks of a language or vision model. `chat.model` does it with Transformers."""

from collections.abc import Sequence
from typing import Any, Literal, Protocol

from switchyard_image_server.chat.conversation import Conversation
from switchyard_image_server.chat.counted import Counted
from switchyard_image_server.chat.events import ChatEvent
from switchyard_image_server.chat.request import ChatRequest
from switchyard_image_server.memory.report import MemoryReport
from switchyard_image_server.worker import Steps, Ticket


class TokenCounter(Protocol):
    """Counts without the model and without decoding a pixel. From any thread, several at a time."""

    def spell(self, request: ChatRequest, conversation: Conversation) -> tuple[Counted, list[int]]:
        """How many tokens the prompt has, and the tokens themselves. Raises what the caller did wrong."""
        ...

    def text(self, prompt: str) -> list[int]:
        """The tokens of bare text."""
        ...


class Talks(Protocol):
    """A language model, or one that sees. All work is for the worker thread, unless it says otherwise."""

    @property
    def kind(self) -> Literal["text", "vision"]: ...

    @property
    def context(self) -> int: ...

    @property
    def template(self) -> str:
        """The chat template: what the model's thoughts and tool calls look like is read from it."""
        ...

    @property
    def counter(self) -> TokenCounter: ...

    @property
    def concurrency(self) -> int:
        """How many requests may share its passes."""
        ...

    @property
    def memory(self) -> MemoryReport:
        """May be asked from any thread, and answers at once."""
        ...

    def answer(self, request: ChatRequest, conversation: Conversation, ticket: Ticket[ChatEvent]) -> Steps:
        """Yields one step of decoding after the other."""
        ...

    def together(self, steps: Sequence[Any]) -> Sequence[Any]:
        """The results of the steps that `answer` has yielded in several requests."""
        ...

    def sleep(self) -> None:
        """Raises `Busy` with a reason, and stays awake, where it cannot."""
        ...

    def wake(self) -> None:
        """Stays asleep if it raises."""
        ...
