"""What a response was asked with, as the list that OpenAI's API shows page by page. Pure."""

from dataclasses import dataclass
from typing import Any

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.errors import Refused

LARGEST_PAGE = 100
USUAL_PAGE = 20


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of the list is wanted."""

    limit: int = USUAL_PAGE
    newest_first: bool = True
    after: str | None = None

    @classmethod
    def of(cls, query: dict[str, str]) -> "Page":
        """Raises `Refused`."""
        limit = query.get("limit", str(USUAL_PAGE))
        if not (limit.isascii() and limit.isdecimal() and len(limit) < 9 and 1 <= int(limit) <= LARGEST_PAGE):
            raise Refused(ErrorCode.INVALID_VALUE, f"cannot use this limit: give 1 to {LARGEST_PAGE}", "limit")
        order = query.get("order", "desc")
        if order not in ("asc", "desc"):
            raise Refused(ErrorCode.INVALID_VALUE, "cannot use this order: give asc or desc", "order")
        return cls(int(limit), order == "desc", query.get("after"))


def items_of(response_id: str, given: object) -> list[dict[str, Any]]:
    """The items of a request's `input`, oldest first. Those without an id get one that stays the same."""
    if isinstance(given, str):
        given = [{"type": "message", "role": "user", "content": given}]
    if not isinstance(given, list):
        return []
    name = response_id.removeprefix("resp_")
    items = (item for item in given if isinstance(item, dict))
    return [_complete(item, f"msg_{name}_{number}") for number, item in enumerate(items)]


def _complete(item: dict[str, Any], name: str) -> dict[str, Any]:
    if "type" not in item and "role" in item:
        item = {"type": "message", **item}
    item = {"id": name, **{key: value for key, value in item.items() if key != "id" or value}}
    if item.get("type") == "message":
        item.setdefault("status", "completed")
        if isinstance(item.get("content"), str):
            item["content"] = [_text(item)]
    return item


def _text(item: dict[str, Any]) -> dict[str, Any]:
    if item.get("role") == "assistant":
        return {"type": "output_text", "text": item["content"], "annotations": []}
    return {"type": "input_text", "text": item["content"]}


def page_of(items: list[dict[str, Any]], page: Page) -> dict[str, Any]:
    """OpenAI's shape of a list. Raises `Refused` for an item that is not there."""
    ordered = items[::-1] if page.newest_first else items
    start = 0
    if page.after is not None:
        start = next((at + 1 for at, item in enumerate(ordered) if item["id"] == page.after), -1)
        if start < 0:
            raise Refused(ErrorCode.INVALID_VALUE, f"cannot list after {page.after!r}: no such item", "after")
    shown = ordered[start : start + page.limit]
    return {
        "object": "list",
        "data": shown,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
        "has_more": start + page.limit < len(ordered),
    }
