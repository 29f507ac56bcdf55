"""Bodies: every fault in OpenAI's words, with the field in `param`."""

from typing import Any

import pytest
from starlette.requests import Request

from switchyard_image_server.api.body import LARGE, field_path, parse, parse_values, read_body
from switchyard_image_server.chat.request import ChatRequest
from switchyard_image_server.errors import (
    Cancelled,
    InvalidJson,
    InvalidValue,
    MissingParameter,
    TooLarge,
    Unsupported,
)
from switchyard_image_server.images.request import EditRequest


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe", b'{"a": "\\ud800"}'])
def test_refuses_what_is_no_json_object(content: bytes) -> None:
    with pytest.raises(InvalidJson, match="must be a JSON object"):
        parse(content, ChatRequest)


def test_names_the_missing_field() -> None:
    with pytest.raises(MissingParameter) as refused:
        parse(b'{"messages": [{"content": "hi"}]}', ChatRequest)

    assert refused.value.param == "messages[0].role"


def test_tells_every_fault_at_once() -> None:
    with pytest.raises(InvalidValue, match=r"temperature: .*; top_p: ") as refused:
        parse(b'{"messages": [{"role": "user", "content": "hi"}], "temperature": -1, "top_p": 5}', ChatRequest)

    assert refused.value.param == "temperature"


def test_leaves_the_branches_of_unions_out_of_the_path() -> None:
    assert field_path(("messages", 0, "content", "list[Part]", 1, "type")) == "messages[0].content[1].type"
    assert field_path(("messages", 0, "content", "str")) == "messages[0].content"


def test_a_form_is_read_like_a_body() -> None:
    form = {
        "prompt": "a cat",
        "n": "2",
        "stream": "true",
        "strength": "0.5",
        "seed": ["1", "2"],
        "size": None,
        "async": "1",
    }

    read = parse_values(form, EditRequest)

    assert (read.n, read.stream, read.strength, read.seed) == (2, True, 0.5, (1, 2))
    assert (read.size, read.as_job) == ("auto", True)


def test_a_forms_faults_name_the_field() -> None:
    with pytest.raises(InvalidValue, match="cannot use these values: n: ") as refused:
        parse_values({"prompt": "a cat", "n": "many"}, EditRequest)
    with pytest.raises(MissingParameter) as missed:
        parse_values({"n": "1"}, EditRequest)

    assert (refused.value.param, missed.value.param) == ("n", "prompt")


def test_a_refusal_of_the_type_itself_comes_through() -> None:
    with pytest.raises(Unsupported, match="cannot make a gif"):
        parse(b'{"prompt": "a cat", "output_format": "gif"}', EditRequest)


def request(*pieces: bytes, leaves: bool = False) -> Request:
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": one, "more_body": True} for one in pieces
    ]
    messages.append({"type": "http.disconnect"} if leaves else {"type": "http.request", "body": b""})

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    return Request({"type": "http", "headers": []}, receive)


@pytest.mark.parametrize("size", [5, LARGE])
async def test_reads_a_body_of_any_size(size: int) -> None:
    image = "x" * size

    read = await read_body(request(b'{"prompt": "a cat", "image": "', image.encode(), b'"}'), EditRequest)

    assert (read.prompt, read.images) == ("a cat", (image,))


async def test_a_body_is_bounded() -> None:
    with pytest.raises(TooLarge, match="cannot take a body of over 10 bytes"):
        await read_body(request(b"x" * 6, b"x" * 6), EditRequest, limit=10)


async def test_a_client_that_leaves_is_no_fault() -> None:
    with pytest.raises(Cancelled):
        await read_body(request(b"{", leaves=True), EditRequest)
