"""Bodies: every fault in OpenAI's words, with the field in `param`."""

import pytest

from switchyard_image_server.api.body import field_path, parse
from switchyard_image_server.chat.request import ChatRequest
from switchyard_image_server.errors import InvalidJson, InvalidValue, MissingParameter


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
