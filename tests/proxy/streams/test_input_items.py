"""The input of a response, as a list that is turned page by page."""

import pytest

from switchyard_proxy.errors import Refused
from switchyard_proxy.streams.input_items import Page, items_of, page_of

THREE = items_of("resp_1", [{"role": "user", "content": text} for text in "abc"])


def test_a_text_is_one_message_of_the_user() -> None:
    assert items_of("resp_1", "hi") == [
        {
            "id": "msg_1_0",
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": "hi"}],
            "status": "completed",
        }
    ]


def test_items_keep_what_they_are_and_get_what_they_lack() -> None:
    call = {"type": "function_call_output", "call_id": "c", "output": "4", "id": None}
    items = items_of("resp_1", [{"role": "assistant", "content": "a", "id": "msg_x"}, call, "no item"])

    assert [item["id"] for item in items] == ["msg_x", "msg_1_1"]
    assert items[0]["content"] == [{"type": "output_text", "text": "a", "annotations": []}]
    assert items[1] == {"id": "msg_1_1", "type": "function_call_output", "call_id": "c", "output": "4"}


@pytest.mark.parametrize("given", [None, 7, {"a": 1}])
def test_what_is_no_input_is_an_empty_list(given: object) -> None:
    assert items_of("resp_1", given) == []


def test_the_newest_come_first_unless_asked_otherwise() -> None:
    newest, oldest = page_of(THREE, Page.of({})), page_of(THREE, Page.of({"order": "asc"}))

    assert [item["id"] for item in newest["data"]] == ["msg_1_2", "msg_1_1", "msg_1_0"]
    assert [item["id"] for item in oldest["data"]] == ["msg_1_0", "msg_1_1", "msg_1_2"]
    assert (newest["first_id"], newest["last_id"], newest["has_more"]) == ("msg_1_2", "msg_1_0", False)


def test_pages_follow_one_another() -> None:
    first = page_of(THREE, Page.of({"limit": "2"}))
    second = page_of(THREE, Page.of({"limit": "2", "after": first["last_id"]}))

    assert (len(first["data"]), first["has_more"]) == (2, True)
    assert ([item["id"] for item in second["data"]], second["has_more"]) == (["msg_1_0"], False)


def test_an_empty_list_has_no_ends() -> None:
    assert page_of([], Page()) == {
        "object": "list",
        "data": [],
        "first_id": None,
        "last_id": None,
        "has_more": False,
    }


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "101"}, {"limit": "x"}, {"order": "up"}])
def test_a_page_that_cannot_be_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(Refused):
        Page.of(query)


def test_a_page_after_what_is_not_there_is_refused() -> None:
    with pytest.raises(Refused):
        page_of(THREE, Page(after="msg_9"))
