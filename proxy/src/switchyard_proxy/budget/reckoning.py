"""What the pictures and videos of a request cost, and whether the model's context can hold them.

A request is refused only for what is certain; estimates are shown, and judged by nobody.
"""

from dataclasses import dataclass
from typing import Any

from switchyard_contracts.errors import ErrorCode
from switchyard_contracts.serving import Vision
from switchyard_proxy.budget.content import Broken
from switchyard_proxy.budget.counting import TooNarrow, image_tokens, sampled_frames, video_tokens
from switchyard_proxy.budget.media import Kind, Medium, broken, looks_like_media, media_in, refuse_addresses
from switchyard_proxy.budget.sizes import picture_size
from switchyard_proxy.budget.videos import video_facts
from switchyard_proxy.errors import Refused

MUCH = 20_000
TOO_MUCH = 50_000
MOST_LOOKED_AT = 1000  # this runs on the event loop; the rest counts as nothing
_NAMED = 20  # items that a message lists


@dataclass(frozen=True, slots=True)
class Item:
    """One picture or video. Of `tokens`, `certain` is what no engine can do without."""

    kind: Kind
    index: int
    width: int | None
    height: int | None
    frames: int | None  # those that are looked at
    tokens: int
    certain: int
    exact: bool

    def __str__(self) -> str:
        size = f"{self.width}x{self.height}" if self.width else "of unknown size"
        frames = f", {self.frames} frames" if self.frames is not None else ""
        return f"{self.kind} {self.index} ({size}{frames}) {self.tokens}"


@dataclass(frozen=True, slots=True)
class Budget:
    """All of a request's, against the model's context where that is known."""

    items: tuple[Item, ...]
    context: int | None

    @property
    def total(self) -> int:
        return sum(item.tokens for item in self.items)

    @property
    def certain(self) -> int:
        return sum(item.certain for item in self.items)

    @property
    def fits(self) -> bool:
        """False only where there is no doubt."""
        return self.context is None or self.certain <= self.context


def check(body: bytes, vision: Vision | None, context: int | None, *, urls_allowed: bool) -> Budget:
    """Raises `Refused`: an address that is not allowed, a broken file, or more than the context holds."""
    if not looks_like_media(body):
        return Budget((), context)
    media = media_in(body)
    refuse_addresses(media, allowed=urls_allowed)
    if vision is None:
        return Budget((), context)
    budget = _count(media, vision, context)
    if not budget.fits:
        raise _too_much(budget)
    return budget


def count(body: bytes, vision: Vision, context: int | None) -> Budget:
    """The numbers, whatever they are. Raises `Refused` only for what cannot be read."""
    return _count(media_in(body), vision, context)


def summary(budget: Budget) -> dict[str, Any]:
    """As an endpoint tells it."""
    return {
        "level": level_of(budget.total),
        "total": budget.total,
        "context": budget.context,
        "fits": budget.fits,
        "exact": all(item.exact for item in budget.items),
        "items": [
            {
                "kind": item.kind.value,
                "index": item.index,
                "width": item.width,
                "height": item.height,
                "frames": item.frames,
                "tokens": item.tokens,
                "exact": item.exact,
            }
            for item in budget.items
        ],
    }


def level_of(tokens: int) -> str:
    return "critical" if tokens > TOO_MUCH else "warning" if tokens > MUCH else "ok"


def _count(media: tuple[Medium, ...], vision: Vision, context: int | None) -> Budget:
    counted = [medium for medium in media if medium.kind in (Kind.IMAGE, Kind.VIDEO)]
    items = [item_of(medium, vision) for medium in counted[:MOST_LOOKED_AT]]
    return Budget((*items, *map(_unknown, counted[MOST_LOOKED_AT:])), context)


def item_of(medium: Medium, vision: Vision) -> Item:
    """One picture or video by itself. Raises `Refused` for what cannot be read."""
    if not medium.inline:
        return _unknown(medium)
    try:
        return _picture(medium, vision) if medium.kind is Kind.IMAGE else _video(medium, vision)
    except (Broken, TooNarrow) as error:
        raise broken(medium, error) from None


def _picture(medium: Medium, vision: Vision) -> Item:
    size = picture_size(medium.content())
    if size is None:
        return _unknown(medium)
    if 0 in size:
        raise Broken(f"its head says that it is {size[0]}x{size[1]}")
    tokens = image_tokens(*size, vision)
    return Item(Kind.IMAGE, medium.index, *size, None, tokens, tokens, exact=True)


def _video(medium: Medium, vision: Vision) -> Item:
    facts = video_facts(medium.content())
    if facts is None:
        return _unknown(medium)
    frames = sampled_frames(facts.frames, facts.fps, vision)
    groups, each = video_tokens(frames, facts.width, facts.height, vision)
    tokens = groups * (each + vision.timestamp_tokens)
    sure = facts.exact and frames >= vision.temporal_patch
    return Item(
        Kind.VIDEO,
        medium.index,
        facts.width,
        facts.height,
        frames,
        tokens,
        groups * each if sure else 0,
        exact=sure,
    )


def _unknown(medium: Medium) -> Item:
    """Of a kind that only the engine may know, or on the network: nothing is known, so nothing counts."""
    return Item(medium.kind, medium.index, None, None, None, 0, 0, exact=False)


def _too_much(budget: Budget) -> Refused:
    named = ", ".join(map(str, budget.items[:_NAMED]))
    more = f" and {len(budget.items) - _NAMED} more" if len(budget.items) > _NAMED else ""
    return Refused(
        ErrorCode.CONTEXT_LENGTH_EXCEEDED,
        f"cannot fit the pictures and videos into the model's context of {budget.context} tokens: "
        f"together they take {budget.total}, namely {named}{more}; send fewer, smaller or shorter ones",
        "messages",
    )
