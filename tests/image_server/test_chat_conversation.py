"""Messages on their way to a template: text joined, media opened, labels given, everything else refused."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from switchyard_image_server.chat import conversation
from switchyard_image_server.chat.conversation import Conversation, read_conversation
from switchyard_image_server.chat.request import ChatRequest
from switchyard_image_server.errors import (
    InvalidValue,
    MediaNotAllowed,
    MissingParameter,
    Refused,
    TooLarge,
    Unsupported,
)
from switchyard_image_server.media.addresses import MediaReader
from switchyard_image_server.settings import MediaSettings

Url = Callable[..., str]
Png = Callable[..., bytes]
READER = MediaReader(MediaSettings())


async def read(
    *messages: dict[str, Any], sees: bool = False, usual: bool = True, media: MediaReader = READER, **body: Any
) -> Conversation:
    request = ChatRequest.model_validate({"messages": messages, **body})
    return await read_conversation(request, media, sees=sees, labels=usual)


@pytest.fixture
def picture(make_png: Png, as_data_url: Url) -> Callable[..., dict[str, Any]]:
    def make(size: tuple[int, int] = (8, 8), **more: Any) -> dict[str, Any]:
        return {"type": "image_url", "image_url": {"url": as_data_url(make_png(size))}, **more}

    return make


def words(told: Conversation) -> str:
    """A turn as it will be read, with a mark for each picture."""
    parts = [part for message in told.messages for part in message["content"]]
    return "".join(part.get("text", f"[{part['type']}]") for part in parts)


async def test_a_text_model_gets_parts_as_one_text() -> None:
    told = await read(
        {"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "input_text", "text": "two"}]}
    )

    assert told.messages == [{"role": "user", "content": "one\ntwo"}]


async def test_a_refusal_in_the_history_is_what_was_said() -> None:
    told = await read(
        {"role": "user", "content": "do it"},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
    )

    assert told.messages[1] == {"role": "assistant", "content": "no"}


async def test_a_seeing_model_gets_pictures_in_their_places(make_png: Png, as_data_url: Url) -> None:
    red, blue = (as_data_url(make_png((8, 8), color)) for color in ("red", "blue"))
    content = [
        {"type": "text", "text": "this"},
        {"type": "image_url", "image_url": {"url": red, "detail": "high"}},
        {"type": "text", "text": "or this?"},
        {"type": "input_image", "image_url": blue},
    ]

    told = await read({"role": "user", "content": content}, sees=True, labels=False)

    assert [part["type"] for part in told.messages[0]["content"]] == ["text", "image", "text", "image"]
    assert [picture.decode().getpixel((0, 0)) for picture in told.pictures] == [(255, 0, 0), (0, 0, 255)]


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": "{url}"},
        {"type": "image_url", "image_url": {"url": "{url}"}},
        {"type": "image_url", "image_url": {"url": "{base64}"}},
        {"type": "input_image", "image_url": "{url}"},
        {"type": "input_image", "input_image": {"data": "{base64}", "format": "png"}},
        {"type": "input_image", "input_image": {"image_url": "{url}"}},
        {"type": "input_image", "data": "{base64}"},
        {"type": "image", "image": "{url}"},
        {"type": "image", "image": "{base64}"},
        {"type": "image", "b64_json": "{base64}"},
    ],
)
async def test_takes_a_picture_however_clients_send_it(
    make_png: Png, as_data_url: Url, part: dict[str, Any]
) -> None:
    url = as_data_url(make_png((9, 7)))
    filled = {
        key: filled_in(value, url)
        if isinstance(value, str)
        else {k: filled_in(v, url) for k, v in value.items()}
        for key, value in part.items()
    }

    told = await read({"role": "user", "content": [filled]}, sees=True)

    assert told.pictures[0].size == (9, 7)


def filled_in(value: str, url: str) -> str:
    return value.replace("{url}", url).replace("{base64}", url.partition(",")[2])


async def test_nothing_a_processor_would_open_gets_through(make_png: Png, as_data_url: Url) -> None:
    part = {
        "type": "image_url",
        "image_url": as_data_url(make_png()),
        "url": "file:///etc/passwd",
        "path": "/etc",
    }

    told = await read({"role": "user", "content": [part]}, sees=True)

    assert told.messages[0]["content"] == [{"type": "image"}]


async def test_pictures_may_stand_in_every_turn_and_in_tools_results(picture: Any) -> None:
    messages = [
        {"role": "system", "content": [picture((9, 8))]},
        {"role": "user", "content": [picture((10, 8))]},
        {"role": "assistant", "content": [{"type": "output_text", "text": "I see"}]},
        {"role": "tool", "tool_call_id": "1", "content": [picture((11, 8)), {"type": "text", "text": "done"}]},
    ]

    told = await read(*messages, sees=True)

    assert [one.size for one in told.pictures] == [(9, 8), (10, 8), (11, 8)]
    assert words(told) == "Image 1: [image]Image 2: [image]I seeImage 3: [image]done"


async def test_a_single_picture_needs_no_label(picture: Any) -> None:
    told = await read({"role": "user", "content": [picture()]}, sees=True)

    assert words(told) == "[image]"
    assert told.labels == {}


async def test_a_single_picture_is_labelled_where_that_is_asked_for(picture: Any) -> None:
    told = await read({"role": "user", "content": [picture()]}, sees=True, labels=True)

    assert words(told) == "Image 1: [image]"


@pytest.mark.parametrize(("asked", "usual"), [(False, True), (None, False)])
async def test_labels_can_be_switched_off(picture: Any, asked: bool | None, usual: bool) -> None:
    content = [picture(label="Front"), picture()]

    told = await read({"role": "user", "content": content}, sees=True, usual=usual, labels=asked)

    assert words(told) == "[image][image]"


async def test_a_request_may_have_labels_where_they_are_not_usual(picture: Any) -> None:
    told = await read({"role": "user", "content": [picture()] * 2}, sees=True, usual=False, labels=True)

    assert words(told) == "Image 1: [image]Image 2: [image]"


async def test_own_labels_take_the_place_of_numbers(picture: Any) -> None:
    content = [picture(label="Front view"), picture(), picture(label=" Back: "), picture(label="  ")]

    told = await read({"role": "user", "content": content}, sees=True)

    assert words(told) == "Front view: [image]Image 2: [image]Back: [image]Image 4: [image]"
    assert told.labels["messages[0].content[0].image_url"] == "Front view"


async def test_an_own_label_is_given_to_a_single_picture_too(picture: Any) -> None:
    told = await read({"role": "user", "content": [picture(label="Front")]}, sees=True)

    assert words(told) == "Front: [image]"


async def test_a_template_that_numbers_by_itself_is_left_to_do_so(picture: Any) -> None:
    kwargs = {"add_vision_id": True}

    told = await read({"role": "user", "content": [picture()] * 2}, sees=True, chat_template_kwargs=kwargs)

    assert words(told) == "[image][image]"


async def test_developer_messages_are_system_messages() -> None:
    told = await read({"role": "developer", "content": "be brief"}, {"role": "user", "content": "hi"})

    assert [message["role"] for message in told.messages] == ["system", "user"]


async def test_tool_arguments_become_an_object_for_the_template() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"city": "Paris"}'}}

    told = await read(
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": "12"},
    )

    assert told.messages[0]["tool_calls"][0]["function"]["arguments"] == {"city": "Paris"}
    assert told.messages[0]["content"] == ""
    assert told.messages[1]["tool_call_id"] == "1"


@pytest.mark.parametrize("arguments", ["{broken", "[" * 100_000])
async def test_tool_arguments_that_are_no_object_are_passed_as_they_are(arguments: str) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": arguments}}

    told = await read({"role": "assistant", "tool_calls": [call]})

    assert told.messages[0]["tool_calls"] == [call]


@pytest.mark.parametrize("kind", ["image", "video"])
async def test_refuses_media_for_a_model_that_reads_text_only(kind: str) -> None:
    part = {"type": f"{kind}_url", f"{kind}_url": {"url": "data:;base64,AAAA"}}

    with pytest.raises(Unsupported, match=f"cannot look at {kind}s: this model reads text only") as refused:
        await read({"role": "user", "content": [part]})

    assert refused.value.param == "messages[0].content[0]"


@pytest.mark.parametrize(
    ("part", "kind", "param"),
    [
        ({"type": "text"}, MissingParameter, "messages[0].content[0].text"),
        ({"type": "image_url"}, MissingParameter, "messages[0].content[0].image_url"),
        ({"type": "input_video"}, MissingParameter, "messages[0].content[0].video_url"),
        (
            {"type": "input_image", "input_image": {}},
            MissingParameter,
            "messages[0].content[0].input_image.url",
        ),
        (
            {"type": "input_image", "input_image": {"file_id": "f"}},
            Unsupported,
            "messages[0].content[0].input_image.file_id",
        ),
        ({"type": "image", "image": "a", "data": "b"}, InvalidValue, "messages[0].content[0].data"),
        ({"type": "video_url", "video_url": {"url": "x"}}, InvalidValue, "messages[0].content[0].video_url"),
        ({"type": "input_audio"}, Unsupported, "messages[0].content[0]"),
        ({"type": "hologram"}, InvalidValue, "messages[0].content[0].type"),
        (
            {"type": "image_url", "image_url": "https://x.test/a.png"},
            MediaNotAllowed,
            "messages[0].content[0].image_url",
        ),
    ],
)
async def test_names_the_part_that_it_refuses(part: dict[str, Any], kind: type[Refused], param: str) -> None:
    with pytest.raises(kind) as refused:
        await read({"role": "user", "content": [part]}, sees=True)

    assert refused.value.param == param


async def test_refuses_a_message_without_content() -> None:
    with pytest.raises(MissingParameter, match=r"messages\[1\]: it has no content"):
        await read({"role": "user", "content": "hi"}, {"role": "assistant"})


async def test_refuses_more_media_than_anybody_looks_at(picture: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "MAX_MEDIA", 2)

    with pytest.raises(TooLarge, match="over 2 images and videos") as refused:
        await read({"role": "user", "content": [picture()] * 3}, sees=True)

    assert refused.value.param == "messages[0].content[2].image_url"


class Slow(MediaReader):
    """Answers later the earlier it was asked, and knows how many it was asked at once."""

    def __init__(self, contents: list[bytes]) -> None:
        super().__init__(MediaSettings())
        self.contents = contents
        self.open = 0
        self.most = 0

    async def read(self, url: str, param: str) -> bytes:
        self.open += 1
        self.most = max(self.most, self.open)
        for _ in range(10 - int(url)):
            await asyncio.sleep(0)
        self.open -= 1
        return self.contents[int(url)]


async def test_addresses_are_read_together_but_few_at_once_and_keep_their_order(make_png: Png) -> None:
    reader = Slow([make_png((8 + at, 8)) for at in range(9)])
    content = [{"type": "image", "image": str(at)} for at in range(9)]

    told = await read({"role": "user", "content": content}, sees=True, media=reader)

    assert [one.size[0] for one in told.pictures] == list(range(8, 17))
    assert reader.most == conversation.MAX_FETCHES


CONTINUES = {"continue_final_message": True, "add_generation_prompt": False}
ASKED = {"role": "user", "content": "say it"}


@pytest.mark.parametrize("content", ["It beg", [{"type": "text", "text": "It beg"}]])
async def test_an_answer_that_broke_off_is_marked_to_be_continued(content: Any) -> None:
    told = await read(ASKED, {"role": "assistant", "content": content}, sees=True, **CONTINUES)

    assert told.continues
    assert not (await read(ASKED)).continues


@pytest.mark.parametrize(
    ("last", "param"),
    [
        (ASKED, "messages[1]"),
        ({"role": "tool", "content": "x", "tool_call_id": "1"}, "messages[1]"),
        (
            {"role": "assistant", "content": "x", "tool_calls": [{"function": {"name": "f", "arguments": ""}}]},
            "messages[1]",
        ),
        ({"role": "assistant", "content": ""}, "messages[1].content"),
        ({"role": "assistant", "content": " \n"}, "messages[1].content"),
        ({"role": "assistant", "content": []}, "messages[1].content"),
    ],
)
async def test_only_an_answer_in_words_can_be_continued(last: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidValue, match="cannot continue") as refused:
        await read(ASKED, last, **CONTINUES)

    assert refused.value.param == param
