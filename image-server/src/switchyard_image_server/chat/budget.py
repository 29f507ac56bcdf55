"""Whether a prompt fits, and how large it is. Pure."""

from switchyard_image_server.chat.counted import Counted, CountedItem, ItemKind, Level
from switchyard_image_server.errors import ContextTooLong
from switchyard_image_server.settings import BudgetSettings

LARGEST_TOLD = 3


def level(total: int, budget: BudgetSettings) -> Level:
    if total > budget.critical:
        return Level.CRITICAL
    return Level.WARNING if total > budget.warning else Level.OK


def refusal(counted: Counted, asked: int | None) -> ContextTooLong | None:
    """Why there is no room for this prompt and an answer of that many tokens; `None` if there is. An answer
    whose length the client leaves open needs room for one token.
    """
    room = counted.context - counted.total
    if room >= (asked or 1):
        return None
    largest = _largest(counted)
    told = f"cannot fit {counted.total} prompt tokens"
    told += f" and {asked} for the answer" if asked and room > 0 else ""
    told += f" into the context of {counted.context}"
    told += f" (largest: {largest})" if largest else ""
    param = "max_tokens" if asked and room > 0 else "messages"
    return ContextTooLong(f"{told}; {_advice(counted, room)}", param=param)


def _advice(counted: Counted, room: int) -> str:
    if room > 0:
        return f"ask for at most {room}, or send less"
    media = any(item.kind is not ItemKind.TEXT for item in counted.items)
    return "send fewer or smaller images and videos" if media else "shorten the conversation"


def _largest(counted: Counted) -> str:
    by_size = sorted(counted.items, key=lambda item: -item.tokens)
    return ", ".join(f"{_name(item)} {item.tokens}" for item in by_size[:LARGEST_TOLD])


def _name(item: CountedItem) -> str:
    return f"{item.kind} {item.param}" if item.param else str(item.kind)
