"""Messages on their way to a chat template: text joined, pictures opened, everything else refused."""

from collections.abc import Callable
from typing import Any

import pytest

from switchyard_image_server.chat.conversation import Conversation, read_conversation
from switchyard_image_server.chat.request import ChatRequest
from switchyard_image_server.errors import InvalidValue, MissingParameter, Refused, Unsupported

Url = Callable[..., str]
Png = Callable[..., bytes]


def read(*messages: dict[str, Any], sees: bool = False) -> Conversation:
    return read_conversation(ChatRequest.model_validate({"messages": messages}), sees=sees)


def test_a_text_model_gets_parts_as_one_text() -> None:
    told = read(
        {"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "input_text", "text": "two"}]}
    )

    assert told.messages == [{"role": "user", "content": "one\ntwo"}]


def test_a_seeing_model_gets_pictures_in_their_places(make_png: Png, as_data_url: Url) -> None:
    red, blue = (as_data_url(make_png((8, 8), color)) for color in ("red", "blue"))
    content = [
        {"type": "text", "text": "this"},
        {"type": "image_url", "image_url": {"url": red, "detail": "high"}},
        {"type": "text", "text": "or this?"},
        {"type": "input_image", "image_url": blue},
    ]

    told = read({"role": "user", "content": content}, sees=True)

    assert [part["type"] for part in told.messages[0]["content"]] == ["text", "image", "text", "image"]
    assert [picture.decode().getpixel((0, 0)) for picture in told.pictures] == [(255, 0, 0), (0, 0, 255)]


def test_nothing_a_processor_would_open_gets_through(make_png: Png, as_data_url: Url) -> None:
    part = {
        "type": "image_url",
        "image_url": as_data_url(make_png()),
        "url": "file:///etc/passwd",
        "path": "/etc",
    }

    told = read({"role": "user", "content": [part]}, sees=True)

    assert told.messages[0]["content"] == [{"type": "image"}]


def test_developer_messages_are_system_messages() -> None:
    told = read({"role": "developer", "content": "be brief"}, {"role": "user", "content": "hi"})

    assert [message["role"] for message in told.messages] == ["system", "user"]


def test_tool_arguments_become_an_object_for_the_template() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"city": "Paris"}'}}

    told = read(
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": "12"},
    )

    assert told.messages[0]["tool_calls"][0]["function"]["arguments"] == {"city": "Paris"}
    assert told.messages[0]["content"] == ""
    assert told.messages[1]["tool_call_id"] == "1"


def test_tool_arguments_that_are_no_object_are_passed_as_they_are() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{broken"}}

    told = read({"role": "assistant", "tool_calls": [call]})

    assert told.messages[0]["tool_calls"] == [call]


def test_refuses_a_picture_for_a_model_that_reads_text_only(make_png: Png, as_data_url: Url) -> None:
    part = {"type": "image_url", "image_url": {"url": as_data_url(make_png())}}

    with pytest.raises(Unsupported, match="cannot look at images: this model reads text only") as refused:
        read({"role": "user", "content": [part]})

    assert refused.value.param == "messages[0].content[0]"


@pytest.mark.parametrize(
    ("part", "kind", "param"),
    [
        ({"type": "text"}, MissingParameter, "messages[0].content[0].text"),
        ({"type": "image_url"}, MissingParameter, "messages[0].content[0].image_url"),
        ({"type": "video_url", "video_url": {"url": "x"}}, Unsupported, "messages[0].content[0]"),
        ({"type": "hologram"}, InvalidValue, "messages[0].content[0].type"),
        (
            {"type": "image_url", "image_url": "https://x.test/a.png"},
            Unsupported,
            "messages[0].content[0].image_url",
        ),
    ],
)
def test_names_the_part_that_it_refuses(part: dict[str, Any], kind: type[Refused], param: str) -> None:
    with pytest.raises(kind) as refused:
        read({"role": "user", "content": [part]}, sees=True)

    assert refused.value.param == param


def test_refuses_a_message_without_content() -> None:
    with pytest.raises(MissingParameter, match=r"messages\[1\]: it has no content"):
        read({"role": "user", "content": "hi"}, {"role": "assistant"})
